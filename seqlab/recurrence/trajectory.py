"""What did every layer meet? The inputs, states and gates of its steps, in the order they were taken."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqlab.recurrence.segments import segmented
from seqlab.recurrence.stack import Stack
from seqlab.recurrence.unroll import flip, initial_carry, plain, real_steps
from seqlab.types import Carry, Params


class Trajectory(NamedTuple):
    """What one layer met in one direction, its steps in the order they were taken.

    Attributes:
        inputs: x_t, `(T, B, F)`.
        before: the carry s_{t−1} that step t read, `(T, B, H)` a leaf; the initial one where it starts anew.
        gates: by name, those that the cell sows in the collection `gates`, in [0, 1], `(T, B, H)`.
        real: bool `(T, B)`, False after a sequence's end.
        resets: bool `(T, B)`, True where a step starts anew within a sequence.
    """

    inputs: jax.Array
    before: Carry
    gates: dict[str, jax.Array]
    real: jax.Array
    resets: jax.Array


def trajectories(
    stack: Stack,
    params: Params,
    inputs: jax.Array,
    lengths: jax.Array | None = None,
    carries: Any = None,
    resets: jax.Array | None = None,
) -> dict[str, dict[str, Trajectory]]:
    """Run a stack step by step, without noise, and return `{layer: {direction: Trajectory}}`.

    Args:
        stack: layers and directions.
        params: as `Stack.init` returns them.
        inputs: `(B, T, F)`.
        lengths: int32 `(B,)`, or None where every step is real.
        carries: `{layer: {direction: carry}}` before the first step; the cell's own by default.
        resets: bool `(B, T)`, as in `Stack.apply`; None for none.
    """
    found = {}
    for layer in stack.layers:
        met = {}
        for way in stack.directions:
            carry = initial_carry(stack.cell, params, inputs) if carries is None else carries[layer][way]
            met[way] = _follow(stack.cell, params[layer][way], inputs, lengths, carry, resets, way)
        found[layer] = {way: trajectory for way, (trajectory, _) in met.items()}
        inputs = jnp.concatenate([outputs for _, outputs in met.values()], axis=-1)
    return found


def _follow(
    cell: Any,
    params: Params,
    inputs: jax.Array,
    lengths: jax.Array | None,
    carry: Carry,
    resets: jax.Array | None,
    direction: str,
) -> tuple[Trajectory, jax.Array]:
    """Return what one layer met in one direction, and its outputs `(B, T, H)` in the original order."""
    backward = direction == "backward"
    real = jnp.ones(inputs.shape[:2], bool) if lengths is None else real_steps(lengths, inputs.shape[1])
    inputs = jnp.where(real[..., None], inputs, 0)
    read = flip(inputs, lengths) if backward else inputs
    starts = jnp.zeros_like(real) if resets is None else resets
    recording, flagged = (
        (_Recording(cell), read) if resets is None else segmented(_Recording(cell), read, resets, None)
    )
    flagged_TBF = jnp.swapaxes(flagged, 0, 1)
    _, (outputs, before, gates) = plain(recording, params, flagged_TBF, real.T, carry, None)
    outputs = jnp.where(real[..., None], jnp.swapaxes(outputs, 0, 1), 0)
    met = Trajectory(jnp.swapaxes(read, 0, 1), before, gates, real.T, starts.T)
    return met, flip(outputs, lengths) if backward else outputs


@dataclasses.dataclass(frozen=True)
class _Recording:
    """A cell whose output is `(y_t, s_{t−1}, gates)`."""

    cell: Any

    def initialize_carry(self, key: jax.Array, shape: tuple[int, ...]) -> Carry:
        return self.cell.initialize_carry(key, shape)

    def apply(self, variables: Any, before: Carry, x: jax.Array) -> tuple[Carry, tuple]:
        (after, y), seen = self.cell.apply(variables, before, x, mutable="gates")
        return after, (y, before, seen.get("gates", {}))
