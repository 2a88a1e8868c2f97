"""What happens in one step of the GRU, in either of its two forms?"""

from __future__ import annotations

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell
from seqlab.checks import require_bool


class GRU(Cell):
    """The gated recurrent unit.

        [r z] = σ(x_t W_rz + h_{t−1} R_rz + b_rz)
        n = tanh(x_t W_n + b_n + r ⊙ (h_{t−1} R_n + b_Rn))    reset after the product, or
        n = tanh(x_t W_n + b_n + (r ⊙ h_{t−1}) R_n)           reset before it
        h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}

    The carry is h `(B, H)`, and so is the output. The gates stand in the order r z n, which is PyTorch's.
    Reset after has one further parameter, `candidate_bias` b_Rn `(H,)`, inside the reset gate's reach.

    Attributes:
        reset_after: True for the form of PyTorch, cuDNN, Keras and Flax (ONNX linear_before_reset=1); False
            for that of the paper.

    Source: Cho et al. 2014, eqs. 5–8. Deviation: z and 1 − z change places, as in every library.
    """

    reset_after: bool = True

    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_bool(self, "reset_after")

    @nn.compact
    def __call__(self, h: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Take one step: `(B, H), (B, F) -> (B, H), (B, H)`."""
        W, R, b = self.kernels(x)
        H = self.features
        from_input = x @ W + b
        if self.reset_after:
            b_Rn = self.param("candidate_bias", nn.initializers.zeros, (H,), self.param_dtype)
            from_state = h @ R
            r, z = self._reset_and_update(from_input, from_state[..., : 2 * H])
            candidate = r * (from_state[..., 2 * H :] + b_Rn)
        else:
            r, z = self._reset_and_update(from_input, h @ R[:, : 2 * H])
            candidate = (r * h) @ R[:, 2 * H :]
        n = jnp.tanh(from_input[..., 2 * H :] + candidate)
        h = (1 - z) * n + z * h
        return h, h

    def _reset_and_update(self, from_input: jax.Array, from_state: jax.Array) -> list[jax.Array]:
        return jnp.split(jax.nn.sigmoid(from_input[..., : 2 * self.features] + from_state), 2, axis=-1)
