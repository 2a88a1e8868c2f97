"""Probes: zeros whose gradient reports the cotangent of a state."""

from __future__ import annotations

import jax

from seqlab.recurrence.norms import norm_over_features


@jax.custom_vjp
def probe(values: jax.Array, zeros: jax.Array) -> jax.Array:
    """Return the values `(…, H)` unchanged.

    The gradient with respect to `zeros` is the cotangent of the values where the zeros are `(…, H)`, and its
    norm over H where they are `(…,)`.
    """
    return values


probe.defvjp(
    lambda values, zeros: (values, zeros),
    lambda zeros, cotangents: (cotangents, probe_gradient(zeros, cotangents)),
)


def probe_gradient(zeros: jax.Array, cotangents: jax.Array) -> jax.Array:
    """Return the gradient of a probe, given cotangents `(…, H)`: themselves, or their norms over H."""
    return cotangents if zeros.ndim == cotangents.ndim else norm_over_features(cotangents)
