"""How do steps become time at the least cost? One layer's forward and backward pass, written by hand.

Autodiff of a scan carries the weights' gradients through every backward step and saves what it meets. Here

1. the input projection x W + b leaves the scan: one matrix product for many steps;
2. the backward scan is linear in the cotangents. With δv = ∂L/∂v and s_t the carry, one step back is

       (δs_{t−1}, δa_t) = pull(coefficients_t, δs_t + δy_t)

   and the coefficients depend on saved values only, so one elementwise pass makes them for many steps:
   inside the scan remain one matrix product and a few elementwise ones;
3. the weights' gradients, sums over t, are matrix products over many steps, after the scan.

"Many steps" are a block: all T, or as many as fit in the cache (`block_length`). What a step saves is its
carry and what the cell's `advance` keeps: LSTM 6·H numbers a sequence, GRU 5·H (reset before: 4·H), Elman H.

A cell takes part by offering its step taken apart (`Linearised`); its file has the equations.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from seqlab.recurrence.gradient_control import NO_CONTROL, GradientControl, clip_carry, regulariser
from seqlab.recurrence.probes import probe_gradient
from seqlab.types import Carry, Params


@runtime_checkable
class Linearised(Protocol):
    """A cell that offers its step taken apart. Its output is the last leaf of its carry."""

    def fold(self, params: Params, dtype: jnp.dtype) -> Params:
        """Return the weights that the other methods read, R among them as `recurrent_kernel`."""

    def project(self, weights: Params, x: jax.Array) -> jax.Array:
        """Return the steps' share of the input, `(T, B, F) -> (T, B, …)`."""

    def advance(self, weights: Params, carry: Carry, z: jax.Array) -> tuple[Carry, Any]:
        """Take one step from its share of the input; return the carry and what to keep."""

    def linearise(self, before: Carry, after: Carry, kept: Any) -> Any:
        """Return, for all steps, coefficients such that `pull` is linear and, where they are 0, returns 0."""

    def pull(self, recurrent_T: jax.Array, coefficients: Any, dcarry: Carry) -> tuple[Carry, Any]:
        """Take one step back: return the cotangent of the carry before, and what `collect` needs."""

    def collect(
        self, weights: Params, x: jax.Array, before: Carry, coefficients: Any, pulled: Any
    ) -> tuple[Params, jax.Array]:
        """Return the cotangents of the weights and of x from what all steps pulled."""


def fused(
    cell: Linearised,
    params: Params,
    inputs_TBF: jax.Array,
    real_TB: jax.Array | None,
    carry: Carry,
    probes_TB: Carry | None = None,
    control: GradientControl = NO_CONTROL,
    block: int | None = None,
) -> tuple[Carry, jax.Array]:
    """Run a cell over time, forward and backward by hand. The arguments are `unroll`'s, time-major.

    Args:
        cell: a cell that is `Linearised`, hashable by value.
        params: the cell's parameters.
        inputs_TBF: `(T, B, F)`.
        real_TB: bool `(T, B)`, False where the carry stays as it is; None where every step is real.
        carry: the carry before the first step, `(B, H)` a leaf.
        probes_TB: zeros `(T, B)` in the tree of the carry, whose gradient is ‖δs_t‖₂ over H, or zeros
            `(T, B, H)`, whose gradient is δs_t; None for none.
        control: what acts on the backward pass.
        block: the steps of a block; chosen by T where None.

    Returns:
        The final carry, and the h_t `(T, B, H)`, which stand still where a step is not real.

    Raises:
        TypeError: a forward-mode derivative was asked for (inside `jit`, JAX's own message comes instead).
    """
    weights = cell.fold(params, jnp.result_type(inputs_TBF, *jax.tree.leaves(params)))
    control = jax.tree.map(lambda leaf: jnp.asarray(leaf, weights["bias"].dtype), control)
    steps = inputs_TBF.astype(weights["bias"].dtype), real_TB, probes_TB
    num_steps, num_rows, _ = inputs_TBF.shape
    if num_steps == 0:
        return carry, jax.tree.leaves(carry)[-1][None][:0]
    block = block or block_length(num_steps, num_rows)
    cut = num_steps - num_steps % block
    try:
        if cut == num_steps:
            return _run(cell, block, weights, carry, control, *steps)
        first, rest = (jax.tree.map(lambda leaf, s=s: leaf[s], steps) for s in (slice(cut), slice(cut, None)))
        carry, outputs = _run(cell, block, weights, carry, control, *first)
        carry, last_outputs = _run(cell, num_steps - cut, weights, carry, control, *rest)
        return carry, jnp.concatenate([outputs, last_outputs])
    except TypeError as error:
        if "forward-mode" not in str(error):
            raise
        raise TypeError("forward-mode derivatives of a recurrence need vjp=autodiff") from error


