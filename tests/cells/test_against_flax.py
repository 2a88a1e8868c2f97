"""Our cells compared with Flax's, given the same parameters."""

from __future__ import annotations

import flax.linen as nn
import jax
import numpy as np
import pytest

from seqlab.cells import GRU, LSTM, Elman
from seqlab.testing.laws import difference

B, T, F, H = 3, 5, 4, 6
PAIRS = {
    "elman": (Elman(H), nn.SimpleCell(H)),
    "lstm": (LSTM(H), nn.OptimizedLSTMCell(H)),
    "gru": (GRU(H), nn.GRUCell(H)),
}


def as_flax(name, params):
    """Write our parameters in Flax's layout: a dense layer a gate, and one bias a gate."""
    cell = PAIRS[name][0]
    blocks = lambda array: dict(zip(cell.gates, np.split(array, len(cell.gates), axis=-1), strict=True))  # noqa: E731
    W, R, b = (blocks(params[key]) for key in ("input_kernel", "recurrent_kernel", "bias"))
    if name == "elman":
        return {"i": {"kernel": W["h"], "bias": b["h"]}, "h": {"kernel": R["h"]}}
    dense = {f"i{gate}": {"kernel": W[gate]} for gate in cell.gates}
    dense |= {f"h{gate}": {"kernel": R[gate]} for gate in cell.gates}
    for gate in cell.gates:
        dense[f"{'h' if name == 'lstm' else 'i'}{gate}"]["bias"] = b[gate]
    if name == "gru":
        dense["hn"]["bias"] = params["candidate_bias"]
    return dense


@pytest.mark.parametrize("name", PAIRS)
def test_a_step_equals_flax(name):
    ours, flax = PAIRS[name]
    x, *states = np.float32(np.random.default_rng(1).standard_normal((3, B, H)))
    x, carry = x[:, :F], tuple(states) if name == "lstm" else states[0]
    params = jax.jit(ours.init)(jax.random.key(0), carry, x)["params"]
    params = jax.tree.map(lambda leaf: np.asarray(leaf) + np.float32(0.3), params)
    found = jax.jit(ours.apply)({"params": params}, carry, x)
    expected = jax.jit(flax.apply)({"params": as_flax(name, params)}, carry, x)
    assert difference(found, expected) < 1e-6


@pytest.mark.parametrize("cell", [*(ours for ours, _ in PAIRS.values()), GRU(H, reset_after=False)])
def test_runs_in_flax_rnn(cell):
    layer, inputs = nn.RNN(cell), np.random.default_rng(0).standard_normal((B, T, F)).astype("float32")
    variables = jax.jit(layer.init)(jax.random.key(1), inputs)
    outputs = jax.jit(layer.apply)(variables, inputs, seq_lengths=np.array([5, 1, 3]))
    assert outputs.shape == (B, T, H)
    assert np.isfinite(outputs).all()


def test_cells_are_values():
    assert LSTM(H) == LSTM(H)
    assert hash(GRU(H)) == hash(GRU(H))
    assert Elman(H) != Elman(H, activation="relu")
