"""Scan of any cell, differentiated by autodiff."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from seqlab.recurrence.gradient_control import NO_CONTROL, GradientControl, clip_cotangent
from seqlab.recurrence.noise import mask_hidden
from seqlab.recurrence.probes import probe
from seqlab.recurrence.protocols import ReadsCarry, RecurrentCell
from seqlab.recurrence.steps import Steps, restart, where_rows
from seqlab.types import Carry, Params, Tree


def scan_cell(
    cell: RecurrentCell,
    params: Params,
    steps: Steps,
    carry: Carry,
    control: GradientControl = NO_CONTROL,
    mask: jax.Array | None = None,
) -> tuple[Carry, Tree]:
    """Run any cell over time with `jax.lax.scan`.

    Args:
        cell: the cell.
        params: the cell's parameters.
        steps: what the steps read.
        carry: the carry before the first step.
        control: what acts on the backward pass; `omega` must be None.
        mask: `(B, H)`, multiplies h before each step reads it; None for no mask.

    Returns:
        The final carry, and the outputs, `(T, B, H)` or a tree of arrays with T in front.
    """
    clip = None if control.clip is None else jnp.asarray(control.clip)

    def step(before: Carry, now: Steps) -> tuple[Carry, Tree]:
        start = before
        if now.cut is not None:
            start = where_rows(now.cut, jax.lax.stop_gradient(start), start)
        start = restart(cell, start, now.reset)
        read = mask_hidden(start, mask)
        after, y = cell.apply({"params": params}, read, now.x)
        output = functools.partial(_output, cell, params, now.x, read)
        if now.hold is not None:
            held = jax.tree.map(jnp.where, now.hold, start, after)
            after, y = held, output(after, held, y)
        if now.probes is not None:
            probed = jax.tree.map(probe, after, now.probes)
            after, y = probed, output(after, probed, y)
        if clip is not None:  # after the probe, and so before it on the way back
            clipped = clip_cotangent(after, clip)
            after, y = clipped, output(after, clipped, y)
        return where_rows(now.real, after, before), y

    return jax.lax.scan(step, carry, steps)


def _output(
    cell: RecurrentCell, params: Params, x: Tree, before: Carry, after: Carry, new: Carry, y: jax.Array
) -> jax.Array:
    """Return the output that belongs to a carry which replaces the one that a step returned."""
    if isinstance(cell, ReadsCarry):
        return cell.read_carry(params, x, before, new)
    pairs = zip(jax.tree.leaves(after), jax.tree.leaves(new), strict=True)
    return next((leaf for old, leaf in pairs if old is y), y)
