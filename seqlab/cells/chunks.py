"""Chunks of time: splitting, joining, and what a step within a chunk can see."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def into_chunks(
    x: jax.Array, real: jax.Array | None, reset: jax.Array | None, length: int
) -> tuple[jax.Array, jax.Array | None, jax.Array | None]:
    """Split time into C chunks of L steps.

    Args:
        x: `(T, B, F)`.
        real: bool `(T, B)`, or None for True everywhere.
        reset: bool `(T, B)`, or None for False everywhere.
        length: L. Where it does not divide T, steps that are not real fill the last chunk.

    Returns:
        x `(C, B, L, F)`, and the flags `(C, B, L)` or None. A step that is not real resets nothing.
    """
    missing = -len(x) % length
    if real is None and missing:
        real = jnp.ones(x.shape[:2], bool)
    if reset is not None and real is not None:
        reset = reset & real

    def split(array: jax.Array) -> jax.Array:
        array = jnp.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1))
        return jnp.swapaxes(array.reshape(-1, length, *array.shape[1:]), 1, 2)

    return (
        split(x),
        None if real is None else split(real),
        None if reset is None else split(reset),
    )


def from_chunks(y: jax.Array, num_steps: int) -> jax.Array:
    """Join chunks: `(C, B, L, H) -> (T, B, H)`."""
    joined = jnp.swapaxes(y, 1, 2)
    return joined.reshape(-1, *joined.shape[2:])[:num_steps]


def segments_of(reset: jax.Array | None) -> jax.Array | None:
    """Return the number of resets up to each step of its chunk, int32 `(C, B, 1, L)`, or None."""
    return None if reset is None else jnp.cumsum(reset, axis=-1, dtype=jnp.int32)[:, :, None]


def visible(segments: jax.Array | None, length: int) -> jax.Array:
    """Return bool `(…, L, L)`: whether step t (row) sees what step j ≤ t wrote, with no reset between."""
    causal = jnp.tril(jnp.ones((length, length), bool))
    if segments is None:
        return causal
    return causal & (segments[..., :, None] == segments[..., None, :])


def kept(log_share: jax.Array, seen: jax.Array | None) -> jax.Array:
    """Return exp(log_share) where `seen` is True (None: everywhere), and 0 elsewhere, also in gradients."""
    return jnp.exp(log_share if seen is None else jnp.where(seen, log_share, -jnp.inf))
