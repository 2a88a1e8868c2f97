"""A cell whose carry holds a matrix and a window, in every room that reads carries."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.architectures import EncoderDecoder, ManyToOne
from seqlab.cells.gates import sow
from seqlab.diagnostics import recurrent
from seqlab.recurrence import Backward, GradientControl, Stack, Truncation, state_size, unroll
from seqlab.recurrence.carries import from_vector, to_vector
from seqlab.recurrence.noise import draw_noise
from seqlab.runs.states import states
from seqlab.testing import check_cell
from seqlab.testing.cells import LENGTHS, B, F, T, problem
from seqlab.types import Batch, Tokens, Vectors

H = 4


class Outer(nn.RNNCellBase):
    """S_t = f S_{t−1} + k_t x̃_tᵀ with k_t the sum of the last two keys, y_t = S_t k_t; a carry (keys, S)."""

    features: int

    @property
    def num_feature_axes(self):
        return 1

    @nn.nowrap
    def initialize_carry(self, rng, input_shape):
        B, H = input_shape[0], self.features
        return jnp.zeros((B, 2, H), float), jnp.zeros((B, H, H), float)

    @nn.compact
    def __call__(self, carry, x):
        keys, S = carry
        H = self.features
        W = self.param("input_kernel", nn.initializers.lecun_normal(), (x.shape[-1], 3 * H), float)
        key, value, f = jnp.split(x @ W, 3, axis=-1)
        f = jax.nn.sigmoid(f)[..., None]
        sow(self, forget=jnp.broadcast_to(f, S.shape), small=f[..., 0])
        keys = jnp.stack([keys[:, 1], key], axis=1)
        S = f * S + keys.sum(axis=1)[..., None] * value[..., None, :]
        return (keys, S), self.read_carry(None, x, carry, (keys, S))

    @nn.nowrap
    def read_carry(self, params, x, before, after):
        keys, S = after
        return jnp.einsum("bij,bi->bj", S, keys.sum(axis=1))


CELL = Outer(H)


def test_it_obeys_the_laws():
    check_cell(CELL)
    assert state_size(CELL, F) == 2 * H + H * H


def test_a_carry_is_a_vector_and_back():
    _, _, carry = problem(CELL)
    vector = to_vector(carry)
    assert vector.shape == (B, state_size(CELL, F))
    for found, leaf in zip(from_vector(vector, carry), carry, strict=True):
        np.testing.assert_array_equal(found, leaf)


@pytest.mark.parametrize("window", [None, 4])
def test_probes_report_the_norms_of_shifts_of_the_carry(window):
    """A shift of s_t moves its output, and all that comes later within a window."""
    _, inputs, _ = problem(CELL)
    stack = Stack(CELL)
    params = jax.jit(lambda key: stack.init(key, F))(jax.random.key(0))
    backward = Backward(truncation=window and Truncation(window, 2))

    def loss(probes):
        final, outputs = stack.apply(params, inputs, jnp.array(LENGTHS), probes=probes, backward=backward)
        return jnp.sum(jnp.sin(outputs)) + sum(jnp.sum(leaf) for leaf in jax.tree.leaves(final))

    probes = stack.zero_probes(params, B, T)
    found = jax.device_get(jax.jit(jax.grad(loss))(probes))["layer_0"]["forward"]
    assert [norm.shape for norm in found] == [(B, T), (B, T)]
    assert all((norm[0] > 0).all() for norm in found)
    assert not found[1][1, 1:].any()
    if window is None:
        whole = jax.tree.map(lambda leaf: np.zeros((B, T, *leaf.shape[1:]), "float32"), problem(CELL)[2])
        shifts = jax.jit(jax.grad(loss))({"layer_0": {"forward": whole}})["layer_0"]["forward"]
        for norm, shift in zip(found, shifts, strict=True):
            np.testing.assert_allclose(
                norm, np.linalg.norm(np.reshape(shift, (B, T, -1)), axis=-1), rtol=1e-5
            )


def test_the_output_follows_a_carry_that_zoneout_holds():
    params, inputs, carry = problem(CELL)

    @jax.jit
    def run(params, inputs, carry):
        noise = draw_noise(jax.random.key(3), CELL, inputs, 0.0, 1.0 - 1e-7)
        assert [leaf.shape for leaf in noise.hold] == [(B, T, 2, H), (B, T, H, H)]
        return unroll(CELL, params, inputs, carry=carry, noise=noise)

    final, outputs = jax.device_get(run(params, inputs, carry))
    for found, leaf in zip(final, carry, strict=True):
        np.testing.assert_array_equal(found, leaf)
    np.testing.assert_allclose(outputs[:, 2], CELL.read_carry(params, inputs[:, 2], None, carry), rtol=1e-6)


def test_clipping_bounds_the_norm_of_the_whole_carry():
    params, inputs, carry = problem(CELL)

    def loss(carry, clip):
        return jnp.sum(unroll(CELL, params, inputs, None, carry, control=GradientControl(clip))[1])

    slope = jax.jit(lambda carry, clip: to_vector(jax.grad(loss)(carry, clip)))
    free, clipped = (np.linalg.norm(slope(carry, clip), axis=-1) for clip in (None, 1e-3))
    assert (free > 0.1).all()
    assert (clipped < 0.1).all()


@pytest.fixture(scope="module")
def batch():
    tokens = np.random.default_rng(5).integers(0, 3, (B, T), dtype="int32")
    return Batch(tokens, tokens, np.ones((B, T), bool), np.array(LENGTHS))


def test_the_diagnostics_measure_the_whole_carry(batch, monkeypatch, caplog):
    network = ManyToOne(CELL, Tokens(3), Vectors(2))
    params = jax.jit(network.init)(jax.random.key(0), batch)

    def diagnose(params):
        found = recurrent.follow(network, params, batch)
        layers = network.layer_params(params)
        return recurrent.gates(found) | recurrent.jacobians(network.stack, layers, found)

    found = jax.device_get(jax.jit(diagnose)(params))
    assert found["gates/forget/histogram"].sum() == sum(LENGTHS) * H * H
    assert found["gates/small/histogram"].sum() == sum(LENGTHS) * H
    assert found["recurrent/lyapunov"].shape == (4,)
    assert np.isfinite(found["recurrent/log10_singular_value/1"])
    of_layer = states(network, params, batch)["layer_0"]
    assert {name: leaf.shape for name, leaf in of_layer.carry.items()} == {
        "cell_0": (B, T, 2, H),
        "cell_1": (B, T, H, H),
    }
    monkeypatch.setattr(recurrent, "LARGEST", 100)
    assert not any("lyapunov" in key for key in jax.eval_shape(lambda params: diagnose(params), params))
    assert "recurrent/… is left out: the states of a batch take" in caplog.text


@pytest.mark.parametrize("attention", [None, "bahdanau"])
def test_a_decoder_begins_from_the_carries_of_both_directions(batch, attention):
    network = EncoderDecoder(CELL, Tokens(3), Tokens(3), bidirectional=True, attention=attention)
    params = jax.jit(network.init)(jax.random.key(0), batch)
    assert jax.jit(network.apply)(params, batch).shape == (B, T, 3)
    assert network.state_size == 3 * state_size(CELL, F)
