"""Noise in a recurrence: only in training, by masks that are functions of the key."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from seqlab.cells import (
    CIFG,
    GRU,
    LRU,
    LSTM,
    MGU,
    MLSTM,
    SLSTM,
    Attention,
    Elman,
    MinGRU,
    SelectiveSSM,
    StackLSTM,
)
from seqlab.recurrence import Stack, unroll
from seqlab.recurrence.noise import draw_noise, drop, drop_weights

B, T, F, H = 3, 6, 3, 8
KEY = jax.random.key(5)
RATES = ("recurrent_dropout", "zoneout", "weight_drop")


def problem(stack):
    """Return parameters and inputs."""
    draw = lambda key: jax.random.normal(key, (B, T, F))  # noqa: E731
    params = jax.jit(lambda key: stack.init(key, F))(jax.random.key(0))
    return jax.device_get((params, jax.jit(draw)(jax.random.key(1))))


@pytest.mark.parametrize("rate", RATES)
def test_masks_are_functions_of_the_key_and_none_without(rate):
    plain, stack = Stack(LSTM(H), 2, True), Stack(LSTM(H), 2, True, **{rate: 0.5})
    params, inputs = problem(plain)
    run = jax.jit(
        lambda stack, key: stack.apply(params, inputs, np.array([T, 2, 4]), key=key)[1], static_argnums=0
    )
    without, with_key = run(plain, None), jax.device_get(run(stack, KEY))
    np.testing.assert_array_equal(run(stack, None), without)
    np.testing.assert_array_equal(run(stack, KEY), with_key)
    assert (with_key != np.asarray(run(stack, jax.random.key(6)))).any()
    assert (with_key != np.asarray(without)).any()
    assert not with_key[1, 2:].any()
    np.testing.assert_array_equal(run(plain, KEY), without)


def test_dropout_acts_on_inputs_and_outputs_of_layers_only():
    """With a cell that hands on what it reads, half of each half is left, and twice as large each time."""
    cell = Elman(F, activation="identity")
    params = {"input_kernel": np.eye(F), "recurrent_kernel": np.zeros((F, F)), "bias": np.zeros(F)}
    params = jax.tree.map(np.float32, params)
    inputs = np.ones((64, 64, F), "float32")
    stack = Stack(cell, dropout=0.5)
    outputs = np.asarray(jax.jit(stack.apply)({"layer_0": {"forward": params}}, inputs, key=KEY)[1])
    assert set(np.unique(outputs)) == {0.0, 4.0}
    np.testing.assert_allclose((outputs > 0).mean(), 0.25, atol=0.02)


def test_recurrent_dropout_is_one_mask_for_all_steps():
    cell, rate = Elman(H), 0.5
    params, inputs = problem(Stack(cell))
    params = params["layer_0"]["forward"]
    noise = jax.device_get(jax.jit(lambda: draw_noise(KEY, cell, inputs, rate, 0.0))())
    assert noise.hold is None
    assert set(np.unique(noise.mask)) == {0.0, 2.0}
    _, outputs = jax.jit(lambda: unroll(cell, params, inputs, noise=noise))()
    h = np.zeros((B, H))
    for t in range(T):
        masked = (h * noise.mask) @ params["recurrent_kernel"]
        h = np.tanh(inputs[:, t] @ params["input_kernel"] + masked + params["bias"])
        np.testing.assert_allclose(outputs[:, t], h, atol=1e-6)


@pytest.mark.parametrize("cell", [LSTM(H), GRU(H), LRU(H)], ids=lambda cell: type(cell).__name__)
def test_zoneout_keeps_elements_of_the_carry(cell):
    params, inputs = problem(Stack(cell))
    params = params["layer_0"]["forward"]
    carry = jax.tree.map(lambda leaf: leaf + 0.5, cell.initialize_carry(KEY, (B, F)))

    @jax.jit
    def run(inputs):
        noise = draw_noise(KEY, cell, inputs, 0.0, 0.3)
        usual, _ = cell.apply({"params": params}, carry, inputs[:, 0])
        zoned, outputs = unroll(cell, params, inputs, carry=carry, noise=noise)
        return carry, usual, zoned, outputs

    *carries, outputs = jax.device_get(run(inputs[:, :1]))
    share = []
    for before, after, found in zip(*map(jax.tree.leaves, carries), strict=True):
        assert ((found == before) | np.isclose(found, after, atol=1e-6)).all()
        share.append((found == before).mean())
    assert 0.05 < np.mean(share) < 0.6
    zoned = carries[-1]
    expected = jax.tree.leaves(zoned)[-1]
    if isinstance(cell, LRU):
        expected = jax.jit(lambda: cell.out(params, inputs[:, 0], cell.to_state(zoned)))()
    np.testing.assert_allclose(outputs[:, 0], expected, rtol=1e-5, atol=1e-6)


def one_step(cell, *carries):
    """Return the carry after a usual step from the first; of each, that with zoneout, and the output."""

    @jax.jit
    def run(carries):
        inputs = jax.random.normal(jax.random.key(1), (B, 1, F))
        params = Stack(cell).init(jax.random.key(0), F)["layer_0"]["forward"]
        noise = draw_noise(KEY, cell, inputs, 0.0, 0.5)
        zoned = [unroll(cell, params, inputs, carry=carry, noise=noise) for carry in carries]
        return cell.apply({"params": params}, carries[0], inputs[:, 0])[0], *zoned

    return jax.device_get(run(carries))


def positive(cell):
    """Return a carry of numbers from 1 to 2."""
    random = np.random.default_rng(0)
    shapes = jax.eval_shape(lambda: cell.initialize_carry(KEY, (B, F)))
    return jax.tree.map(lambda leaf: np.float32(random.uniform(1, 2, leaf.shape)), shapes)


@pytest.mark.parametrize("cell", [SLSTM(H), MLSTM(H, num_heads=2)], ids=lambda cell: type(cell).__name__)
def test_zoneout_is_the_same_at_every_scale_of_a_stabilised_state(cell):
    """C, n and m stand for C exp(m) and n exp(m), so another m beside other C and n changes nothing."""
    carry = positive(cell)

    def unscaled(carry):
        memory, n, m, *_ = carry
        return [leaf * np.exp(m.reshape(m.shape + (1,) * (leaf.ndim - m.ndim))) for leaf in (memory, n)]

    memory, n, m, *rest = carry
    factor = np.exp(np.linspace(0.1, 2.0, m.size, dtype="float32").reshape(m.shape))
    larger = [leaf * factor.reshape(m.shape + (1,) * (leaf.ndim - m.ndim)) for leaf in (memory, n)]
    other = (*larger, m - np.log(factor), *rest)
    after, (zoned, outputs), (zoned_other, outputs_other) = one_step(cell, carry, other)
    np.testing.assert_allclose(outputs, outputs_other, rtol=1e-5, atol=1e-6)
    for found, same, old, new in zip(*map(unscaled, (zoned, zoned_other, carry, after)), strict=True):
        np.testing.assert_allclose(found, same, rtol=1e-5)
        is_old, is_new = (np.isclose(found, leaf, rtol=1e-5) for leaf in (old, new))
        assert (is_old | is_new).all()
        assert 0 < is_old.mean() < 1


def test_zoneout_keeps_both_parts_of_a_complex_number():
    carry = positive(LRU(H))
    _, (zoned, _) = one_step(LRU(H), carry)
    kept = [found == before for found, before in zip(zoned, carry, strict=True)]
    np.testing.assert_array_equal(*kept)
    assert 0 < kept[0].mean() < 1


@pytest.mark.parametrize("cell", [SelectiveSSM(H), StackLSTM(H)], ids=lambda cell: type(cell).__name__)
def test_what_moves_at_every_step_is_not_held(cell):
    carry = positive(cell)
    after, (zoned, _) = one_step(cell, carry)
    np.testing.assert_allclose(zoned[0], after[0], rtol=1e-6)
    for found, before in zip(zoned[1:], carry[1:], strict=True):
        assert 0 < (found == before).mean() < 1


def test_weight_drop_masks_the_recurrent_kernel_alone():
    params = {"recurrent_kernel": np.ones((100, 100), "float32"), "bias": np.ones(4, "float32")}
    dropped = drop_weights(KEY, params, 0.3)
    assert dropped["bias"] is params["bias"]
    dropped = jax.device_get(dropped)
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
        (Attention(H), "zoneout", "zoneout must be 0 for Attention"),
    ],
)
def test_what_cannot_be_regularised_is_refused(cell, rate, message):
    with pytest.raises(ValueError, match=message):
        Stack(cell, **{rate: 1.0 if "finite" in message else 0.5})


@pytest.mark.parametrize("rate", RATES)
def test_gradients_flow(rate):
    stack = Stack(CIFG(H), **{rate: 0.3})
    params, inputs = problem(stack)
    slopes = jax.jit(jax.grad(lambda params: stack.apply(params, inputs, key=KEY)[1].sum()))(params)
    assert all(np.isfinite(leaf).all() and np.any(leaf) for leaf in jax.tree.leaves(slopes))
