"""Updates on batches that are cut to the length of their bucket."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import jax

from seqlab.tasks.buckets import Buckets
from seqlab.training.state import TrainState
from seqlab.types import Batch, Metrics, Spec

Step = Callable[[TrainState, Batch], tuple[TrainState, Metrics]]


def step_in_bucket(
    step: Step, buckets: Buckets | None, number: jax.Array, state: TrainState, batch: Batch
) -> tuple[TrainState, Metrics]:
    """Make one update on a batch without the steps that are padding in all rows of its bucket.

    Each bucket is a branch of the compiled program, as each has its own shapes.

    Args:
        step: the update.
        buckets: the buckets that batches are drawn from; None for whole batches.
        number: int32 scalar, the step of the state; one number for all runs that are stepped together, so
            that one branch alone is computed.
        state: the state before the update.
        batch: this device's rows, padded to the longest row of all buckets.
    """
    if buckets is None:
        return step(state, batch)
    branches = [_cut_to(step, buckets, bucket) for bucket in range(len(buckets))]
    return jax.lax.switch(buckets.at(number), branches, state, batch)


def _cut_to(step: Step, buckets: Buckets, bucket: int) -> Step:
    """Return the update on batches of one bucket."""
    return lambda state, batch: step(state, buckets.cut(batch, bucket))


def mean_tokens(batch: Batch, specs: tuple[Spec, Spec], buckets: Buckets | None) -> int:
    """Return the positions of a batch's inputs or targets, whichever are more, with padding.

    Args:
        batch: the shapes of a whole batch.
        specs: of its inputs and its targets.
        buckets: the buckets that batches are drawn from, for the mean over the steps; None for whole batches.
    """
    if buckets is None:
        return _tokens(batch, specs)
    cut = [jax.eval_shape(partial(buckets.cut, bucket=bucket), batch) for bucket in range(len(buckets))]
    return round(sum(share * _tokens(one, specs) for share, one in zip(buckets.shares, cut, strict=True)))


def _tokens(batch: Batch, specs: tuple[Spec, Spec]) -> int:
    return max(
        math.prod(array.shape[: array.ndim - len(spec.shape)])
        for array, spec in zip((batch.inputs, batch.targets), specs, strict=True)
    )
