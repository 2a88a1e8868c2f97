"""The simple recurrent network (Elman)."""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell
from seqlab.cells.gates import sow
from seqlab.cells.portable import Counterpart
from seqlab.checks import require_choice
from seqlab.types import Params

ACTIVATIONS = {"tanh": jax.nn.tanh, "relu": jax.nn.relu, "identity": lambda a: a}
SLOPES = {
    "tanh": lambda h: 1 - h * h,
    "relu": lambda h: (h > 0).astype(h.dtype),
    "identity": jnp.ones_like,
}
"""φ′(a) as a function of h = φ(a)."""


class Elman(Cell):
    """The simple recurrent network.

        h_t = φ(x_t W + h_{t−1} R + b)

    The carry and the output are h `(B, H)`. With `activation="relu"` and `recurrent_init="identity"` it is
    the IRNN of Le et al. 2015.

    Attributes:
        activation: φ: tanh, relu or identity.

    Source: Elman 1990, "Finding structure in time". Deviation: the readout is not part of the cell.
    """

    activation: str = "tanh"

    gates: ClassVar[tuple[str, ...]] = ("h",)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self, "activation", tuple(ACTIVATIONS))

    @property
    def counterpart(self) -> Counterpart:
        """The cell of other libraries that computes the same."""
        return Counterpart("RNN", activation=self.activation)

    @nn.compact
    def __call__(self, h: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Take one step: `(B, H), (B, F) -> (B, H), (B, H)`."""
        W, R, b = self.kernels(x)
        h = ACTIVATIONS[self.activation](x @ W + h @ R + b)
        if self.activation == "tanh":
            sow(self, state=jnp.abs(h))
        return h, h

    @nn.nowrap
    def advance(self, weights: Params, h: jax.Array, z: jax.Array) -> tuple[jax.Array, None]:
        """Take one step from z = x W + b, `(B, H), (B, H) -> (B, H)`. There are no residuals besides h."""
        return ACTIVATIONS[self.activation](z + h @ weights["recurrent_kernel"]), None

    @nn.nowrap
    def linearise(self, before: jax.Array, after: jax.Array, residuals: None) -> jax.Array:
        """Return P = φ′(a) for all steps, `(T, B, H)`."""
        return SLOPES[self.activation](after)

    @nn.nowrap
    def pull(self, recurrent_T: jax.Array, P: jax.Array, dh: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Take one step back: δa = δh ⊙ P, δh_{t−1} = δa Rᵀ. Return δh_{t−1} and δa."""
        da = dh * P
        return da @ recurrent_T, da
