"""Many updates of a run in one dispatch."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from seqlab.training.bucketed import step_in_bucket
from seqlab.training.program import Program
from seqlab.training.spread import BY_ROW, STATE, WHOLE, Spread
from seqlab.training.state import TrainState, select
from seqlab.types import Batch, Metrics, Tree

Loop = tuple[jax.Array, jax.Array, TrainState, Batch, jax.Array]
"""The state of the loop: steps tried, whether the run is active, its state, drawn batches, and metrics."""

PREFETCHED_STEPS = 10
"""How many batches are drawn together, at most. Small batches cost less together than one by one."""

PREFETCHED_BYTES = 2**24
"""How much memory the batches that are drawn together may take, unless a single one takes more."""


def advance(
    program: Program,
    state: TrainState,
    span: jax.Array,
    active: jax.Array,
    data: Tree,
    spread: Spread = Spread(),  # noqa: B008 - it is frozen
) -> tuple[TrainState, Metrics]:
    """Make the updates from one step to another, up to the first that is not finite.

    Args:
        program: the program of the run.
        state: the state before the first update.
        span: int32 `(2,)`, the step of the state and the step to stop at, at most `steps_per_call` later.
            Other values do not need another compilation.
        active: bool scalar, False for a run that is not to be changed.
        data: the task's resident arrays.
        spread: how the rows of the batches are spread over devices.

    Returns:
        The last state, and the metrics of every step that was tried, stacked on a leading axis of
        `steps_per_call`. Rows past the last try have no meaning.
    """
    start, stop = span
    # traced once: for the shapes of its metrics, and in the loop
    update = partial(step_in_bucket, program.step, program.buckets)
    step = jax.jit(spread.over_rows(update, (WHOLE, STATE, BY_ROW), (STATE, WHOLE)))
    draw = jax.jit(lambda state: spread.draw(partial(prefetch, program, state), data, leading=1))
    batches = jax.eval_shape(draw, state)
    metrics = jax.eval_shape(lambda state: step(start, state, _pick(draw(state), 0))[1], state)
    template, restore = ravel_pytree(jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), metrics))
    rows = jnp.zeros((program.training.steps_per_call, len(template)), template.dtype)

    def more(loop: Loop) -> jax.Array:
        tried, active, *_ = loop
        return _any(active, program.lockstep) & (tried < stop - start)

    def body(loop: Loop) -> Loop:
        tried, active, state, batches, rows = loop
        index = tried % len(batches.mask)
        batches = jax.lax.cond(index == 0, draw, lambda _: batches, state)
        after, metrics = step(start + tried, state, _pick(batches, index))
        if program.lockstep is not None:  # a run that has ended takes part in the steps of the others
            after = select(active, after, state)
        active &= after.step > state.step
        rows = jax.lax.dynamic_update_index_in_dim(rows, ravel_pytree(metrics)[0], tried, 0)
        return tried + 1, active, after, batches, rows

    empty = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), batches)
    loop = jnp.int32(0), jnp.asarray(active), state, empty, rows
    _, _, state, _, rows = jax.lax.while_loop(more, body, loop)
    return state, jax.vmap(restore)(rows)


def prefetch(program: Program, state: TrainState, data: Tree) -> Batch:
    """Draw the next whole batches of a run, stacked on a leading axis."""
    batch = jax.eval_shape(program.batch, state.seed, state.step, data)
    num_bytes = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(batch))
    most = min(PREFETCHED_STEPS, program.training.steps_per_call)
    num_batches = max(1, min(most, PREFETCHED_BYTES // num_bytes))
    return jax.vmap(lambda step: program.batch(state.seed, step, data))(state.step + jnp.arange(num_batches))


def _pick(batches: Batch, index: Tree) -> Batch:
    """Return one of the stacked batches."""
    return jax.tree.map(lambda leaf: jax.lax.dynamic_index_in_dim(leaf, index, keepdims=False), batches)


def _any(flag: jax.Array, lockstep: str | None) -> jax.Array:
    """Return whether a flag holds for any of the runs that are stepped together."""
    return flag if lockstep is None else jax.lax.pmax(flag.astype(jnp.int32), lockstep) > 0
