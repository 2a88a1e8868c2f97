"""Fused forward and backward pass of one recurrent layer.

Autodiff of a scan carries the weights' gradients through every backward step and saves every intermediate.
Here

1. the input projection x W + b leaves the scan: one matrix product for many steps;
2. the backward scan is linear in the cotangents. With δv = ∂L/∂v and s_t the carry, one step back is

       (δs_{t−1}, δa_t) = pull(coefficients_t, δs_t + δy_t)

   The coefficients depend on saved values only, so one elementwise pass computes them for many steps. Inside
   the scan remain one matrix product and a few elementwise operations;
3. the weights' gradients are sums over t, computed after the scan as matrix products over many steps.

"Many steps" are a block: all T, or as many as fit in the cache (`block_length`). A step saves its carry and
the residuals of the cell's `advance`: LSTM 6·H numbers a sequence, GRU 5·H (reset before: 4·H), Elman H.

A cell takes part by implementing `Linearised`; its file has the equations.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqlab.recurrence.block_scan import block_length, empty_outputs, in_blocks, out_of_blocks, scan_into
from seqlab.recurrence.gradient_control import NO_CONTROL, GradientControl, clip_carry, regulariser
from seqlab.recurrence.probes import probe_gradient
from seqlab.recurrence.protocols import Linearised
from seqlab.recurrence.steps import Steps, mask_rows, restart, where_rows
from seqlab.types import Carry, Params, Tree


def fused(
    cell: Linearised,
    params: Params,
    steps: Steps,
    carry: Carry,
    control: GradientControl = NO_CONTROL,
    block: int | None = None,
) -> tuple[Carry, jax.Array]:
    """Run a cell over time with hand-written forward and backward passes.

    Args:
        cell: the cell, hashable by value.
        params: the cell's parameters.
        steps: what the steps read; `hold` must be None.
        carry: the carry before the first step, `(B, H)` a leaf.
        control: what acts on the backward pass.
        block: the steps of a block; chosen by T where None.

    Returns:
        The final carry, and h_t `(T, B, H)`, which repeats the last value where a step is padding.

    Raises:
        TypeError: a forward-mode derivative was asked for (inside `jit`, JAX raises its own error instead).
    """
    weights = cell.fold(params, jnp.result_type(steps.x, *jax.tree.leaves(params)))
    dtype = weights["bias"].dtype
    control = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), control)
    steps = steps._replace(x=steps.x.astype(dtype))
    num_steps, num_rows, _ = steps.x.shape
    if num_steps == 0:
        return carry, jax.tree.leaves(carry)[-1][None][:0]
    block = block or block_length(num_steps, num_rows)
    whole = num_steps - num_steps % block
    try:
        if whole == num_steps:
            return _run(cell, block, weights, carry, control, steps)
        first, rest = _slice(steps, slice(whole)), _slice(steps, slice(whole, None))
        carry, outputs = _run(cell, block, weights, carry, control, first)
        carry, last_outputs = _run(cell, num_steps - whole, weights, carry, control, rest)
        return carry, jnp.concatenate([outputs, last_outputs])
    except TypeError as error:
        if "forward-mode" not in str(error):
            raise
        raise TypeError("forward-mode derivatives of a recurrence need vjp=autodiff") from error


class _Saved(NamedTuple):
    """What the forward pass saves for the backward pass; `states` and `residuals` are of all steps."""

    weights: Params
    carry: Carry
    control: GradientControl
    steps: Steps
    states: Carry
    residuals: Tree


def _run_blocks(
    cell: Linearised, block: int, weights: Params, carry: Carry, control: GradientControl, steps: Steps
) -> tuple[Carry, jax.Array]:
    """Run a cell over whole blocks."""
    carry, (states, _) = _forward(cell, block, weights, carry, steps)
    return carry, jax.tree.leaves(states)[-1]


def _run_forward(
    cell: Linearised, block: int, weights: Params, carry: Carry, control: GradientControl, steps: Steps
) -> tuple[tuple[Carry, jax.Array], _Saved]:
    final, (states, residuals) = _forward(cell, block, weights, carry, steps)
    saved = _Saved(weights, carry, control, steps, states, residuals)
    return (final, jax.tree.leaves(states)[-1]), saved


def _forward(
    cell: Linearised, block: int, weights: Params, carry: Carry, steps: Steps
) -> tuple[Carry, tuple[Carry, Tree]]:
    """Return the final carry and, for all steps, the carries after them and the cell's residuals."""

    def step(carry: Carry, now: tuple[Tree, ...]) -> tuple[Carry, tuple[Carry, Tree]]:
        z, real, reset = now
        after, residuals = cell.advance(weights, restart(cell, carry, reset), z)
        after = where_rows(real, after, carry)
        return after, (after, residuals)

    def run_block(state: tuple[Tree, Tree], now: tuple[Tree, ...]) -> tuple[tuple[Tree, Tree], None]:
        begin, x, *flags = now
        return scan_into(step, *state, (cell.project(weights, x), *flags), begin), None

    if steps.cut is not None:
        # The values do not depend on the cuts, but `vmap` over cuts must not share them, as it would share
        # their cotangents.
        carry = where_rows(steps.cut[0], carry, carry)
    flags = steps.real, steps.reset
    each_step = jax.eval_shape(cell.project, weights, steps.x), *flags
    begins = jnp.arange(0, len(steps.x), block)
    state = carry, empty_outputs(step, carry, each_step)
    return jax.lax.scan(run_block, state, (begins, *in_blocks((steps.x, *flags), block)))[0]


