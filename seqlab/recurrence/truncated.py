"""How far back may a gradient go? Truncated backpropagation through time."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.checks import require_positive
from seqlab.recurrence.norms import norm
from seqlab.recurrence.unroll import flip


@dataclasses.dataclass(frozen=True)
class Truncation:
    """Windows over time, counted from the first step that a direction reads.

        BPTT(k₂; k₁): every k₁ steps, the losses of these k₁ steps go back to k₂ steps before their last

    so that a loss reaches over between k₂ − k₁ + 1 and k₂ states, or to the start: with k₁ = k₂ the first
    loss of a window reaches over one. Where T is no multiple of k₁ the last window begins as if it were
    whole, and even the last loss reaches over fewer than k₂. The forward pass is that of full BPTT.

    Attributes:
        window: k₂.
        stride: k₁, at most k₂.

    Raises:
        ValueError: either is not a positive integer, or `stride` is above `window`.

    Source: Williams & Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent
    network trajectories", BPTT(h; h′).
    """

    window: int
    stride: int

    def __post_init__(self) -> None:
        require_positive(self, "window", "stride")
        if self.stride > self.window:
            raise ValueError(f"stride must be at most window={self.window}, got {self.stride}")

    @property
    def num_copies(self) -> int:
        """M = ⌈k₂ / k₁⌉, how many windows a step may lie in.

        The windows of every M-th stride do not overlap. So in copy m of the recurrence the gradient is cut
        where the windows of strides m, m + M, m + 2·M … begin, and the outputs of these strides are its.
        """
        return -(-self.window // self.stride)

    def cuts(self, num_steps: int) -> jax.Array:
        """Return bool `(M, T)`: in which copies no gradient leaves a step backwards."""
        t = jnp.arange(num_steps)
        first = (jnp.arange(self.num_copies) + 1) * self.stride - self.window
        return (t > 0) & ((t - first[:, None]) % (self.num_copies * self.stride) == 0)

    def owners(self, num_steps: int) -> jax.Array:
        """Return int32 `(T,)`: of which copy a step's output is."""
        return jnp.arange(num_steps) // self.stride % self.num_copies


def truncated(
    run: Callable[[Any, jax.Array], tuple[Any, jax.Array]],
    truncation: Truncation,
    inputs: jax.Array,
    lengths: jax.Array | None,
    probes: Any,
    features: int,
    directions: tuple[str, ...],
) -> tuple[Any, jax.Array]:
    """Run a recurrence whose gradients keep to windows, at the cost of M runs.

    Args:
        run: takes probes and the steps where gradients are cut, bool `(T,)`, each direction counting its own,
            and returns the final carries and the outputs, `(B, T, H)` a direction, side by side.
        truncation: the windows.
        inputs: `(B, T, F)`, for their shape.
        lengths: int32 `(B,)`, the real steps of each sequence; None for T each.
        probes: as in `unroll`, or None. Their gradients are the norms of what all windows send back together.
        features: H.
        directions: those that each layer reads in.

    Returns:
        What `run` does.
    """
    num_steps = inputs.shape[1]
    cuts, owners = truncation.cuts(num_steps), truncation.owners(num_steps)
    if truncation.num_copies == 1:
        return run(probes, cuts[0])
    vectors = jax.tree.map(functools.partial(_with_features, features=features), probes)
    final, outputs = jax.vmap(functools.partial(run, vectors))(cuts)
    owners_BT = jnp.broadcast_to(owners, inputs.shape[:2])
    sides = [owners_BT if name == "forward" else flip(owners_BT, lengths) for name in directions]
    owned = jnp.repeat(jnp.stack(sides, axis=-1), features, axis=-1)
    copies = jnp.arange(truncation.num_copies)[:, None, None, None]
    outputs = jnp.sum(jnp.where(owned == copies, outputs, 0), axis=0)
    return jax.tree.map(lambda leaf: leaf[owners[-1]], final), outputs


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _with_features(tap: jax.Array, features: int) -> jax.Array:
    """Return a tap `(B, T)` as one of vectors `(B, T, H)`; on the way back, take the norm of their sum."""
    return jnp.broadcast_to(tap[..., None], (*tap.shape, features))


_with_features.defvjp(
    lambda tap, features: (_with_features(tap, features), None),
    lambda features, _, cotangents: (norm(cotangents),),
)
