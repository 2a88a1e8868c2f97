"""Updates on batches that are cut to the length of their bucket."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from seqlab.tasks.buckets import Buckets
from seqlab.types import Batch, Metrics

if TYPE_CHECKING:
    from seqlab.training.program import Program
    from seqlab.training.state import TrainState


def step_in_bucket(
    program: Program, number: jax.Array, state: TrainState, batch: Batch
) -> tuple[TrainState, Metrics]:
    """Make one update on a batch without the steps that are padding in all rows of its bucket.

    Each bucket is a branch of the compiled program, as each has its own shapes.

    Args:
        program: the program of the run.
        number: int32 scalar, the step of the state; one number for all runs that are stepped together, so
            that one branch alone is computed.
        state: the state before the update.
        batch: this device's rows, padded to the longest row of all buckets.
    """
    buckets = program.buckets
    if buckets is None:
        return program.step(state, batch)
    branches = [_cut_to(program, buckets, bucket) for bucket in range(len(buckets))]
    return jax.lax.switch(buckets.at(number), branches, state, batch)


def _cut_to(
    program: Program, buckets: Buckets, bucket: int
) -> Callable[[TrainState, Batch], tuple[TrainState, Metrics]]:
    """Return the update on batches of one bucket."""
    return lambda state, batch: program.step(state, buckets.cut(batch, bucket))


def mean_tokens(program: Program) -> int:
    """Return the positions of a batch's inputs or targets, whichever are more, with padding.

    Where batches come from buckets, it is the mean over the steps.
    """
    batch = jax.eval_shape(lambda: program.batch(jnp.uint32(0), jnp.int32(0), program.task.data))
    buckets = program.buckets
    if buckets is None:
        return _tokens(program, batch)
    cut = [jax.eval_shape(partial(buckets.cut, bucket=bucket), batch) for bucket in range(len(buckets))]
    return round(sum(share * _tokens(program, one) for share, one in zip(buckets.shares, cut, strict=True)))


def _tokens(program: Program, batch: Batch) -> int:
    framing = program.network.framing
    specs = (program.task.input_spec(framing), program.task.output_spec(framing))
    return max(
        math.prod(array.shape[: array.ndim - len(spec.shape)])
        for array, spec in zip((batch.inputs, batch.targets), specs, strict=True)
    )
