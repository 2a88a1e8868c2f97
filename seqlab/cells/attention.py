"""Causal multi-head attention over a window of the last steps."""

from __future__ import annotations

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from seqlab.checks import require_choice, require_positive
from seqlab.types import Params

POSITIONS = ("rotary", "alibi", "none")
SCANS = ("sequential", "parallel")
BASE = 10_000.0
"""The base of the rotary frequencies (Su et al. 2021, section 3.2.2)."""


class Window(NamedTuple):
    """The keys and values of the last C steps, the latest last. Empty slots are zero.

    Attributes:
        keys: `(…, C, 1 + H)`; the first feature is 1 where the slot is filled.
        values: `(…, C, H)`.
    """

    keys: jax.Array
    values: jax.Array


class Attention(nn.RNNCellBase):
    """Causal multi-head attention with a window of C steps as its carry.

        q_t, k_t, v_t = x_t [W_q W_k W_v]
        α_tj = softmax_j (q_t · k_j / √d + b_tj),  t − C < j ≤ t
        y_t = [Σ_j α_tj v_j] W_o

    The second line and the sum are those of each head, which has d = H / N features.

    With "rotary" positions, q_t and k_j are rotated by the angles t θ_i and j θ_i, θ_i = 10000^(−2i/d), in
    the planes of the features i and i + d/2; a last odd feature is not rotated. With "alibi",
    b_tj = −2^(−8n/N) (t − j) in head n = 1 … N; otherwise b is 0. Both depend on t − j alone, so that the
    carry needs no count. The output is y `(B, H)`, the carry a `Window`, empty at first. Parameters:
    `input_kernel` `(F, 3·H)`, which is W_q, W_k and W_v side by side, and `output_kernel` W_o `(H, H)`.

    Attributes:
        features: H, the width of queries, keys, values and the output.
        num_heads: N, which divides H.
        window: C, the number of steps that a step attends to, itself included.
        positions: "rotary" (Su et al. 2021), "alibi" (Press et al. 2022) or "none".
        scan: "parallel", all steps at once, or "sequential". Both compute the same function.
        param_dtype: dtype of the parameters; by default float32, and float64 under `jax_enable_x64`.

    Raises:
        ValueError: an attribute is outside its legal values.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2; Su et al. 2021, arXiv:2104.09864; Press et al.
    2022, arXiv:2108.12409. Deviation: a step attends to the last C steps, not to all.
    """

    features: int
    num_heads: int = 2
    window: int = 128
    positions: str = "rotary"
    scan: str = "parallel"
    param_dtype: DTypeLike = float

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "features", "num_heads", "window")
        require_choice(self, "positions", POSITIONS)
        require_choice(self, "scan", SCANS)
        if self.features % self.num_heads:
            raise ValueError(
                f"features must be a multiple of num_heads={self.num_heads}, got {self.features}"
            )

    @property
    def num_feature_axes(self) -> int:
        """Number of feature axes of an input."""
        return 1

    @property
    def is_parallel(self) -> bool:
        """Whether a sequence is computed at once: `scan` is "parallel"."""
        return self.scan == "parallel"

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Window:
        """Return an empty window; `rng` is part of Flax's interface and not used."""
        shape = *input_shape[:-1], self.window
        keys = jnp.zeros((*shape, 1 + self.features), self.param_dtype)
        return Window(keys, jnp.zeros((*shape, self.features), self.param_dtype))

    @nn.compact
    def __call__(self, carry: Window, x: jax.Array) -> tuple[Window, jax.Array]:
        """Take one step: `Window, (…, F) -> Window, (…, H)`."""
        init, H = nn.initializers.lecun_normal(), self.features
        weights = {
            "input_kernel": self.param("input_kernel", init, (x.shape[-1], 3 * H), self.param_dtype),
            "output_kernel": self.param("output_kernel", init, (H, H), self.param_dtype),
        }
        queries, latest = self._project(weights, x[..., None, :])
        after = jax.tree.map(lambda old, new: jnp.concatenate([old[..., 1:, :], new], axis=-2), carry, latest)
        slots = jnp.arange(self.window) - (self.window - 1)
        rows = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[-2:]), after)
        queries = queries.reshape(-1, 1, H)
        hidden = self._attend(queries, rows, jnp.zeros(1, int), slots, _filled(rows)[:, None])
        return after, hidden.reshape(*x.shape[:-1], H) @ weights["output_kernel"]

    @nn.nowrap
    def zoneout_mask(self, drawn: Window) -> Window:
        """Refuse zoneout.

        Raises:
            ValueError: always.
        """
        raise ValueError("zoneout must be 0 for Attention: its whole carry is a window, which moves")

    @nn.nowrap
    def parallel(
        self,
        params: Params,
        x: jax.Array,
        real: jax.Array | None,
        reset: jax.Array | None,
        carry: Window,
    ) -> tuple[Window, jax.Array]:
        """Take all steps at once.

        Args:
            params: the cell's parameters.
            x: `(T, B, F)`.
            real: bool `(T, B)`, False after a sequence's end; None where all are real.
            reset: bool `(T, B)`, where the carry is emptied before the step; None for nowhere.
            carry: before the first step.

        Returns:
            The carry after each sequence's last real step, and the outputs `(T, B, H)`.
        """
        T, B, C = *x.shape[:2], self.window
        queries, new = self._project(params, jnp.swapaxes(x, 0, 1))
        resets = jnp.zeros((B, T), int) if reset is None else jnp.cumsum(reset.T, axis=1)
        begun = jnp.pad(
            resets, ((0, 0), (C, 0))
        )  # the number of resets up to each slot, those of the carry first
        slots = jax.tree.map(lambda old, now: jnp.concatenate([old, now], axis=1), carry, new)

        def attend(slots: Window, begun: jax.Array) -> jax.Array:
            t, j = jnp.arange(T), jnp.arange(begun.shape[1]) - (begun.shape[1] - T)
            seen = (t[:, None] - C < j) & (j <= t[:, None])
            if slots is not new:
                seen = seen & _filled(slots)[:, None]
            if reset is not None:
                seen = seen & (resets[..., None] == begun[:, None])
            return self._attend(queries, slots, t, j, seen if seen.ndim == 3 else seen[None])

        hidden = jax.lax.cond(
            jnp.any(_filled(carry)), lambda: attend(slots, begun), lambda: attend(new, resets)
        )
        outputs = jnp.swapaxes(hidden, 0, 1) @ params["output_kernel"]
        ends = jnp.full(B, T) if real is None else real.sum(axis=0)
        at = ends[:, None] + jnp.arange(C)  # the slots of the last C steps
        last = jnp.take_along_axis(begun, (ends + C - 1)[:, None], axis=1)
        kept = (jnp.take_along_axis(begun, at, axis=1) == last)[..., None]
        final = jax.tree.map(
            lambda leaf: jnp.where(kept, jnp.take_along_axis(leaf, at[..., None], axis=1), 0), slots
        )
        return final, outputs

    @nn.nowrap
    def _project(self, weights: Params, x: jax.Array) -> tuple[jax.Array, Window]:
        """Return the queries `(…, T, H)`, and the slots that the steps fill, of inputs `(…, T, F)`."""
        queries, keys, values = jnp.split(x @ weights["input_kernel"], 3, axis=-1)
        filled = jnp.ones((*keys.shape[:-1], 1), keys.dtype)
        return queries, Window(jnp.concatenate([filled, keys], axis=-1), values)

    @nn.nowrap
    def _attend(
        self, queries: jax.Array, slots: Window, t: jax.Array, j: jax.Array, seen: jax.Array
    ) -> jax.Array:
        """Return Σ_j α_tj v_j of all heads side by side, `(B, T, H)`.

        Args:
            queries: q_t, `(B, T, H)`.
            slots: `(B, J, …)` a leaf.
            t: the positions of the queries, int `(T,)`.
            j: the positions of the slots, int `(J,)`.
            seen: bool, broadcasting to `(B, T, J)`, where t attends to j.
        """
        heads = self.num_heads, self.features // self.num_heads
        queries = queries.reshape(*queries.shape[:2], *heads)
        keys, values = (leaf.reshape(*leaf.shape[:2], *heads) for leaf in (slots.keys[..., 1:], slots.values))
        bias = None
        if self.positions == "rotary":
            queries, keys = rotated(queries, t), rotated(keys, j)
        if self.positions == "alibi":
            slopes = 2.0 ** (-8.0 * jnp.arange(1, self.num_heads + 1) / self.num_heads)
            distance = (t[:, None] - j).astype(queries.dtype)
            bias = (-slopes[:, None, None].astype(queries.dtype) * distance)[None]
        hidden = nn.dot_product_attention(queries, keys, values, bias, seen[:, None])
        return hidden.reshape(*hidden.shape[:2], self.features)


def rotated(x: jax.Array, positions: jax.Array) -> jax.Array:
    """Return features `(B, T, N, d)` rotated by the angles p θ_i in the planes of i and i + ⌊d/2⌋.

    Args:
        x: the features; the last one is left as it is where d is odd.
        positions: p, int `(T,)`.
    """
    half = x.shape[-1] // 2
    if not half:
        return x
    angles = positions[:, None] * BASE ** (-jnp.arange(half) / half)
    cos, sin = (part.astype(x.dtype)[:, None] for part in (jnp.cos(angles), jnp.sin(angles)))
    first, second, rest = jnp.split(x, (half, 2 * half), axis=-1)
    return jnp.concatenate([first * cos - second * sin, first * sin + second * cos, rest], axis=-1)


def _filled(window: Window) -> jax.Array:
    """Return which slots are filled, bool `(…, C)`."""
    return window.keys[..., 0] > 0.5
