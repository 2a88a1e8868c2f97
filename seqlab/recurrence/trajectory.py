"""What did every layer meet? The inputs, states and gates of its steps, in the order they were taken."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqlab.recurrence.stack import Stack
from seqlab.recurrence.unroll import flip, initial_carry, plain, real_steps
from seqlab.types import Carry, Params


class Trajectory(NamedTuple):
    """What one layer met in one direction, its steps in the order they were taken.

    Attributes:
        inputs: x_t, `(T, B, F)`.
        before: the carry s_{t−1} that step t read, `(T, B, H)` a leaf.
        gates: by name, those that the cell sows in the collection `gates`, in [0, 1], `(T, B, H)`.
        real: bool `(T, B)`, False after a sequence's end.
    """

    inputs: jax.Array
    before: Carry
    gates: dict[str, jax.Array]
    real: jax.Array


def trajectories(
    stack: Stack, params: Params, inputs: jax.Array, lengths: jax.Array | None = None
) -> dict[str, dict[str, Trajectory]]:
    """Run a stack step by step, without noise, and return `{layer: {direction: Trajectory}}`.

    Args:
        stack: layers and directions.
        params: as `Stack.init` returns them.
        inputs: `(B, T, F)`.
        lengths: int32 `(B,)`, or None where every step is real.
    """
    found = {}
    for layer in stack.layers:
        met = {way: _follow(stack.cell, params[layer][way], inputs, lengths, way) for way in stack.directions}
        found[layer] = {way: trajectory for way, (trajectory, _) in met.items()}
        inputs = jnp.concatenate([outputs for _, outputs in met.values()], axis=-1)
    return found


def _follow(
    cell: Any, params: Params, inputs: jax.Array, lengths: jax.Array | None, direction: str
) -> tuple[Trajectory, jax.Array]:
    """Return what one layer met in one direction, and its outputs `(B, T, H)` in the original order."""
    backward = direction == "backward"
    real = jnp.ones(inputs.shape[:2], bool) if lengths is None else real_steps(lengths, inputs.shape[1])
    inputs = jnp.where(real[..., None], inputs, 0)
    carry = initial_carry(cell, params, inputs)
    inputs_TBF = jnp.swapaxes(flip(inputs, lengths) if backward else inputs, 0, 1)
    _, (outputs, before, gates) = plain(_Recording(cell), params, inputs_TBF, real.T, carry, None)
    outputs = jnp.where(real[..., None], jnp.swapaxes(outputs, 0, 1), 0)
    return Trajectory(inputs_TBF, before, gates, real.T), flip(outputs, lengths) if backward else outputs


@dataclasses.dataclass(frozen=True)
class _Recording:
    """A cell whose output is `(y_t, s_{t−1}, gates)`."""

    cell: Any

    def apply(self, variables: Any, before: Carry, x: jax.Array) -> tuple[Carry, tuple]:
        (after, y), seen = self.cell.apply(variables, before, x, mutable="gates")
        return after, (y, before, seen.get("gates", {}))
