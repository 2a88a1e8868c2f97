"""The GRU with layer normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell
from seqlab.cells.gate_bias import gate_bias, require_chrono
from seqlab.cells.gates import sow
from seqlab.cells.layer_norm import normalise


class LayerNormGRU(Cell):
    """The GRU with layer normalisation, LN(a) = (a − mean a) / sqrt(var a + ε).

        [r z] = σ(α_x ⊙ LN(x_t W_rz) + α_h ⊙ LN(h_{t−1} R_rz) + b_rz)
        n = tanh(α_n ⊙ LN(x_t W_n) + b_n + r ⊙ (α_Rn ⊙ LN(h_{t−1} R_n) + b_Rn))
        h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}

    The carry and the output are h `(B, H)`. In addition to the GRU's parameters, with `candidate_bias` b_Rn
    `(H,)`, there are `input_gain` [α_x α_n] and `recurrent_gain` [α_h α_Rn] `(3·H,)`. The two gates are
    normalised together, the candidate separately.

    Attributes:
        chrono: T_max of the chrono initialisation (`gate_bias`), the longest expected dependency, at least 2;
            None turns it off.

    Source: Ba et al. 2016, "Layer normalization", eqs. 23–25. Deviations: z and 1 − z are exchanged, as in
    our GRU; biases that are only added to each other are one.
    """

    chrono: float | None = None

    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("r", "z")
    keeping: ClassVar[Mapping[str, int]] = {"z": 1}
    passes_h_on: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_chrono(self)

    def bias_start(self, key: jax.Array) -> jax.Array:
        return gate_bias(self, key)

    @nn.compact
    def __call__(self, h: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Take one step: `(B, H), (B, F) -> (B, H), (B, H)`."""
        W, R, b = self.kernels(x)
        ones, H = nn.initializers.ones, self.features
        b_Rn = self.param("candidate_bias", nn.initializers.zeros, (H,), self.param_dtype)
        from_input = self._scaled(self.param("input_gain", ones, (3 * H,), self.param_dtype), x @ W) + b
        from_state = self._scaled(self.param("recurrent_gain", ones, (3 * H,), self.param_dtype), h @ R)
        rz = jax.nn.sigmoid(from_input[..., : 2 * H] + from_state[..., : 2 * H])
        r, z = jnp.split(rz, 2, axis=-1)
        sow(self, reset=r, update=z)
        n = jnp.tanh(from_input[..., 2 * H :] + r * (from_state[..., 2 * H :] + b_Rn))
        h = (1 - z) * n + z * h
        return h, h

    def _scaled(self, gain: jax.Array, a: jax.Array) -> jax.Array:
        gates, candidate = jnp.split(a, [2 * self.features], axis=-1)
        return gain * jnp.concatenate([normalise(gates), normalise(candidate)], axis=-1)
