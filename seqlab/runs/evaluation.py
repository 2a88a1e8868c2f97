"""Evaluation of trained parameters on a whole split."""

from __future__ import annotations

import functools

import jax

from seqlab.training import Program, evaluation
from seqlab.training.rows import evaluation_row
from seqlab.training.scoring import score
from seqlab.types import Params


def evaluate(program: Program, params: Params, split: str) -> dict[str, float]:
    """Return the loss, the metrics and the scores on a split, as `<split>/<metric>`.

    Args:
        program: the run's program.
        params: the network's parameters.
        split: "train", "validation" or "test".
    """
    means = jax.jit(functools.partial(evaluation.evaluate, program, split=split))(params, program.task.data)
    return evaluation_row(jax.device_get(means), split) | score(program, params, split, split)
