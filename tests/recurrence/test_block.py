"""Blocks around layers, and the convolution before them."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.architectures import EncoderDecoder, ManyToMany
from seqlab.cells import Elman
from seqlab.recurrence import Block, Stack
from seqlab.recurrence.block import BLOCKS, NORMS
from seqlab.recurrence.trajectory import trajectories
from seqlab.types import Batch, IncompatibleError, Tokens

B, T, H = 3, 6, 4
KEY = jax.random.key(0)
SKIPS = BLOCKS[1:]


def random_like(tree, seed=1, scale=0.5):
    """Return random parameters of the same shapes, none of them 0."""
    draw = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: np.float32(scale * draw.standard_normal(leaf.shape)), tree)


def random_inputs(num_inputs):
    return np.float32(np.random.default_rng(0).standard_normal((B, T, num_inputs)))


def made(kind, num_layers=2, num_inputs=H, cell=None, **settings):
    block = Block(
        kind, **{name: settings.pop(name) for name in ("norm", "stochastic_depth") if name in settings}
    )
    stack = Stack(cell or Elman(H), num_layers, block=block, **settings)
    params = random_like(jax.eval_shape(lambda: stack.init(KEY, num_inputs)))
    return stack, params, random_inputs(num_inputs)


def test_a_residual_layer_of_zeros_is_the_identity():
    stack, params, inputs = made("residual")
    _, outputs = jax.jit(stack.apply)(jax.tree.map(np.zeros_like, params), inputs)
    np.testing.assert_array_equal(outputs, inputs)


@pytest.mark.parametrize("norm", NORMS)
def test_a_block_equals_its_equations(norm):
    block = Block("pre_norm_mlp", norm, expand=1.5)
    params = random_like(jax.eval_shape(lambda: block.init(KEY, H)))
    x = random_inputs(H)

    def normalised(params, x):
        if norm == "rms_norm":
            return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * params["scale"]
        deviation = np.sqrt(x.var(-1, keepdims=True) + 1e-6)
        return (x - x.mean(-1, keepdims=True)) / deviation * params["scale"] + params["bias"]

    u = x + np.sin(normalised(params["norm"], x))
    mlp, read = params["mlp"], normalised(params["mlp_norm"], u)
    gate = read @ mlp["gate_kernel"]
    hidden = gate / (1 + np.exp(-gate)) * (read @ mlp["up_kernel"])
    assert hidden.shape[-1] == 6
    found = jax.jit(lambda params, x: block.apply(params, x, jnp.sin, lambda x: x, lambda x: x))(params, x)
    np.testing.assert_allclose(found, u + hidden @ mlp["down_kernel"], atol=1e-5)


@pytest.mark.parametrize("kind", SKIPS)
def test_a_sequence_alone_in_parts_or_padded_is_the_same(kind):
    stack, params, inputs = made(kind, num_inputs=2, input_conv=3)
    lengths, t = np.array([T, 2, 4]), 2
    apply = jax.jit(stack.apply)
    final, outputs = apply(params, inputs, lengths)
    hidden = (np.arange(T) >= lengths[:, None])[..., None]
    other = apply(params, np.where(hidden, np.float32(np.inf), inputs), lengths)
    jax.tree.map(np.testing.assert_array_equal, other, (final, outputs))
    assert not np.where(hidden, outputs, 0).any()
    carries, first = apply(params, inputs[:, :t], np.full(B, t))
    end, rest = apply(params, inputs[:, t:], lengths - t, carries)
    np.testing.assert_allclose(np.concatenate([first, rest], axis=1), outputs, atol=1e-5)
    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-5), end, final)


def test_after_a_reset_nothing_before_it_counts():
    stack, params, inputs = made("pre_norm", input_conv=3)
    resets = np.broadcast_to(np.arange(T) == 3, (B, T))
    apply = jax.jit(stack.apply)
    final, outputs = jax.device_get(apply(params, inputs, resets=resets))
    end, alone = apply(params, inputs[:, 3:])
    np.testing.assert_allclose(outputs[:, 3:], alone, atol=1e-5)
    jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-5), end, final)
    short, _ = apply(params, inputs[:, :4], resets=resets[:, :4])
    np.testing.assert_array_equal(np.asarray(short["input_conv"]["forward"])[:, 0], 0)


def test_the_convolution_equals_that_of_numpy():
    stack, params, inputs = made("plain", cell=Elman(H, activation="identity"), num_layers=1, input_conv=3)
    cell = {"input_kernel": np.eye(H), "recurrent_kernel": np.zeros((H, H)), "bias": np.zeros(H)}
    cell = jax.tree.map(np.float32, cell)
    outputs = np.asarray(jax.jit(stack.apply)({**params, "layer_0": {"forward": cell}}, inputs)[1])
    kernel, bias = params["input_conv"]["kernel"], params["input_conv"]["bias"]
    for feature in range(H):
        expected = np.convolve(inputs[0, :, feature], kernel[:, feature])[:T] + bias[feature]
        np.testing.assert_allclose(outputs[0, :, feature], expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["plain", "pre_norm_mlp"])
def test_trajectories_are_those_of_the_stack(kind):
    stack, params, inputs = made(kind, num_inputs=2, input_conv=2, bidirectional=True)
    found = jax.jit(functools.partial(trajectories, stack))(params, inputs)
    read = []

    def run_layer(index, layer, values):
        read.append(values)
        return values if kind != "plain" else jnp.ones((B, T, 2 * H))

    stack.connections.apply(run_layer, params, inputs)
    np.testing.assert_allclose(found["layer_0"]["forward"].inputs, jnp.swapaxes(read[0], 0, 1), atol=1e-6)
    final, _ = jax.jit(stack.apply)(params, inputs)
    step = functools.partial(stack.cell.apply, {"params": params["layer_1"]["forward"]})
    top = found["layer_1"]["forward"]
    last, _ = step(top.before[-1], top.inputs[-1])
    np.testing.assert_allclose(last, final["layer_1"]["forward"], atol=1e-5)


@pytest.mark.parametrize("kind", ["residual", "pre_norm_mlp"])
def test_the_gradient_reaches_the_lowest_of_many_layers(kind):
    stack = Stack(Elman(H), num_layers=8, block=Block(kind))
    params, inputs = jax.jit(lambda key: stack.init(key, 2))(KEY), random_inputs(2)
    total = jax.jit(jax.grad(lambda params: stack.apply(params, inputs)[1].sum()))
    grads = total(params)
    norms = [
        sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(grads[layer]["forward"])) ** 0.5
        for layer in stack.layers
    ]
    assert np.isfinite(norms).all()
    assert min(norms) > 1e-2 * max(norms)


def test_stochastic_depth_leaves_out_sequences_and_keeps_the_expectation():
    stack, params, inputs = made("residual", num_layers=1, stochastic_depth=0.4)
    inputs = np.broadcast_to(inputs[:1], (400, T, H))
    apply = jax.jit(lambda key: stack.apply(params, inputs, key=key)[1])
    usual, noisy = jax.device_get((apply(None), apply(KEY)))
    left_out = np.all(noisy == inputs, axis=(1, 2))
    scaled = inputs + (usual - inputs) / np.float32(0.6)
    np.testing.assert_allclose(noisy, np.where(left_out[:, None, None], inputs, scaled), atol=1e-5)
    assert abs(left_out.mean() - 0.4) < 4 * np.sqrt(0.4 * 0.6 / 400)
    assert [Block("residual", stochastic_depth=0.4).rate(index, 4) for index in (0, 3)] == [0.1, 0.4]


def test_a_plain_block_has_no_stochastic_depth():
    with pytest.raises(IncompatibleError, match=r"^architecture\.stochastic_depth must be 0 .*residual"):
        ManyToMany(Elman(H), Tokens(3), Tokens(3), stochastic_depth=0.1)
    with pytest.raises(ValueError, match=r"^block must be one of plain, .*'pre-norm'"):
        ManyToMany(Elman(H), Tokens(3), Tokens(3), block="pre-norm")


def test_an_encoder_decoder_with_blocks_writes_step_by_step_what_it_predicts_at_once():
    network = EncoderDecoder(
        Elman(H), Tokens(3), Tokens(3), bidirectional=True, block="pre_norm", input_conv=3
    )
    tokens = np.random.default_rng(0).integers(0, 3, (B, T), dtype="int32")
    batch = Batch(tokens, (tokens + 1) % 3, np.ones((B, T), bool))
    params = random_like(jax.eval_shape(network.init, KEY, batch))
    whole = np.asarray(jax.jit(network.apply)(params, batch))
    decode_step = jax.jit(network.decode_step)
    state, prediction = jax.jit(network.prefill)(params, batch.inputs)
    for t in range(T - 1):
        np.testing.assert_allclose(prediction, whole[:, t], atol=1e-5)
        state, prediction = decode_step(params, state, batch.targets[:, t])
    np.testing.assert_allclose(prediction, whole[:, -1], atol=1e-5)
