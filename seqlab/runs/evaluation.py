"""Evaluation of trained parameters on a whole split."""

from __future__ import annotations

from seqlab.training import Program, evaluation
from seqlab.types import Params


def evaluate(program: Program, params: Params, split: str) -> dict[str, float]:
    """Return the loss, the metrics and the scores on a split, as `<split>/<metric>`.

    Args:
        program: the run's program.
        params: the network's parameters.
        split: "train", "validation" or "test".
    """
    of_split = program.task, program.network, params, split, program.training.evaluation_batch_size
    scores = {f"{split}/{name}": value for name, value in evaluation.scores(*of_split).items()}
    means = evaluation.evaluate(*of_split, measures=program.measures.of_evaluation)
    return evaluation.values(means, split) | scores
