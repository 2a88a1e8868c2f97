"""Baselines and thresholds of tasks that write texts."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from seqlab.data.columns.column import Artifacts
from seqlab.data.columns.targets import Writing
from seqlab.data.encoded import Encoded
from seqlab.metrics.texts import TEXT_METRICS, bleu_signature, text_scores
from seqlab.types import Goal, Reference

MAX_EVALUATED = 1024
"""The number of examples of an evaluation pass at most: each text is written token by token."""


def text_goal(judge: str) -> Goal:
    """Return the goal of a task that is evaluated by one of `TEXT_METRICS`."""
    return Goal(judge, higher_is_better=TEXT_METRICS[judge])


def judge_of(judge: str | None, artifacts: Artifacts) -> str:
    """Return the metric that decides, that which suits the texts of training where a task names none."""
    return artifacts["judge"][0] if judge is None else judge


def tokenizer_of(artifacts: Artifacts) -> str:
    """Return the tokeniser of BLEU that suits the texts of training."""
    return artifacts.get("judge", ["bleu", "13a"])[1]


def written_scores(
    written: Sequence[str], references: Sequence[Sequence[str]], artifacts: Artifacts
) -> dict[str, float]:
    """Return `text_scores`, with the tokeniser of BLEU that suits the texts of training."""
    return text_scores(written, references, tokenizer_of(artifacts))


def text_summary(encoded: Encoded, references: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return counts that describe the data, and the signature of BLEU for these references."""
    signature = bleu_signature(references, tokenizer_of(encoded.artifacts))
    return {**encoded.summary, "bleu": signature}


def text_reference(judge: str, baselines: Mapping[str, float], count: int) -> Reference:
    """Return the best simple baseline; the threshold is that of the nearest training example.

    Where that one is not better than the simple baselines, the threshold is halfway to a perfect score. It
    leaves room for one wrong example, if the simple baselines do: where the nearest example is always right,
    a run with a single wrong word would not count as solved.

    Args:
        judge: one of `TEXT_METRICS`.
        baselines: the values of the baselines by name; the last is that of the nearest training example.
        count: the number of examples that are evaluated.
    """
    goal = text_goal(judge)
    *simple, nearest = baselines
    best = (max if goal.higher_is_better else min)(simple, key=baselines.__getitem__)
    perfect = 100.0 if goal.higher_is_better else 0.0
    better = goal.improves(baselines[nearest], baselines[best])
    threshold = baselines[nearest] if better else (baselines[best] + perfect) / 2
    but_one = 100.0 - 100.0 / count if goal.higher_is_better else 1 / count
    if goal.improves(threshold, but_one) and goal.improves(but_one, baselines[best]):
        threshold = but_one
    return Reference(baselines[best], best, threshold)


def right_texts(targets: Sequence[Sequence[str]], writing: Writing) -> list[list[str]]:
    """Return the texts that are right for each evaluated example, as a network would write them."""
    return [[writing.normalized(text) for text in texts] for texts in targets[:MAX_EVALUATED]]


def answer_scores(
    answers: Mapping[str, Sequence[str]], right: Sequence[Sequence[str]], writing: Writing, tokenizer: str
) -> dict[str, dict[str, float]]:
    """Return `text_scores` of simple answers, by name, each one text an example."""
    return {
        name: text_scores([writing.normalized(text) for text in texts], right, tokenizer)
        for name, texts in answers.items()
    }


def most_frequent(targets: Sequence[Sequence[str]]) -> str:
    """Return the text that the training split has most often."""
    return collections.Counter(itertools.chain.from_iterable(targets)).most_common(1)[0][0]
