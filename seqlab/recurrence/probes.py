"""Probes: zeros whose gradient reports the cotangent of a state."""

from __future__ import annotations

import jax

from seqlab.recurrence.norms import norm_over_features


@jax.custom_vjp
def probe(values: jax.Array, zeros: jax.Array) -> jax.Array:
    """Return the values unchanged.

    The gradient with respect to `zeros` is the cotangent of the values where the zeros have as many axes, and
    otherwise its norm over the axes that the zeros lack, which are the last ones.
    """
    return values


probe.defvjp(
    lambda values, zeros: (values, zeros),
    lambda zeros, cotangents: (cotangents, probe_gradient(zeros, cotangents)),
)


def probe_gradient(zeros: jax.Array, cotangents: jax.Array) -> jax.Array:
    """Return the gradient of a probe, given cotangents: themselves, or their norms over the last axes."""
    if zeros.ndim == cotangents.ndim:
        return cotangents
    return norm_over_features(cotangents.reshape(*cotangents.shape[: zeros.ndim], -1))
