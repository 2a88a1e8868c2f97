"""Gate statistics and trajectories."""

from __future__ import annotations

import functools

import jax
import numpy as np
import pytest
from flows import B, F, H

from seqlab import cells
from seqlab.cells import LSTM, Elman, PeepholeLSTM
from seqlab.diagnostics.gates import gate_statistics
from seqlab.recurrence import Stack
from seqlab.recurrence.steps import flip
from seqlab.recurrence.trajectory import trajectories

GATED = {
    name: getattr(cells, name)(H)
    for name in cells.__all__
    if getattr(getattr(cells, name), "sigmoid_gates", ())
}


ONES = np.ones((B, F), "float32")


def step(cell, params, carry, x):
    (after, _), seen = jax.device_get(_step(cell, params, carry, x))
    return after, seen["gates"]


@functools.partial(jax.jit, static_argnums=0)
def _step(cell, params, carry, x):
    return cell.apply({"params": params}, carry, x, mutable="gates")


def start(cell):
    carry = jax.tree.map(np.ones_like, cell.initialize_carry(None, (B, F)))
    return carry, jax.device_get(jax.jit(cell.init)(jax.random.key(0), carry, 0 * ONES))["params"]


def content(carry):
    """Return the first state; that of an sLSTM, `(c, n, m, h)`, is in units of exp(m)."""
    leaves = jax.tree.leaves(carry)
    return leaves[0] * np.exp(leaves[2]) if len(leaves) == 4 else leaves[0]


def test_values_are_counted_over_real_steps():
    values = np.float32([[[0.01, 0.5], [0.99, 0.96]], [[0.02, 1.0], [0.0, 0.0]]])
    real = np.array([[True, True], [True, False]])
    statistics = jax.jit(functools.partial(gate_statistics, place="layer_0/"))
    found = statistics({"forget": values, "output": values}, real)
    mean = np.mean([0.01, 0.5, 0.99, 0.96, 0.02, 1.0])
    expected = {"mean": mean, "closed": 2 / 6, "open": 3 / 6, "memory_steps": -1 / np.log(mean)}
    for name, value in expected.items():
        np.testing.assert_allclose(found[f"gates/layer_0/forget/{name}"], value, rtol=1e-6)
    assert found["gates/layer_0/output/histogram"].tolist() == [2, *[0] * 9, 1, *[0] * 8, 3]
    assert "gates/layer_0/output/memory_steps" not in found


@pytest.mark.parametrize("name", GATED)
def test_what_the_gates_keep_is_what_remains(name):
    """Without weights and with a candidate of zero, a step multiplies the state by the share kept."""
    cell = GATED[name]
    carry, params = start(cell)
    biases = [0.5 * (1 + i) if gate in cell.sigmoid_gates else 0.0 for i, gate in enumerate(cell.gates)]
    params = {**jax.tree.map(np.zeros_like, params), "bias": np.repeat(np.float32(biases), H)}
    after, seen = step(cell, params, carry, 0 * ONES)
    (kept,) = (value for key, value in seen.items() if key in ("forget", "update"))
    np.testing.assert_allclose(content(after) / content(carry), kept, rtol=1e-6)
    found = jax.jit(gate_statistics)({"forget": kept}, np.ones(B, bool))
    np.testing.assert_allclose(found["gates/forget/memory_steps"], -1 / np.log(kept[0, 0]), rtol=1e-5)


@pytest.mark.parametrize("cell", [LSTM(H), PeepholeLSTM(H)], ids=["lstm", "peephole"])
def test_what_the_output_gate_lets_out_is_h(cell):
    (c, h), seen = step(cell, *start(cell)[::-1], ONES)
    np.testing.assert_allclose(h, seen["output"] * np.tanh(c), rtol=2e-6)


def test_the_state_of_a_simple_network_saturates():
    h, seen = step(Elman(H), *start(Elman(H))[::-1], 3 * ONES)
    np.testing.assert_allclose(seen["state"], np.abs(h), rtol=1e-6)
    _, params = start(Elman(H))
    relu = Elman(H, activation="relu")
    assert "gates" not in _step(relu, params, h, ONES)[1]


def test_a_trajectory_is_what_the_stack_runs_through():
    stack = Stack(LSTM(H), num_layers=2, bidirectional=True)
    params = jax.jit(lambda key: stack.init(key, F))(jax.random.key(0))
    inputs, lengths = np.float32(np.random.default_rng(1).standard_normal((B, 6, F))), np.array([6, 2, 4])
    final, outputs = jax.device_get(jax.jit(stack.apply)(params, inputs, lengths))
    found = jax.device_get(jax.jit(functools.partial(trajectories, stack))(params, inputs, lengths))
    apply = jax.jit(stack.cell.apply)
    assert list(found) == list(stack.layers)
    for layer, directions in found.items():
        for way, one in directions.items():
            after, y = jax.device_get(apply({"params": params[layer][way]}, one.before, one.inputs))
            for b, length in enumerate(lengths):
                assert one.real[:, b].sum() == length
                for old, new, end in zip(one.before, after, final[layer][way], strict=True):
                    np.testing.assert_allclose(old[1:length, b], new[: length - 1, b], atol=1e-6)
                    np.testing.assert_allclose(new[length - 1, b], end[b], atol=1e-6)
                    assert not old[0, b].any()
            if layer == "layer_1":
                y = np.where(one.real[..., None], y, 0).swapaxes(0, 1)
                half = outputs[..., :H] if way == "forward" else flip(outputs[..., H:], lengths)
                np.testing.assert_allclose(y, half, atol=1e-6)


def test_a_trajectory_continues_from_carries_and_restarts_at_resets():
    stack = Stack(LSTM(H), num_layers=2)
    params = jax.jit(lambda key: stack.init(key, F))(jax.random.key(0))
    inputs = np.float32(np.random.default_rng(1).standard_normal((B, 6, F)))
    resets = np.zeros((B, 6), bool)
    resets[1, 2] = resets[2, 4] = True
    parts = [(inputs[:, part], resets[:, part]) for part in (slice(0, 3), slice(3, 6))]
    run = jax.jit(lambda *batch: stack.apply(params, batch[0], resets=batch[1])[0])
    follow = jax.jit(
        lambda inputs, resets, carries: trajectories(stack, params, inputs, None, carries, resets)
    )
    whole = follow(inputs, resets, stack.initial_carries(params, inputs))
    halves = follow(*parts[0], stack.initial_carries(params, inputs)), follow(*parts[1], run(*parts[0]))
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *halves)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), joined, whole)
    for directions in whole.values():
        for leaf in directions["forward"].before:
            started = ~np.any(leaf, axis=-1)
            np.testing.assert_array_equal(started, resets.T | (np.arange(6) == 0)[:, None])
