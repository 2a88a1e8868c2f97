"""What do the outputs of a network say? The most probable symbols, by what its outputs are."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.types import Labels, Spec, Transcript, Vectors


def likeliest(spec: Spec, predictions: jax.Array, lengths: jax.Array | None = None) -> jax.Array:
    """Return the most probable symbols or labels, and vectors as they are predicted.

    Args:
        spec: the output spec.
        predictions: `(B, O)` or `(B, T, O)`.
        lengths: int32 `(B,)`, the real steps that a `Transcript` is read from; None where every step is real.

    Returns:
        int32 `(B,)` or `(B, T)`, those of a `Transcript` as `best_path` returns them; float `(B, O)` or
        `(B, T, O)` where the spec is `Vectors`, and 0 or 1 where it is `Labels`.
    """
    if isinstance(spec, Transcript):
        return best_path(predictions, lengths)
    if isinstance(spec, Vectors):
        return predictions
    if isinstance(spec, Labels):
        return (predictions > 0).astype(predictions.dtype)
    return jnp.argmax(predictions, axis=-1).astype(jnp.int32)


def best_path(logits: jax.Array, lengths: jax.Array | None = None) -> jax.Array:
    """Read a transcript off the likeliest symbol of each step: those in a row are one, and blanks are none.

    Args:
        logits: `(B, T, O)`, the last symbol being the blank.
        lengths: int32 `(B,)`, the steps that are read; None for all.

    Returns:
        int32 `(B, T)`: the tokens of each transcript, then blanks.

    Source: A. Graves, S. Fernández, F. Gomez & J. Schmidhuber, "Connectionist temporal classification", ICML
        2006, section 3.2. It is not always the likeliest transcript, which takes more than one path.
    """
    B, T, O = logits.shape  # noqa: E741
    steps, blank = jnp.arange(T), O - 1
    chosen = jnp.argmax(logits, axis=-1).astype(jnp.int32)
    if lengths is not None:
        chosen = jnp.where(steps < lengths[:, None], chosen, blank)
    before = jnp.concatenate([jnp.full((B, 1), blank), chosen[:, :-1]], axis=1)
    is_token = (chosen != blank) & (chosen != before)
    first = jnp.argsort(~is_token, axis=1, stable=True)
    tokens = jnp.take_along_axis(chosen, first, axis=1)
    return jnp.where(steps < is_token.sum(axis=1, keepdims=True), tokens, blank)
