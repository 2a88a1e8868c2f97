"""Weighted means that add up over batches."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Mean(NamedTuple):
    """Weighted mean in two parts. The sum of the parts of all batches gives the mean over all batches.

    Attributes:
        total: the weighted sum, scalar.
        weight: the sum of the weights, scalar.
    """

    total: jax.Array | float
    weight: jax.Array | float

    @property
    def value(self) -> jax.Array | float:
        """The mean; NaN where the weight is 0."""
        return self.total / self.weight


def masked_mean(values: jax.Array, mask: jax.Array) -> Mean:
    """Return the mean of the values where bool `mask`, of the same shape, is True."""
    return Mean(jnp.sum(jnp.where(mask, values, 0.0)), jnp.sum(mask, dtype=values.dtype))
