"""Our cells compared with Flax's, given the same parameters."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from seqlab.cells import GRU, LSTM, Elman

B, T, F, H = 3, 5, 4, 6
PAIRS = {
    "elman": (Elman(H), nn.SimpleCell(H)),
    "lstm": (LSTM(H), nn.OptimizedLSTMCell(H)),
    "gru": (GRU(H), nn.GRUCell(H)),
}


def as_flax(name, params):
    """Write our parameters in Flax's layout: a dense layer a gate, and one bias a gate."""
    cell = PAIRS[name][0]
    blocks = lambda array: dict(zip(cell.gates, jnp.split(array, len(cell.gates), axis=-1), strict=True))  # noqa: E731
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
    x, shift, *states = jax.random.normal(jax.random.key(1), (4, B, H))
    x, carry = x[:, :F], tuple(states) if name == "lstm" else states[0]
    params = ours.init(jax.random.key(0), carry, x)["params"]
    params = jax.tree.map(lambda leaf: leaf + 0.3 * shift[0, 0], params)
    found = ours.apply({"params": params}, carry, x)
    expected = flax.apply({"params": as_flax(name, params)}, carry, x)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert jnp.max(jnp.abs(one - other)) < 1e-6


@pytest.mark.parametrize("cell", [*(ours for ours, _ in PAIRS.values()), GRU(H, reset_after=False)])
def test_runs_in_flax_rnn(cell):
    layer, inputs = nn.RNN(cell), jax.random.normal(jax.random.key(0), (B, T, F))
    variables = layer.init(jax.random.key(1), inputs)
    assert layer.apply(variables, inputs, seq_lengths=jnp.array([5, 1, 3])).shape == (B, T, H)


def test_cells_are_values():
    assert LSTM(H) == LSTM(H)
    assert hash(GRU(H)) == hash(GRU(H))
    assert Elman(H) != Elman(H, activation="relu")
