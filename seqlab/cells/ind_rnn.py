"""The independently recurrent neural network (IndRNN)."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from seqlab.cells.elman import ACTIVATIONS
from seqlab.cells.gates import sow
from seqlab.checks import require_choice, require_number, require_positive
from seqlab.types import Carry


class IndRNN(nn.RNNCellBase):
    """A recurrent network whose units read only their own last state.

        h_t = φ(x_t W + u ⊙ h_{t−1} + b)

    The carry and the output are h `(B, H)`. With relu, the gradient of a unit through k steps is u^k or 0.
    So |u| at most 2^{1/T} keeps it below 2 over T steps. Parameters: `input_kernel` W `(F, H)`,
    `recurrent_weight` u `(H,)`, `bias` b `(H,)`.

    Attributes:
        features: H, the width of the state and of the output.
        activation: φ: relu, tanh or identity.
        min_recurrent: the smallest initial u; u is uniform between both.
        max_recurrent: the largest initial u. A layer that is to remember T steps starts near 1.
        param_dtype: dtype of the parameters; by default float32, and float64 under `jax_enable_x64`.

    Raises:
        ValueError: an attribute is outside its legal values.

    Source: Li et al. 2018, "Independently recurrent neural network (IndRNN): building a longer and deeper
    RNN", eq. 3 and section 4. Deviation: |u| is bounded at the start only; they also clip it after updates.
    """

    features: int
    activation: str = "relu"
    min_recurrent: float = 0.0
    max_recurrent: float = 1.0
    param_dtype: DTypeLike = float

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "features")
        require_choice(self, "activation", tuple(ACTIVATIONS))
        require_number(self, "min_recurrent")
        require_number(self, "max_recurrent")
        if not self.min_recurrent < self.max_recurrent:
            raise ValueError(
                f"min_recurrent must be below max_recurrent={self.max_recurrent}, got {self.min_recurrent}"
            )

    @property
    def num_feature_axes(self) -> int:
        """Number of feature axes of an input."""
        return 1

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return zeros, `(*input_shape[:-1], H)`; `rng` is part of Flax's interface and not used."""
        return jnp.zeros((*input_shape[:-1], self.features), self.param_dtype)

    @nn.compact
    def __call__(self, h: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Take one step: `(B, H), (B, F) -> (B, H), (B, H)`."""
        F, H = x.shape[-1], self.features
        W = self.param("input_kernel", nn.initializers.lecun_normal(), (F, H), self.param_dtype)
        u = self.param("recurrent_weight", self._recurrent, (H,), self.param_dtype)
        b = self.param("bias", nn.initializers.zeros, (H,), self.param_dtype)
        h = ACTIVATIONS[self.activation](x @ W + u * h + b)
        if self.activation == "tanh":
            sow(self, state=jnp.abs(h))
        return h, h

    @nn.nowrap
    def _recurrent(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, self.min_recurrent, self.max_recurrent)
