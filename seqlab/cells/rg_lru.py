"""The real-gated linear recurrent unit (RG-LRU)."""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.linear import LinearCell
from seqlab.checks import require_number
from seqlab.types import Params


class RGLRU(LinearCell):
    """The real-gated linear recurrent unit, whose gates read the input only.

        r = σ(x_t W_r + b_r),  i = σ(x_t W_i + b_i),  v = x_t W_v + b_v
        a_t = σ(Λ)^{c r}
        h_t = a_t ⊙ h_{t−1} + √(1 − a_t²) ⊙ (i ⊙ v)

    The carry and the output are h `(B, H)`. Parameters: `input_kernel` `(F, 3·H)` and `bias` `(3·H,)` of r, i
    and v side by side, `decay` Λ `(H,)`.

    Attributes:
        c: the exponent of the decay where r is 1.
        min_radius: the smallest initial a_t with r = 1.
        max_radius: the largest.

    Source: De et al. 2024, "Griffin: mixing gated linear recurrences with local attention for efficient
    language models", eq. 1 to 4 and section 2.4. Deviations: v replaces x_t in eq. 4, as F may differ from H;
    the block's convolution and output gate are not part of the cell.
    """

    c: float = 8.0
    min_radius: float = 0.9
    max_radius: float = 0.999

    gates: ClassVar[tuple[str, ...]] = ("r", "i", "v")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("r", "i")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "c", 1e-3)
        require_number(self, "max_radius", 0.0, 1.0)
        require_number(self, "min_radius", 0.0, 1.0)
        if not 0 < self.min_radius < self.max_radius:
            raise ValueError(
                f"min_radius must be above 0 and below max_radius={self.max_radius}, got {self.min_radius}"
            )

    def declare(self, x: jax.Array) -> Params:
        decay = self.param("decay", self._decays, (self.features,), self.param_dtype)
        return {**super().declare(x), "decay": decay}

    @nn.nowrap
    def coefficients(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        r, i, v = jnp.split(x @ weights["input_kernel"] + weights["bias"], 3, axis=-1)
        log_a = self.c * jax.nn.sigmoid(r) * jax.nn.log_sigmoid(weights["decay"])
        squares = jnp.maximum(-jnp.expm1(2 * log_a), 1e-30)  # the slope of a root is infinite at 0
        return jnp.exp(log_a), jnp.sqrt(squares) * jax.nn.sigmoid(i) * v

    @nn.nowrap
    def _decays(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        """Return Λ such that σ(Λ)^c is uniform."""
        radii = jax.random.uniform(key, shape, dtype, self.min_radius, self.max_radius)
        return jax.scipy.special.logit(radii ** (1 / self.c))
