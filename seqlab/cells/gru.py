"""The gated recurrent unit (GRU), with reset after or before the product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell, sum_of_outer_products
from seqlab.cells.gate_bias import gate_bias, require_chrono
from seqlab.cells.gates import sow
from seqlab.cells.portable import Counterpart
from seqlab.checks import require_bool
from seqlab.types import Params


class GRU(Cell):
    """The gated recurrent unit.

        [r z] = σ(x_t W_rz + h_{t−1} R_rz + b_rz)
        n = tanh(x_t W_n + b_n + r ⊙ (h_{t−1} R_n + b_Rn))    reset after the product, or
        n = tanh(x_t W_n + b_n + (r ⊙ h_{t−1}) R_n)           reset before it
        h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}

    The carry and the output are h `(B, H)`. The order of gates is r z n, as in PyTorch. Reset after has one
    more parameter, `candidate_bias` b_Rn `(H,)`, which the reset gate multiplies.

    Attributes:
        chrono: T_max of the chrono initialisation (`gate_bias`), the longest expected dependency, at least 2;
            None turns it off.
        reset_after: True for the form of PyTorch, cuDNN, Keras and Flax (ONNX linear_before_reset=1); False
            for the form of the paper.

    Source: Cho et al. 2014, eqs. 5–8. Deviation: z and 1 − z are exchanged, as in every library.
    """

    chrono: float | None = None
    reset_after: bool = True

    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("r", "z")
    keeping: ClassVar[Mapping[str, int]] = {"z": 1}
    passes_h_on: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_chrono(self)
        require_bool(self, "reset_after")

    @property
    def counterpart(self) -> Counterpart:
        """The cell of other libraries that computes the same."""
        return Counterpart("GRU", reset_after=self.reset_after)

    def bias_start(self, key: jax.Array) -> jax.Array:
        return gate_bias(self, key)

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
        sow(self, reset=r, update=z)
        n = jnp.tanh(from_input[..., 2 * H :] + candidate)
        h = (1 - z) * n + z * h
        return h, h

    def _reset_and_update(self, from_input: jax.Array, from_state: jax.Array) -> list[jax.Array]:
        return jnp.split(jax.nn.sigmoid(from_input[..., : 2 * self.features] + from_state), 2, axis=-1)

    @nn.nowrap
    def advance(
        self, weights: Params, h: jax.Array, z: jax.Array
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array, jax.Array | None]]:
        """Take one step from x W + b, with σ(a) = ½ (1 + tanh(a / 2)).

            [r̃ z̃] = tanh(x W_rz + b_rz + h_{t−1} R_rz),  r = ½ (1 + r̃),  z = ½ (1 + z̃)
            m = h_{t−1} R_n + b_Rn,  n = tanh(x W_n + b_n + r ⊙ m)    reset after the product, or
            m = h_{t−1},  n = tanh(x W_n + b_n + (r ⊙ m) R_n)         reset before it
            h_t = n + z ⊙ (h_{t−1} − n)

        Returns:
            h_t, and the residuals [r̃ z̃] `(B, 2·H)`, n `(B, H)`, and m `(B, H)` (None if it is h_{t−1}).
        """
        R, split = weights["recurrent_kernel"], 2 * self.features
        if self.reset_after:
            u = h @ R
            rz = jnp.tanh(z[:, :split] + u[:, :split])
            m = u[:, split:] + weights["candidate_bias"]
            r, z_gate = jnp.split(0.5 + 0.5 * rz, 2, axis=-1)
            n = jnp.tanh(z[:, split:] + r * m)
        else:
            m = None
            rz = jnp.tanh(z[:, :split] + h @ R[:, :split])
            r, z_gate = jnp.split(0.5 + 0.5 * rz, 2, axis=-1)
            n = jnp.tanh(z[:, split:] + (r * h) @ R[:, split:])
        return n + z_gate * (h - n), (rz, n, m)

    @nn.nowrap
    def linearise(self, before: jax.Array, after: jax.Array, residuals: Any) -> tuple[jax.Array, ...]:
        """Return the coefficients of all steps, each `(T, B, H)` except P.

        N = (1 − z) ⊙ (1 − n²),  Z = ½ (h_{t−1} − n) ⊙ (1 − z̃²)
        M = ½ m ⊙ (1 − r̃²)
        P = [N ⊙ M  Z  N ⊙ r] `(T, B, 3·H)`, z, N      reset after, or
        Z, N, M, r, z                                  reset before
        """
        rz, n, m = residuals
        r_tilde, z_tilde = jnp.split(rz, 2, axis=-1)
        r, z = 0.5 + 0.5 * r_tilde, 0.5 + 0.5 * z_tilde
        N = (1 - z) * (1 - n * n)
        Z = 0.5 * (before - n) * (1 - z_tilde * z_tilde)
        M = 0.5 * (m if self.reset_after else before) * (1 - r_tilde * r_tilde)
        if self.reset_after:
            return jnp.concatenate([N * M, Z, N * r], axis=-1), z, N
        return Z, N, M, r, z

    @nn.nowrap
    def pull(self, recurrent_T: jax.Array, coefficients: Any, dh: jax.Array) -> tuple[jax.Array, Any]:
        """Take one step back.

            δu = [δh δh δh] ⊙ P,  δh_{t−1} = δu Rᵀ + δh ⊙ z                 reset after, or
            δn = δh ⊙ N,  δp = δn R_nᵀ,  δr = δp ⊙ M,  δz = δh ⊙ Z
            δh_{t−1} = [δr δz] R_rzᵀ + δp ⊙ r + δh ⊙ z                      reset before

        Returns:
            δh_{t−1}, and (δu, δh) or [δr δz δn].
        """
        if self.reset_after:
            P, z, _ = coefficients
            du = jnp.concatenate([dh, dh, dh], axis=-1) * P
            return du @ recurrent_T + dh * z, (du, dh)
        Z, N, M, r, z = coefficients
        split = 2 * self.features
        dn = dh * N
        dp = dn @ recurrent_T[split:]
        drz = jnp.concatenate([dp * M, dh * Z], axis=-1)
        return drz @ recurrent_T[:split] + dp * r + dh * z, jnp.concatenate([drz, dn], axis=-1)

    @nn.nowrap
    def collect(
        self, weights: Params, x: jax.Array, before: jax.Array, coefficients: Any, da: Any
    ) -> tuple[Params, jax.Array]:
        """Return the cotangents of all weights and of x.

        δa = [δu_r  δu_z  δh ⊙ N],  δR = Σ_t h_{t−1}ᵀ δu_t,  δb_Rn = Σ_t δu_n              reset after, or
        δa = [δr δz δn],  δR = Σ_t [h_{t−1}ᵀ [δr δz]_t  (r_t ⊙ h_{t−1})ᵀ δn_t]              reset before
        δW = Σ_t x_tᵀ δa_t,  δb = Σ_t δa_t,  δx_t = δa_t Wᵀ                                 both
        """
        split = 2 * self.features
        if self.reset_after:
            (du, dh), (_, _, N) = da, coefficients
            da = jnp.concatenate([du[..., :split], dh * N], axis=-1)
            recurrent = {
                "recurrent_kernel": sum_of_outer_products(before, du),
                "candidate_bias": du[..., split:].sum(axis=(0, 1)),
            }
        else:
            r = coefficients[3]
            gates, candidate = da[..., :split], da[..., split:]
            products = sum_of_outer_products(before, gates), sum_of_outer_products(r * before, candidate)
            recurrent = {"recurrent_kernel": jnp.concatenate(products, axis=1)}
        others = {"input_kernel": sum_of_outer_products(x, da), "bias": da.sum(axis=(0, 1))}
        return {**others, **recurrent}, da @ weights["input_kernel"].T
