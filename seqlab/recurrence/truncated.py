"""Truncated backpropagation through time."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from seqlab.checks import require_positive
from seqlab.recurrence.norms import norm_over_features
from seqlab.recurrence.steps import flip
from seqlab.types import Tree


@dataclasses.dataclass(frozen=True)
class Truncation:
    """Windows over time, counted back from the last real step that a direction reads of each sequence.

        BPTT(k₂; k₁): every k₁ steps, the losses of these k₁ steps go back to k₂ steps before their last

    So a loss reaches between k₂ − k₁ + 1 and k₂ states, or the first one. The loss at the end of a sequence
    reaches k₂; with k₁ = k₂ the first loss of a window reaches one. Where a length is no multiple of k₁, the
    first stride of the sequence is shorter. The forward pass is that of full BPTT.

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
        """M = ⌈k₂ / k₁⌉, the largest number of windows that contain one step.

        The windows of every M-th stride do not overlap. So copy m of the recurrence serves the strides m,
        m + M, m + 2·M …: in it the gradient is cut where their windows begin, and only the outputs of these
        strides are used.
        """
        return -(-self.window // self.stride)

    def cuts(self, lengths: jax.Array, num_steps: int) -> jax.Array:
        """Return bool `(M, B, T)`: the steps of each copy before which the gradient stops.

        Args:
            lengths: int32 `(B,)`, the real steps of each sequence.
            num_steps: T.
        """
        first = (jnp.arange(self.num_copies) + 1) * self.stride - self.window
        into = self._places(lengths, num_steps) - first[:, None, None]
        return (jnp.arange(num_steps) > 0) & (into % (self.num_copies * self.stride) == 0)

    def owners(self, lengths: jax.Array, num_steps: int) -> jax.Array:
        """Return int32 `(B, T)`: the copy whose output is used at each step; arguments as of `cuts`."""
        return self._places(lengths, num_steps) // self.stride % self.num_copies

    def _places(self, lengths: jax.Array, num_steps: int) -> jax.Array:
        """Return int32 `(B, T)`: each step's place among strides of which the last ends with the sequence."""
        return jnp.arange(num_steps) + (-lengths % self.stride)[:, None]


def truncated(
    run: Callable[[Tree, jax.Array], tuple[Tree, jax.Array]],
    truncation: Truncation,
    inputs: jax.Array,
    lengths: jax.Array | None,
    probes: Tree,
    carries: Tree,
    features: int,
    directions: tuple[str, ...],
) -> tuple[Tree, jax.Array]:
    """Run a recurrence whose gradients stay within windows, at the cost of M runs.

    Args:
        run: takes probes and the steps where the gradient is cut, bool `(B, T)`, counted separately by
            each direction; returns the final carries and the outputs, `(B, T, H)` a direction, side by side.
        truncation: the windows.
        inputs: `(B, T, F)`, for their shape.
        lengths: int32 `(B,)`, the real steps of each sequence; None for T each.
        probes: as in `unroll`, or None. Their gradients are the norms of the cotangents of all windows added
            up.
        carries: `(B, …)` a leaf, in the tree of the probes, for their shapes.
        features: H.
        directions: the directions of each layer.

    Returns:
        As `run`.
    """
    num_rows, num_steps = inputs.shape[:2]
    ends = jnp.full(num_rows, num_steps) if lengths is None else lengths
    cuts, owners = truncation.cuts(ends, num_steps), truncation.owners(ends, num_steps)
    if truncation.num_copies == 1:
        return run(probes, cuts[0])
    if probes is not None:
        probes = jax.tree.map(lambda probe, leaf: _broadcast(probe, leaf.shape[1:]), probes, carries)
    final, outputs = jax.vmap(functools.partial(run, probes))(cuts)
    sides = [owners if name == "forward" else flip(owners, lengths) for name in directions]
    owned = jnp.repeat(jnp.stack(sides, axis=-1), features, axis=-1)
    copies = jnp.arange(truncation.num_copies)[:, None, None, None]
    outputs = jnp.sum(jnp.where(owned == copies, outputs, 0), axis=0)
    last = jnp.take_along_axis(owners, jnp.maximum(ends - 1, 0)[:, None], axis=1)[:, 0]
    return jax.tree.map(lambda leaf: leaf[last, jnp.arange(num_rows)], final), outputs


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _broadcast(probe: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Return a probe `(B, T)` as one of states `(B, T, *shape)`; its gradient is the norm of their sum."""
    return jnp.broadcast_to(probe.reshape(*probe.shape, *(1 for _ in shape)), (*probe.shape, *shape))


_broadcast.defvjp(
    lambda probe, shape: (_broadcast(probe, shape), None),
    lambda shape, _, cotangents: (norm_over_features(cotangents.reshape(*cotangents.shape[:2], -1)),),
)
