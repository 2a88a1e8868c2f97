"""The most probable outputs, given the predictions of a network."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.types import Gaussians, Labels, Spec, Transcript, Vectors


def likeliest(spec: Spec, predictions: jax.Array, lengths: jax.Array | None = None) -> jax.Array:
    """Return the most probable symbols, labels or values; vectors are the predictions.

    Args:
        spec: the output spec.
        predictions: `(B, O)` or `(B, T, O)`.
        lengths: int32 `(B,)`, the real steps from which a `Transcript` is read; None where every step is
            real.

    Returns:
        int32 `(B,)` or `(B, T)`; of a `Transcript` those of `best_path`; of `Vectors` and `Gaussians` float
        `(B, O)` or `(B, T, O)`, and of `Labels` such an array of 0 and 1.
    """
    if isinstance(spec, Transcript):
        return best_path(predictions, lengths)
    if isinstance(spec, Vectors):
        return predictions
    if isinstance(spec, Gaussians):
        return predictions[..., : spec.size]
    if isinstance(spec, Labels):
        return (predictions > 0).astype(predictions.dtype)
    return jnp.argmax(predictions, axis=-1).astype(jnp.int32)


def best_path(logits: jax.Array, lengths: jax.Array | None = None) -> jax.Array:
    """Decode transcripts from the most probable symbol of each step.

    Equal symbols in a row are merged, then blanks are removed.

    Args:
        logits: `(B, T, O)`; the last symbol is the blank.
        lengths: int32 `(B,)`, the real steps; None for all.

    Returns:
        int32 `(B, T)`: the tokens of each transcript, then blanks.

    Source: A. Graves, S. Fernández, F. Gomez & J. Schmidhuber, "Connectionist temporal classification", ICML
        2006, section 3.2. The result is not always the most probable transcript, as several paths can spell
        one transcript.
    """
    B, T, O = logits.shape  # noqa: E741
    steps, blank = jnp.arange(T), O - 1
    chosen = jnp.argmax(logits, axis=-1).astype(jnp.int32)
    if lengths is not None:
        chosen = jnp.where(steps < lengths[:, None], chosen, blank)
    before = jnp.concatenate([jnp.full((B, 1), blank, jnp.int32), chosen[:, :-1]], axis=1)
    is_token = (chosen != blank) & (chosen != before)
    first = jnp.argsort(~is_token, axis=1, stable=True)
    tokens = jnp.take_along_axis(chosen, first, axis=1)
    return jnp.where(steps < is_token.sum(axis=1, keepdims=True), tokens, blank)