def _run_backward(
    cell: Linearised, block: int, saved: _Saved, cotangents: tuple[Carry, jax.Array]
) -> tuple[Params, Carry, GradientControl, Steps]:
    weights, first, control, steps, states, residuals = saved
    dfinal, doutputs = cotangents
    recurrent_T = weights["recurrent_kernel"].T
    wants_flow = steps.probes is not None or control.omega is not None
    step = functools.partial(_step_back, cell, recurrent_T, control.clip, wants_flow)

    def run_block(
        sums: tuple[Tree, ...], now: tuple[Tree, ...]
    ) -> tuple[tuple[Tree, ...], tuple[Tree, Tree]]:
        dcarry, dweights, omega, outputs = sums
        part, stop, start, after, residuals, dy = now
        before = jax.tree.map(lambda s, rest: jnp.concatenate([s[None], rest[:-1]]), start, after)
        before = restart(cell, before, part.reset)
        coefficients = mask_rows(part.real, cell.linearise(before, after, residuals))
        each_step = coefficients, dy, part.real, stop
        dcarry, (pulled, flow) = scan_into(step, dcarry, outputs, each_step, reverse=True)
        collected, dx = cell.collect(weights, part.x, before, coefficients, pulled)
        if control.omega is not None:
            term, slope = jax.value_and_grad(regulariser, 1)(cell, recurrent_T, coefficients, flow)
            omega += term
            collected["recurrent_kernel"] += control.omega * slope.T
        dweights = jax.tree.map(jnp.add, dweights, collected)
        dprobes = None if steps.probes is None else jax.tree.map(probe_gradient, steps.probes, flow)
        return (dcarry, dweights, omega, (pulled, flow)), (dx, dprobes)

    blocks = in_blocks((steps._replace(probes=None), steps.stop, states, residuals, doutputs), block)
    one, stop, after, saved_by, dy = jax.tree.map(lambda leaf: leaf[0], blocks)
    each_step = jax.eval_shape(cell.linearise, after, after, saved_by), dy, one.real, stop
    sums = dfinal, *_zeros((weights, control.omega)), empty_outputs(step, dfinal, each_step)
    starts = jax.tree.map(lambda s, after: jnp.concatenate([s[None], after[:-1, -1]]), first, blocks[2])
    blocks = *blocks[:2], starts, *blocks[2:]
    sums, per_step = jax.lax.scan(run_block, sums, blocks, reverse=True)
    dcarry, dweights, omega, _ = sums
    dinputs, dprobes = out_of_blocks(per_step)
    return dweights, dcarry, GradientControl(None, omega), Steps(dinputs, probes=dprobes)


_run = jax.custom_vjp(_run_blocks, nondiff_argnums=(0, 1))
_run.defvjp(_run_forward, _run_backward)


def _step_back(
    cell: Linearised,
    recurrent_T: jax.Array,
    clip: float | jax.Array | None,
    wants_flow: bool,
    dcarry: Carry,
    now: tuple[Tree, ...],
) -> tuple[Carry, tuple[Tree, Carry | None]]:
    """Take one step back: return δs_{t−1}, and what `collect` needs with δs_t where it is wanted."""
    coefficients, dy, real, stop = now
    *others, dh = jax.tree.leaves(dcarry)
    dcarry = jax.tree.unflatten(jax.tree.structure(dcarry), [*others, dh + dy])
    if clip is not None:
        dcarry = where_rows(real, clip_carry(dcarry, clip), dcarry)
    dbefore, pulled = cell.pull(recurrent_T, coefficients, dcarry)
    if stop is not None:
        dbefore = mask_rows(~stop, dbefore)
    if real is not None:
        dbefore = jax.tree.map(jnp.add, dbefore, mask_rows(~real, dcarry))
    return dbefore, (pulled, mask_rows(real, dcarry) if wants_flow else None)


def _zeros(tree: Tree) -> Tree:
    return jax.tree.map(jnp.zeros_like, tree)


def _slice(steps: Steps, part: slice) -> Steps:
    return jax.tree.map(lambda leaf: leaf[part], steps)
