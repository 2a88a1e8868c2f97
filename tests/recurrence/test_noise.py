"""Noise in a recurrence: only in training, by masks that are functions of the key."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.cells import CIFG, GRU, LRU, LSTM, MGU, Elman, MinGRU
from seqlab.recurrence import Stack, unroll
from seqlab.recurrence.noise import draw_noise, drop, drop_weights

B, T, F, H = 3, 6, 3, 8
KEY = jax.random.key(5)
RATES = ("recurrent_dropout", "zoneout", "weight_drop")


def problem(stack):
    """Return parameters and inputs."""
    return stack.init(jax.random.key(0), F), jax.random.normal(jax.random.key(1), (B, T, F))


@pytest.mark.parametrize("rate", RATES)
def test_masks_are_functions_of_the_key_and_none_without(rate):
    plain, stack = Stack(LSTM(H), 2, True), Stack(LSTM(H), 2, True, **{rate: 0.5})
    params, inputs = problem(plain)
    run = jax.jit(
        lambda stack, key: stack.apply(params, inputs, jnp.array([T, 2, 4]), key=key)[1], static_argnums=0
    )
    np.testing.assert_array_equal(run(stack, None), run(plain, None))
    np.testing.assert_array_equal(run(stack, KEY), run(stack, KEY))
    assert (run(stack, KEY) != run(stack, jax.random.key(6))).any()
    assert (run(stack, KEY) != run(plain, None)).any()
    assert not run(stack, KEY)[1, 2:].any()
    np.testing.assert_array_equal(run(plain, KEY), run(plain, None))


def test_dropout_acts_on_inputs_and_outputs_of_layers_only():
    """With a cell that hands on what it reads, half of each half is left, and twice as large each time."""
    cell = Elman(F, activation="identity")
    params = {"input_kernel": jnp.eye(F), "recurrent_kernel": jnp.zeros((F, F)), "bias": jnp.zeros(F)}
    inputs = jnp.ones((64, 64, F))
    stack = Stack(cell, dropout=0.5)
    _, outputs = stack.apply({"layer_0": {"forward": params}}, inputs, key=KEY)
    assert set(np.unique(outputs)) == {0.0, 4.0}
    np.testing.assert_allclose((outputs > 0).mean(), 0.25, atol=0.02)


def test_recurrent_dropout_is_one_mask_for_all_steps():
    cell, rate = Elman(H), 0.5
    params, inputs = problem(Stack(cell))
    params = params["layer_0"]["forward"]
    noise = draw_noise(KEY, cell, inputs, rate, 0.0)
    assert noise.hold is None
    assert set(np.unique(noise.mask)) == {0.0, 2.0}
    _, outputs = jax.jit(lambda: unroll(cell, params, inputs, noise=noise))()
    h = jnp.zeros((B, H))
    for t in range(T):
        masked = (h * noise.mask) @ params["recurrent_kernel"]
        h = jnp.tanh(inputs[:, t] @ params["input_kernel"] + masked + params["bias"])
        np.testing.assert_allclose(outputs[:, t], h, atol=1e-6)


@pytest.mark.parametrize("cell", [LSTM(H), GRU(H), LRU(H)], ids=lambda cell: type(cell).__name__)
def test_zoneout_keeps_elements_of_the_carry(cell):
    params, inputs = problem(Stack(cell))
    params = params["layer_0"]["forward"]
    noise = draw_noise(KEY, cell, inputs[:, :1], 0.0, 0.3)
    carry = jax.tree.map(lambda leaf: leaf + 0.5, cell.initialize_carry(KEY, (B, F)))
    usual, _ = cell.apply({"params": params}, carry, inputs[:, 0])
    zoned, outputs = unroll(cell, params, inputs[:, :1], carry=carry, noise=noise)
    share = []
    for before, after, found in zip(*map(jax.tree.leaves, (carry, usual, zoned)), strict=True):
        assert ((found == before) | jnp.isclose(found, after, atol=1e-6)).all()
        share.append((found == before).mean())
    assert 0.05 < np.mean(share) < 0.6
    expected = jax.tree.leaves(zoned)[-1]
    if isinstance(cell, LRU):
        expected = cell.out(params, inputs[:, 0], cell.to_state(zoned))
    np.testing.assert_allclose(outputs[:, 0], expected, rtol=1e-5, atol=1e-6)


def test_weight_drop_masks_the_recurrent_kernel_alone():
    params = {"recurrent_kernel": jnp.ones((100, 100)), "bias": jnp.ones(4)}
    dropped = drop_weights(KEY, params, 0.3)
    assert dropped["bias"] is params["bias"]
    assert abs(float((dropped["recurrent_kernel"] == 0).mean()) - 0.3) < 0.02
    assert abs(float(dropped["recurrent_kernel"].mean()) - 1) < 0.03
    np.testing.assert_array_equal(dropped["recurrent_kernel"], drop(KEY, params["recurrent_kernel"], 0.3))


@pytest.mark.parametrize(
    ("cell", "rate", "message"),
    [
        (GRU(H), "recurrent_dropout", "recurrent_dropout must be 0 for GRU"),
        (MGU(H), "recurrent_dropout", "recurrent_dropout must be 0 for MGU"),
        (MinGRU(H), "recurrent_dropout", "recurrent_dropout must be 0 for MinGRU"),
        (MinGRU(H), "weight_drop", "weight_drop must be 0 for MinGRU"),
        (LSTM(H), "zoneout", "zoneout must be a finite number"),
    ],
)
def test_what_cannot_be_regularised_is_refused(cell, rate, message):
    with pytest.raises(ValueError, match=message):
        Stack(cell, **{rate: 1.0 if rate == "zoneout" else 0.5})


@pytest.mark.parametrize("rate", RATES)
def test_gradients_flow(rate):
    stack = Stack(CIFG(H), **{rate: 0.3})
    params, inputs = problem(stack)
    slopes = jax.jit(jax.grad(lambda params: stack.apply(params, inputs, key=KEY)[1].sum()))(params)
    assert all(jnp.isfinite(leaf).all() and leaf.any() for leaf in jax.tree.leaves(slopes))
