"""The selective state-space model (S6), the recurrence of Mamba."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from seqlab.cells import state_space
from seqlab.cells.gates import sow
from seqlab.checks import require_choice, require_positive
from seqlab.types import Carry, Params

SCANS = ("sequential", "parallel")

_Now = tuple[jax.Array, jax.Array, jax.Array, jax.Array, jax.Array | None, jax.Array | None]
"""Δ, Δ ⊙ v, B, C and the flags of a step."""


class SelectiveSSM(nn.RNNCellBase):
    """The diagonal state-space model whose step size, B and C are functions of the input.

        [u, z] = x_t W_in
        v = silu(Σ_k K_k ⊙ u_{t−k} + b_K)                          a short convolution over time
        [d, B, C] = v W_x,   Δ = softplus(d W_Δ + b_Δ)
        s_t = exp(Δ A) ⊙ s_{t−1} + (Δ ⊙ v) Bᵀ,   A = −exp(A_log)
        y_t = ((s_t C + D ⊙ v) ⊙ silu(z)) W_out

    The carry is the last `conv_width` − 1 u `(B, conv_width − 1, E)` and s `(B, E, N)`, with E = `expand`·H.
    The output is y `(B, H)`. Parameters: `in_kernel` `(F, 2·E)`, `conv_kernel` `(conv_width, E)`, the newest
    last, `conv_bias` `(E,)`, `x_kernel` `(E, Q + 2·N)` with Q = ⌈H / 16⌉, `step_kernel` `(Q, E)`, `step_bias`
    `(E,)`, `A_log` `(E, N)`, `D` `(E,)`, `out_kernel` `(E, H)`.

    Attributes:
        features: H, the width of the output.
        num_states: N, the states of each feature.
        expand: E / H.
        conv_width: the inputs that the convolution reads, at least 2.
        min_step: the smallest initial Δ.
        max_step: the largest.
        scan: "sequential", or "parallel", which computes all but s_t for the whole sequence at once.
        param_dtype: dtype of the parameters; by default float32, and float64 under `jax_enable_x64`.

    Raises:
        ValueError: an attribute is outside its legal values.

    Source: Gu & Dao 2023, "Mamba: linear-time sequence modeling with selective state spaces", section 3 and
    algorithm 2. Deviation: W_in reads F features, so that the block also changes the width.
    """

    features: int
    num_states: int = 16
    expand: int = 2
    conv_width: int = 4
    min_step: float = 0.001
    max_step: float = 0.1
    scan: str = "parallel"
    param_dtype: DTypeLike = float

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "features", "num_states", "expand", "conv_width")
        if self.conv_width < 2:
            raise ValueError(f"conv_width must be at least 2, got {self.conv_width}")
        state_space.require_steps(self)
        require_choice(self, "scan", SCANS)

    @property
    def num_feature_axes(self) -> int:
        """Number of feature axes of an input."""
        return 1

    @property
    def is_parallel(self) -> bool:
        """Whether a sequence is computed at once: `scan` is "parallel"."""
        return self.scan == "parallel"

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return zeros; `rng` is part of Flax's interface and not used."""
        rows, E = input_shape[:-1], self.expand * self.features
        window = jnp.zeros((*rows, self.conv_width - 1, E), self.param_dtype)
        return window, jnp.zeros((*rows, E, self.num_states), self.param_dtype)

    @nn.compact
    def __call__(self, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step: `carry, (B, F) -> carry, (B, H)`."""
        weights = self._declare(x.shape[-1])
        window, state = carry
        u, z = jnp.split(x @ weights["in_kernel"], 2, axis=-1)
        window = jnp.concatenate([window, u[:, None]], axis=1)
        v = _convolved(weights, list(jnp.unstack(window, axis=1)))
        step, B, C = self._selected(weights, v)
        factor = jnp.exp(step[..., None] * -jnp.exp(weights["A_log"]))
        sow(self, forget=factor)
        state = factor * state + (step * v)[..., None] * B[:, None]
        return (window[:, 1:], state), _written(weights, jnp.einsum("ben,bn->be", state, C), v, z)

    @nn.nowrap
    def read_carry(self, params: Params, x: jax.Array, before: Carry, after: Carry) -> jax.Array:
        """Return the output of a step that read x and the window in `before`, and left `after`."""
        u, z = jnp.split(x @ params["in_kernel"], 2, axis=-1)
        v = _convolved(params, [*jnp.unstack(before[0], axis=1), u])
        _, _, C = self._selected(params, v)
        return _written(params, jnp.einsum("ben,bn->be", after[1], C), v, z)

    @nn.nowrap
    def zoneout_mask(self, drawn: Carry) -> Carry:
        """Return the mask of s alone: the window moves at every step, so that no element stays.

        Both are bool, `(B, T, …)` with the axes of the leaf of the carry.
        """
        window, state = drawn
        return jnp.zeros_like(window), state

    @nn.nowrap
    def parallel(
        self, params: Params, x: jax.Array, real: jax.Array | None, reset: jax.Array | None, carry: Carry
    ) -> tuple[Carry, jax.Array]:
        """Return the final carry and the outputs `(T, B, H)`; see `seqlab.recurrence.protocols.Parallel`."""
        window, state = carry
        u, z = jnp.split(x @ params["in_kernel"], 2, axis=-1)
        window, shifted = _windows(window, u, real, reset)
        v = _convolved(params, shifted)
        step, B, C = self._selected(params, v)
        rates = -jnp.exp(params["A_log"])

        @jax.checkpoint
        def advance(before: jax.Array, now: _Now) -> tuple[jax.Array, jax.Array]:
            step, read, B, C, real, reset = now
            start = before if reset is None else jnp.where(reset[:, None, None], 0, before)
            after = jnp.exp(step[..., None] * rates) * start + read[..., None] * B[:, None]
            y = jnp.einsum("ben,bn->be", after, C)
            return after if real is None else jnp.where(real[:, None, None], after, before), y

        state, y = jax.lax.scan(advance, state, (step, step * v, B, C, real, reset))
        return (window, state), _written(params, y, v, z)

    def _declare(self, num_inputs: int) -> Params:
        """Declare the parameters and return them by name."""
        H, N, K, dtype = self.features, self.num_states, self.conv_width, self.param_dtype
        E, Q = self.expand * H, -(-H // 16)
        dense = nn.initializers.lecun_normal()
        return {
            "in_kernel": self.param("in_kernel", dense, (num_inputs, 2 * E), dtype),
            "conv_kernel": self.param("conv_kernel", _uniform(K**-0.5), (K, E), dtype),
            "conv_bias": self.param("conv_bias", _uniform(K**-0.5), (E,), dtype),
            "x_kernel": self.param("x_kernel", dense, (E, Q + 2 * N), dtype),
            "step_kernel": self.param("step_kernel", _uniform(Q**-0.5), (Q, E), dtype),
            "step_bias": self.param("step_bias", self._step_bias, (E,), dtype),
            "A_log": self.param("A_log", _rates, (E, N), dtype),
            "D": self.param("D", nn.initializers.ones, (E,), dtype),
            "out_kernel": self.param("out_kernel", dense, (E, H), dtype),
        }

    @nn.nowrap
    def _selected(self, params: Params, v: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Return Δ `(…, E)`, B and C `(…, N)` for v `(…, E)`."""
        N = self.num_states
        selected = v @ params["x_kernel"]
        d, B, C = selected[..., : -2 * N], selected[..., -2 * N : -N], selected[..., -N:]
        return jax.nn.softplus(d @ params["step_kernel"] + params["step_bias"]), B, C

    @nn.nowrap
    def _step_bias(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        """Return the inverse of softplus at steps that are uniform in their logarithm."""
        step = jnp.exp(state_space.log_uniform(self.min_step, self.max_step)(key, shape, dtype))
        return step + jnp.log(-jnp.expm1(-step))


def _convolved(params: Params, inputs: list[jax.Array]) -> jax.Array:
    """Return v for the inputs that the convolution reads, `(…, E)` each, the newest last."""
    terms = zip(params["conv_kernel"], inputs, strict=True)
    return jax.nn.silu(sum(kernel * u for kernel, u in terms) + params["conv_bias"])


def _windows(
    window: jax.Array, u: jax.Array, real: jax.Array | None, reset: jax.Array | None
) -> tuple[jax.Array, list[jax.Array]]:
    """Return the last window of each row, and what the convolution reads at every step.

    Args:
        window: before the first step, `(B, K − 1, E)`.
        u: `(T, B, E)`.
        real: bool `(T, B)`, or None.
        reset: bool `(T, B)`, or None. Inputs from before a reset read as zeros.

    Returns:
        The window after the last real step, and K arrays `(T, B, E)`, the newest last.
    """
    (T, num_rows, _), num_before = u.shape, window.shape[1]
    padded = jnp.concatenate([jnp.swapaxes(window, 0, 1), u])
    shifted = [padded[k : k + T] for k in range(num_before + 1)]
    ends = jnp.full(num_rows, T) if real is None else jnp.sum(real, axis=0)
    places = ends + jnp.arange(num_before)[:, None]
    last = jnp.take_along_axis(padded, places[..., None], axis=0)
    if reset is not None:
        part = jnp.cumsum(jnp.pad(reset, ((num_before, 0), (0, 0))), axis=0)  # counts the resets
        same = [part[k : k + T] == part[num_before:] for k in range(num_before + 1)]
        shifted = [jnp.where(one[..., None], u, 0) for one, u in zip(same, shifted, strict=True)]
        parts = jnp.take_along_axis(part, jnp.concatenate([places, ends[None] + num_before - 1]), axis=0)
        last = jnp.where((parts[:-1] == parts[-1])[..., None], last, 0)
    return jnp.swapaxes(last, 0, 1), shifted


def _written(params: Params, read: jax.Array, v: jax.Array, z: jax.Array) -> jax.Array:
    """Return the outputs `(…, H)` for what C reads of the state, `(…, E)`."""
    return ((read + params["D"] * v) * jax.nn.silu(z)) @ params["out_kernel"]


def _uniform(limit: float) -> nn.initializers.Initializer:
    """Return an initialiser that is uniform in [−limit, limit]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -limit, limit)

    return init


def _rates(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
    """Return log(1 … N) for every feature (S4D-Real)."""
    return jnp.broadcast_to(jnp.log(1.0 + jnp.arange(shape[-1])), shape).astype(dtype)
