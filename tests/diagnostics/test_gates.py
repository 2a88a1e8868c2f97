"""Gate statistics and trajectories."""

from __future__ import annotations

import jax
import jax.numpy as jnp
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


def step(cell, params, carry, x):
    (after, _), seen = cell.apply({"params": params}, carry, x, mutable="gates")
    return after, seen["gates"]


def start(cell):
    carry = jax.tree.map(jnp.ones_like, cell.initialize_carry(None, (B, F)))
    return carry, jax.jit(cell.init)(jax.random.key(0), carry, jnp.zeros((B, F)))["params"]


def content(carry):
    """Return the first state; that of an sLSTM, `(c, n, m, h)`, is in units of exp(m)."""
    leaves = jax.tree.leaves(carry)
    return leaves[0] * jnp.exp(leaves[2]) if len(leaves) == 4 else leaves[0]


def test_values_are_counted_over_real_steps():
    values = jnp.array([[[0.01, 0.5], [0.99, 0.96]], [[0.02, 1.0], [0.0, 0.0]]])
    real = jnp.array([[True, True], [True, False]])
    found = gate_statistics({"forget": values, "output": values}, real, place="layer_0/")
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
    params = {**jax.tree.map(jnp.zeros_like, params), "bias": jnp.repeat(jnp.array(biases), H)}
    after, seen = step(cell, params, carry, jnp.zeros((B, F)))
    (kept,) = (value for key, value in seen.items() if key in ("forget", "update"))
    np.testing.assert_allclose(content(after) / content(carry), kept, rtol=1e-6)
    found = gate_statistics({"forget": kept}, jnp.ones(B, bool))
    np.testing.assert_allclose(found["gates/forget/memory_steps"], -1 / np.log(kept[0, 0]), rtol=1e-5)


@pytest.mark.parametrize("cell", [LSTM(H), PeepholeLSTM(H)], ids=["lstm", "peephole"])
def test_what_the_output_gate_lets_out_is_h(cell):
    (c, h), seen = step(cell, *start(cell)[::-1], jnp.ones((B, F)))
    np.testing.assert_allclose(h, seen["output"] * jnp.tanh(c), rtol=1e-6)


def test_the_state_of_a_simple_network_saturates():
    h, seen = step(Elman(H), *start(Elman(H))[::-1], 3 * jnp.ones((B, F)))
    np.testing.assert_allclose(seen["state"], jnp.abs(h), rtol=1e-6)
    _, params = start(Elman(H))
    relu = Elman(H, activation="relu")
    assert "gates" not in relu.apply({"params": params}, h, jnp.ones((B, F)), mutable="gates")[1]


def test_a_trajectory_is_what_the_stack_runs_through():
    stack = Stack(LSTM(H), num_layers=2, bidirectional=True)
    params = stack.init(jax.random.key(0), F)
    inputs, lengths = jax.random.normal(jax.random.key(1), (B, 6, F)), jnp.array([6, 2, 4])
    final, outputs = jax.jit(stack.apply)(params, inputs, lengths)
    found = jax.jit(lambda *arguments: trajectories(stack, *arguments))(params, inputs, lengths)
    assert list(found) == list(stack.layers)
    for layer, directions in found.items():
        for way, one in directions.items():
            after, y = stack.cell.apply({"params": params[layer][way]}, one.before, one.inputs)
            for b, length in enumerate(lengths):
                assert one.real[:, b].sum() == length
                for old, new, end in zip(one.before, after, final[layer][way], strict=True):
                    np.testing.assert_allclose(old[1:length, b], new[: length - 1, b], atol=1e-6)
                    np.testing.assert_allclose(new[length - 1, b], end[b], atol=1e-6)
                    assert not old[0, b].any()
            if layer == "layer_1":
                y = jnp.where(one.real[..., None], y, 0).swapaxes(0, 1)
                half = outputs[..., :H] if way == "forward" else flip(outputs[..., H:], lengths)
                np.testing.assert_allclose(y, half, atol=1e-6)


def test_a_trajectory_continues_from_carries_and_restarts_at_resets():
    stack = Stack(LSTM(H), num_layers=2)
    params = stack.init(jax.random.key(0), F)
    inputs = jax.random.normal(jax.random.key(1), (B, 6, F))
    resets = jnp.zeros((B, 6), bool).at[1, 2].set(True).at[2, 4].set(True)
    parts = [(inputs[:, part], resets[:, part]) for part in (slice(0, 3), slice(3, 6))]
    run = jax.jit(lambda *batch: stack.apply(params, batch[0], resets=batch[1])[0])
    follow = jax.jit(
        lambda inputs, resets, carries: trajectories(stack, params, inputs, None, carries, resets)
    )
    whole = follow(inputs, resets, stack.initial_carries(params, inputs))
    halves = follow(*parts[0], stack.initial_carries(params, inputs)), follow(*parts[1], run(*parts[0]))
    joined = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *halves)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), joined, whole)
    for directions in whole.values():
        for leaf in directions["forward"].before:
            started = ~leaf.any(axis=-1)
            np.testing.assert_array_equal(started, resets.T.at[0].set(True))
