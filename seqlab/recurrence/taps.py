"""What is a tap? A zero that meets a state on its way, and learns of the cotangent coming back."""

from __future__ import annotations

import jax

from seqlab.recurrence.norms import norm


@jax.custom_vjp
def tap(values: jax.Array, zeros: jax.Array) -> jax.Array:
    """Return the values `(…, H)`; on the way back, tell the zeros, `(…,)` or `(…, H)`, of their cotangent."""
    return values


tap.defvjp(
    lambda values, zeros: (values, zeros), lambda zeros, cotangents: (cotangents, told(zeros, cotangents))
)


def told(zeros: jax.Array, cotangents: jax.Array) -> jax.Array:
    """Return what a tap is told of cotangents `(…, H)`: themselves where it has an H, else their norm."""
    return cotangents if zeros.ndim == cotangents.ndim else norm(cotangents)