def block_length(num_steps: int, num_rows: int) -> int:
    """Return how many steps a block has: about 8, more where rows are few, if possible a divisor of T.

    Small blocks stay in the cache; but the weights' gradients are a matrix product a block, which wants 128
    rows or more. Measured in experiments/recurrence_speed.
    """
    wanted = max(1, min(num_steps, max(8, 128 // max(1, num_rows))))
    near = sorted(range(-(-wanted // 2), 2 * wanted + 1), key=lambda steps: abs(steps - wanted))
    return next((steps for steps in near if num_steps % steps == 0), wanted)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _run(
    cell: Linearised,
    block: int,
    weights: Params,
    carry: Carry,
    control: GradientControl,
    inputs: jax.Array,
    real: jax.Array | None,
    probes: Carry | None,
) -> tuple[Carry, jax.Array]:
    carry, (states, _) = _forward(cell, block, weights, inputs, real, carry)
    return carry, jax.tree.leaves(states)[-1]


def _run_forward(
    cell: Linearised,
    block: int,
    weights: Params,
    carry: Carry,
    control: GradientControl,
    inputs: jax.Array,
    real: jax.Array | None,
    probes: Carry | None,
) -> tuple[tuple[Carry, jax.Array], tuple]:
    final, (states, kept) = _forward(cell, block, weights, inputs, real, carry)
    saved = weights, inputs, real, carry, states, kept, probes, control
    return (final, jax.tree.leaves(states)[-1]), saved


def _forward(
    cell: Linearised, block: int, weights: Params, inputs: jax.Array, real: jax.Array | None, carry: Carry
) -> tuple[Carry, tuple[Carry, Any]]:
    """Return the final carry and, for all steps, the carries after them and what the cell keeps."""

    def step(carry: Carry, now: tuple) -> tuple[Carry, tuple[Carry, Any]]:
        z, is_real = now
        after, kept = cell.advance(weights, carry, z)
        if is_real is not None:
            after = where_real(is_real, after, carry)
        return after, (after, kept)

    def steps(held: tuple, now: tuple) -> tuple[tuple, None]:
        begin, x, is_real = now
        return scan_into(step, *held, (cell.project(weights, x), is_real), begin), None

    each_step = jax.eval_shape(cell.project, weights, inputs), real
    held = carry, room(step, carry, each_step)
    begins = jnp.arange(0, len(inputs), block)
    return jax.lax.scan(steps, held, (begins, *in_blocks((inputs, real), block)))[0]


def _run_backward(cell: Linearised, block: int, residuals: tuple, cotangents: tuple) -> tuple:
    weights, inputs, real, first, states, kept, probes, control = residuals
    dfinal, doutputs = cotangents
    recurrent_T = weights["recurrent_kernel"].T

    def step(dcarry: Carry, now: tuple) -> tuple[Carry, tuple]:
        coefficients, dy, is_real = now
        dcarry = add_to_last(dcarry, dy)
        if control.clip is not None:
            short = clip_carry(dcarry, control.clip)
            dcarry = short if is_real is None else where_real(is_real, short, dcarry)
        dbefore, pulled = cell.pull(recurrent_T, coefficients, dcarry)
        seen = None
        if is_real is not None:
            dbefore = jax.tree.map(jnp.add, dbefore, where_real(is_real, zeros(dcarry), dcarry))
        if probes is not None or control.omega is not None:
            seen = dcarry if is_real is None else where_real(is_real, dcarry, zeros(dcarry))
        return dbefore, (pulled, seen)

    def steps(sums: tuple, now: tuple) -> tuple[tuple, tuple]:
        dcarry, dweights, omega, held = sums
        x, is_real, start, after, kept, dy = now
        before = jax.tree.map(lambda s, rest: jnp.concatenate([s[None], rest[:-1]]), start, after)
        coefficients = cell.linearise(before, after, kept)
        if is_real is not None:
            coefficients = where_real(is_real, coefficients, zeros(coefficients))
        dcarry, (pulled, seen) = scan_into(step, dcarry, held, (coefficients, dy, is_real), reverse=True)
        collected, dx = cell.collect(weights, x, before, coefficients, pulled)
        if control.omega is not None:
            term, slope = jax.value_and_grad(regulariser, 1)(cell, recurrent_T, coefficients, seen)
            omega += term
            collected["recurrent_kernel"] += control.omega * slope.T
        dweights = jax.tree.map(jnp.add, dweights, collected)
        dprobes = None if probes is None else jax.tree.map(probe_gradient, probes, seen)
        return (dcarry, dweights, omega, (pulled, seen)), (dx, dprobes)

    blocks = in_blocks((inputs, real, states, kept, doutputs), block)
    starts = jax.tree.map(lambda s, after: jnp.concatenate([s[None], after[:-1, -1]]), first, blocks[2])
    one_block = jax.tree.map(lambda leaf: leaf[:block], (states, states, kept, doutputs, real))
    each_step = jax.eval_shape(cell.linearise, *one_block[:3]), *one_block[3:]
    begin = dfinal, *zeros((weights, control.omega)), room(step, dfinal, each_step)
    (dcarry, dweights, omega, _), per_step = jax.lax.scan(
        steps, begin, (*blocks[:2], starts, *blocks[2:]), reverse=True
    )
    dinputs, dprobes = out_of_blocks(per_step)
    return dweights, dcarry, GradientControl(None, omega), dinputs, None, dprobes


_run.defvjp(_run_forward, _run_backward)


def scan_into(
    step: Callable[[Any, Any], tuple[Any, Any]],
    carry: Any,
    room: Any,
    each_step: Any,
    begin: jax.Array | int = 0,
    reverse: bool = False,
) -> tuple[Any, Any]:
    """Scan as `jax.lax.scan`, and write what the steps return into arrays at hand, from `begin` on.

    A scan within a scan would fill arrays of its own with zeros for every block, and then copy them.
    """
    positive = {"axis": 0, "allow_negative_indices": False}
    num_steps = len(jax.tree.leaves(each_step)[0])

    def body(k: jax.Array, held: tuple) -> tuple[Any, Any]:
        carry, room = held
        k = num_steps - 1 - k if reverse else k
        take = functools.partial(jax.lax.dynamic_index_in_dim, index=k, keepdims=False, **positive)
        put = functools.partial(jax.lax.dynamic_update_index_in_dim, index=begin + k, **positive)
        carry, made = step(carry, jax.tree.map(take, each_step))
        return carry, jax.tree.map(put, room, made)

    return jax.lax.fori_loop(0, num_steps, body, (carry, room))


def room(step: Callable[[Any, Any], tuple[Any, Any]], carry: Any, each_step: Any) -> Any:
    """Return zeros where `scan_into` may write what all steps return."""
    num_steps = len(jax.tree.leaves(each_step)[0])
    now = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), each_step)
    made = jax.eval_shape(step, carry, now)[1]
    return jax.tree.map(lambda leaf: jnp.zeros((num_steps, *leaf.shape), leaf.dtype), made)


def where_real(real: jax.Array, tree: Any, otherwise: Any) -> Any:
    """Choose leaf by leaf between two trees, by bool `real` over their leading axes."""

    def choose(value: jax.Array, other: jax.Array) -> jax.Array:
        return jnp.where(real.reshape(real.shape + (1,) * (value.ndim - real.ndim)), value, other)

    return jax.tree.map(choose, tree, otherwise)


def zeros(tree: Any) -> Any:
    """Return a tree of zeros like another."""
    return jax.tree.map(jnp.zeros_like, tree)


def add_to_last(tree: Any, value: jax.Array) -> Any:
    """Add to the last leaf of a tree: in a carry, to h."""
    leaves, form = jax.tree.flatten(tree)
    return form.unflatten([*leaves[:-1], leaves[-1] + value])


def in_blocks(tree: Any, block: int) -> Any:
    """Cut the leading axis: `(T, …) -> (T / block, block, …)`."""
    return jax.tree.map(lambda leaf: leaf.reshape(-1, block, *leaf.shape[1:]), tree)


def out_of_blocks(tree: Any) -> Any:
    """Join the two leading axes: `(T / block, block, …) -> (T, …)`."""
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), tree)
