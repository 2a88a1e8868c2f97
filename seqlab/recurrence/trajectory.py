"""Trajectories: the inputs, carries and gates of every step, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqlab.recurrence.protocols import RecurrentCell
from seqlab.recurrence.stack import Carries, Stack, window_of
from seqlab.recurrence.steps import Steps, flip, mask_rows, real_steps, restart, time_major, where_rows
from seqlab.recurrence.unroll import initial_carry
from seqlab.types import Carry, Params, Tree


class Trajectory(NamedTuple):
    """What one layer read in one direction, with its steps in the order of reading.

    Attributes:
        inputs: x_t, `(T, B, F)`.
        before: the carry s_{t−1} that step t read, `(T, B, …)` a leaf; the initial one at a reset.
        gates: by name, the gates that the cell sows in the collection `gates`, in [0, 1], `(T, B, …)`.
        real: bool `(T, B)`, False after a sequence's end.
        resets: bool `(T, B)`, True where the carry is reset before the step.
    """

    inputs: jax.Array
    before: Carry
    gates: dict[str, jax.Array]
    real: jax.Array
    resets: jax.Array


class StackInputs(NamedTuple):
    """A stack of a network and what it reads on a batch: the arguments of `trajectories`.

    Attributes:
        stack: the layers.
        params: the parameters of the stack.
        inputs: the inputs of the lowest layer, `(B, T, F)`.
        lengths: int32 `(B,)`, or None where every step is real.
        carries: the carries before the first step; None for the cell's initial ones.
        resets: bool `(B, T)`; None for none.
    """

    stack: Stack
    params: Params
    inputs: jax.Array
    lengths: jax.Array | None = None
    carries: Carries | None = None
    resets: jax.Array | None = None


def trajectories(
    stack: Stack,
    params: Params,
    inputs: jax.Array,
    lengths: jax.Array | None = None,
    carries: Carries | None = None,
    resets: jax.Array | None = None,
) -> dict[str, dict[str, Trajectory]]:
    """Run a stack without noise and return `{layer: {direction: Trajectory}}`.

    Args:
        stack: the layers and directions.
        params: as `Stack.init` returns them.
        inputs: `(B, T, F)`.
        lengths: int32 `(B,)`, or None where every step is real.
        carries: `{layer: {direction: carry}}` before the first step; the cell's initial ones by default.
        resets: bool `(B, T)`, as in `Stack.apply`; None for none.
    """
    found: dict[str, dict[str, Trajectory]] = {}

    def run_layer(index: int, layer: str, inputs: jax.Array) -> jax.Array:
        recorded = {}
        for direction in stack.directions:
            carry = initial_carry(stack.cell, params, inputs)
            if carries is not None:
                carry = carries[layer][direction]
            weights = params[layer][direction]
            recorded[direction] = _record(stack.cell, weights, inputs, lengths, carry, resets, direction)
        found[layer] = {direction: trajectory for direction, (trajectory, _) in recorded.items()}
        return jnp.concatenate([outputs for _, outputs in recorded.values()], axis=-1)

    window = None if carries is None else window_of(carries)
    stack.connections.apply(run_layer, params, inputs, lengths, window, resets)
    return found


def _record(
    cell: RecurrentCell,
    params: Params,
    inputs: jax.Array,
    lengths: jax.Array | None,
    carry: Carry,
    resets: jax.Array | None,
    direction: str,
) -> tuple[Trajectory, jax.Array]:
    """Return the trajectory of one layer in one direction, and its outputs `(B, T, H)`."""
    backward = direction == "backward"
    real = jnp.ones(inputs.shape[:2], bool) if lengths is None else real_steps(lengths, inputs.shape[1])
    inputs = mask_rows(real, inputs)
    read = flip(inputs, lengths) if backward else inputs

    def step(before: Carry, now: Steps) -> tuple[Carry, tuple[jax.Array, Carry, dict[str, jax.Array]]]:
        start = restart(cell, before, now.reset)
        (after, y), sown = cell.apply({"params": params}, start, now.x, mutable="gates")
        return where_rows(now.real, after, before), (y, start, _by_name(sown.get("gates", {})))

    steps = time_major(Steps(read, real, resets))
    _, (outputs, before, gates) = jax.lax.scan(step, carry, steps)
    outputs = mask_rows(real, time_major(outputs))
    starts = jnp.zeros_like(real.T) if steps.reset is None else steps.reset
    trajectory = Trajectory(steps.x, before, gates, real.T, starts)
    return trajectory, flip(outputs, lengths) if backward else outputs


def _by_name(sown: Mapping[str, Tree]) -> dict[str, jax.Array]:
    """Return sown gates by their names alone; a cell that is made of other modules has theirs too."""
    found: dict[str, jax.Array] = {}
    for name, value in sown.items():
        found |= _by_name(value) if isinstance(value, Mapping) else {name: value}
    return found
