"""Cells with a fused backward pass, and a problem without zero cotangents, for the tests of recurrence."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import pytest

from seqlab.cells import GRU, LSTM, Elman
from seqlab.recurrence import unroll
from seqlab.testing.laws import difference

__all__ = ["CELLS", "LENGTHS", "B", "F", "H", "T", "difference", "every_cell", "loss", "problem"]

B, T, F, H = 3, 7, 4, 5
LENGTHS = (7, 0, 4)
CELLS = {
    "elman-tanh": Elman(H),
    "elman-relu": Elman(H, activation="relu"),
    "elman-identity": Elman(H, activation="identity", recurrent_scale=0.7),
    "lstm": LSTM(H),
    "gru": GRU(H),
    "gru-reset-before": GRU(H, reset_after=False),
}


every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)


@functools.cache
def problem(cell, dtype=jnp.float32):
    """Return random parameters (no bias at zero), inputs `(B, T, F)` and an initial carry, in NumPy."""
    return jax.device_get(jax.jit(lambda: _drawn(cell, dtype))())


def _drawn(cell, dtype):
    keys = iter(jax.random.split(jax.random.key(0), 20))
    zeros = cell.initialize_carry(next(keys), (B, F))
    params = cell.init(next(keys), zeros, jnp.zeros((B, F)))["params"]
    params = jax.tree.map(lambda leaf: leaf + 0.2 * jax.random.normal(next(keys), leaf.shape), params)
    inputs = jax.random.normal(next(keys), (B, T, F))
    carry = jax.tree.map(lambda leaf: jax.random.normal(next(keys), leaf.shape), zeros)
    return jax.tree.map(lambda leaf: leaf.astype(dtype), (params, inputs, carry))


def loss(params, inputs, carry, probes=None, *, cell, lengths=None, run=unroll, **options):
    """Return a scalar that depends on every output and on the final carry, each in its own way."""
    lengths = None if lengths is None else jnp.array(lengths)
    carry, outputs = run(cell, params, inputs, lengths, carry, probes=probes, **options)
    weights = jnp.cos(jnp.arange(outputs.size, dtype=outputs.dtype)).reshape(outputs.shape)
    ends = sum(jnp.sum(jnp.cos(leaf + i)) for i, leaf in enumerate(jax.tree.leaves(carry)))
    return jnp.sum(weights * jnp.sin(outputs)) + ends
