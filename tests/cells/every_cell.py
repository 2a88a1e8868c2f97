"""Cells of `conf/cell`, small, and problems for them, for the tests of every cell."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from seqlab.recurrence import Stack, unroll
from seqlab.registry import CONF, locate

B, T, F, H = 3, 6, 3, 6
LENGTHS = (6, 1, 4)


def from_conf(name, **fields):
    """Return the cell of a file under `conf/cell`, H wide."""
    settings = yaml.safe_load((CONF / "cell" / f"{name}.yaml").read_text()) | {"features": H} | fields
    return locate(settings.pop("_target_"), "cell")(**settings)


CELLS = {path.stem: from_conf(path.stem) for path in sorted((CONF / "cell").glob("*.yaml"))}
VARIANTS = {
    "elman-identity": from_conf("elman", activation="identity"),
    "gru-reset-before": from_conf("gru", reset_after=False),
    "min_gru-associative": from_conf("min_gru", scan="associative"),
    "min_lstm-associative": from_conf("min_lstm", scan="associative"),
    "lru-associative": from_conf("lru", scan="associative"),
}
CELLS |= VARIANTS

every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)


@functools.cache
def problem(cell, dtype="float32"):
    """Return random parameters (nothing at zero), inputs `(B, T, F)` and an initial carry."""
    random = np.random.default_rng(0)
    params = jax.jit(lambda key: Stack(cell).init(key, F))(jax.random.key(0))["layer_0"]["forward"]
    carry = cell.initialize_carry(jax.random.key(0), (B, F))
    shifted = lambda leaf, scale: jnp.asarray(leaf + scale * random.standard_normal(leaf.shape), dtype)  # noqa: E731
    return (
        jax.tree.map(lambda leaf: shifted(np.asarray(leaf), 0.2), params),
        shifted(np.zeros((B, T, F)), 1.0),
        jax.tree.map(lambda leaf: shifted(np.asarray(leaf), 1.0), carry),
    )


@functools.partial(jax.jit, static_argnames=("cell", "reverse"))
def run(cell, params, inputs, lengths=None, carry=None, reverse=False):
    """Unroll, compiled."""
    return unroll(cell, params, inputs, lengths, carry, reverse)


def same(left, right):
    """Say whether two trees are equal bit for bit."""
    return jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), left, right))


def difference(left, right):
    """Return the largest difference between two trees, relative where values are large."""
    gaps = jax.tree.map(lambda a, b: jnp.max(jnp.abs(a - b) / jnp.maximum(1, jnp.abs(b))), left, right)
    return max(float(leaf) for leaf in jax.tree.leaves(gaps))
