"""Clipping of the gradients of a step: of their elements, and by their global norm."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from seqlab.metrics import Mean
from seqlab.recurrence.norms import ScaledNorm, clip_by_global_norm, clip_elements, global_norm
from seqlab.types import Metrics, Params


class Clipping(NamedTuple):
    """The limits of gradients; elements are clipped first.

    Attributes:
        value: of the size of an element; None for none.
        norm: of the global norm of the gradients with clipped elements; None for none.
    """

    value: Any
    norm: Any

    def elements(self, grads: Params, norm: ScaledNorm) -> tuple[Params, ScaledNorm]:
        """Return gradients of a norm with their elements clipped, and the norm of these."""
        if self.value is None:
            return grads, norm
        grads = clip_elements(grads, self.value)
        return grads, global_norm(grads)

    def by_norm(self, grads: Params, norm: ScaledNorm) -> Params:
        """Return gradients with clipped elements, of a norm, with this norm clipped."""
        return grads if self.norm is None else clip_by_global_norm(grads, norm, self.norm)

    def both(self, grads: Params) -> Params:
        """Return gradients that are clipped in both ways."""
        return self.by_norm(*self.elements(grads, global_norm(grads)))

    def metrics(self, norm: ScaledNorm) -> Metrics:
        """Return the metrics of clipping by the norm, of gradients with clipped elements."""
        limit = jnp.inf if self.norm is None else self.norm
        clipped = Mean((norm.value > limit).astype(norm.value.dtype), jnp.ones_like(norm.value))
        return {"grads/norm_clipped": jnp.minimum(norm.value, limit), "grads/clipped": clipped}
