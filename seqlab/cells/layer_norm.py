"""Layer normalisation without parameters."""

from __future__ import annotations

import jax
import jax.numpy as jnp

EPSILON = 1e-5


def normalise(a: jax.Array) -> jax.Array:
    """Return â = (a − mean a) / sqrt(var a + ε), with mean and variance over the last axis of `(…, N)`.

    Source: Ba et al. 2016, "Layer normalization", eq. 4. ε = 1e-5, as in PyTorch.
    """
    centred = a - jnp.mean(a, axis=-1, keepdims=True)
    return centred * jax.lax.rsqrt(jnp.mean(centred * centred, axis=-1, keepdims=True) + EPSILON)
