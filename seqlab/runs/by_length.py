"""Metrics of a trained network at each of several sequence lengths."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from seqlab.runs.window import window_note
from seqlab.tasks.lengths import between
from seqlab.tracking.thinning import thinned
from seqlab.training import Program, evaluation
from seqlab.types import ConfigError, Goal, Params, Reference

LONGEST_NAME = 60
"""The most characters of a name that lists all lengths."""

MOST_REFERENCES = 7
"""The most lengths that a task's baseline is computed at."""


class ByLength(NamedTuple):
    """Metrics at each length.

    Attributes:
        rows: one row per length, with `length` and `<split>/<metric>`.
        split: the split.
        goal: the deciding metric.
        references: the task's baseline and threshold at up to `MOST_REFERENCES` of the lengths, the first and
            the last among them. A task without `sequence_lengths` has one baseline, which is given at each.
        trained: the shortest and the longest length of training.
        notes: sentences about what the lengths do not fit.
    """

    rows: Sequence[Mapping[str, float]]
    split: str
    goal: Goal
    references: Mapping[int, Reference]
    trained: tuple[int, int]
    notes: tuple[str, ...] = ()

    @property
    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """The lengths and the deciding metric at each."""
        key = f"{self.split}/{self.goal.metric}"
        return np.array([row["length"] for row in self.rows]), np.array([row[key] for row in self.rows])

    @property
    def baselines(self) -> tuple[np.ndarray, np.ndarray]:
        """Some of the lengths and the baseline at each."""
        return np.array([*self.references]), np.array([one.baseline for one in self.references.values()])

    @property
    def name(self) -> str:
        """A name for files: the split, and the lengths as ranges, such as `test_41-500` or `test_5_9`."""
        lengths = [int(length) for length in self.curve[0]]
        parts = [f"{one[0]}-{one[-1]}" if len(one) > 1 else str(one[0]) for one in _ranges(lengths)]
        if len(name := "_".join([self.split, *parts])) <= LONGEST_NAME:
            return name
        return f"{self.split}_{min(lengths)}-{max(lengths)}_of_{len(lengths)}"

    @property
    def score(self) -> float:
        """The mean of the deciding metric over the lengths, with equal weights."""
        return float(self.curve[1].mean())


def _ranges(lengths: Sequence[int]) -> list[list[int]]:
    """Cut lengths into runs of consecutive numbers."""
    found: list[list[int]] = []
    for length in lengths:
        if found and length == found[-1][-1] + 1:
            found[-1].append(length)
        else:
            found.append([length])
    return found


MOST, LONGEST = 10_000, 10_000_000
"""The most lengths of one evaluation, and what each is below."""


def read_lengths(text: str) -> list[int]:
    """Parse `41,100,500`, `41:500` (both ends included), `100:500:100`, or several joined by commas.

    Raises:
        ConfigError: the text is none of these, contains no length, or too many or too long ones.
    """
    lengths: list[int] = []
    legal = f"at most {MOST} lengths, each below {LONGEST:,}"
    for part in text.split(","):
        bounds = part.split(":")
        if not all(bound.isdecimal() and int(bound) > 0 for bound in bounds) or len(bounds) > 3:
            raise ConfigError(f"lengths must be like 41,100,500 or 41:500, got {text!r}")
        first, *rest = map(int, bounds)
        last, every = (*rest, 1)[:2] if rest else (first, 1)
        chosen = range(first, last + 1, every)
        if max(first, last) >= LONGEST or len(lengths) + len(chosen) > MOST:
            raise ConfigError(f"lengths={text} is too much: legal are {legal}")
        lengths += chosen
    if not lengths:
        raise ConfigError(f"lengths must not decrease, got {text!r}")
    return lengths


def evaluate_lengths(program: Program, params: Params, lengths: Sequence[int], split: str) -> ByLength:
    """Evaluate at each of several lengths. Where the task allows it, one compiled program serves all of them.

    Args:
        program: the run's program.
        params: the network's parameters.
        lengths: one or more lengths.
        split: "train", "validation" or "test".

    Raises:
        ConfigError: the task has no length or not these, or the network reads one length only.
    """
    task = program.task
    if program.network.framing == "one_to_one":
        raise ConfigError("lengths does not apply: architecture one_to_one reads one length only")
    at_each = _in_one_program if task.sequence_lengths is not None else _one_by_one
    means = at_each(program, params, lengths, split)
    rows = [
        {"length": length, **evaluation.values(found, split)}
        for length, found in zip(lengths, means, strict=True)
    ]
    trained = task.sequence_lengths.evaluated if task.sequence_lengths else [getattr(task, "length")]  # noqa: B009
    framing = program.network.framing
    few = [lengths[place] for place in thinned(len(lengths), MOST_REFERENCES)]
    references = _references(program, few, split)
    longest = _longest(program, lengths).task
    notes = window_note(program.network, lambda: longest.batch(jax.random.key(0), 1, split, framing))
    return ByLength(rows, split, task.goal(framing), references, (trained[0], trained[-1]), notes)


def _references(program: Program, lengths: Sequence[int], split: str) -> dict[int, Reference]:
    """Return the task's reference for sequences of each length."""
    task, framing = program.task, program.network.framing
    if task.sequence_lengths is None:
        return dict.fromkeys(lengths, task.reference(framing, split))
    return {length: _longest(program, [length]).task.reference(framing, split) for length in lengths}


def _in_one_program(
    program: Program, params: Params, lengths: Sequence[int], split: str
) -> Iterator[Mapping[str, Any]]:
    drawn = program.task.sequence_lengths
    if drawn is not None and min(lengths) < (shortest := drawn.shortest):
        raise ConfigError(f"lengths: length must be at least {shortest}, got {min(lengths)}")
    program = _longest(program, lengths)
    for length in lengths:
        yield _evaluate(program, params, split, between(length, length))


def _one_by_one(
    program: Program, params: Params, lengths: Sequence[int], split: str
) -> Iterator[Mapping[str, Any]]:
    if not hasattr(program.task, "length"):
        raise ConfigError(f"lengths does not apply: task {program.task.name} has no length")
    for length in lengths:
        at_length = _with_task(program, {"length": length})
        yield _evaluate(at_length, params, split, at_length.task.data)


def _longest(program: Program, lengths: Sequence[int]) -> Program:
    """Return the program whose sequences have room for the longest of some lengths."""
    fields: dict[str, Any] = {"length": max(lengths)}
    if program.task.sequence_lengths is not None:
        fields |= {"min_length": min(lengths), "curriculum": "uniform"}
    return _with_task(program, fields)


def _evaluate(program: Program, params: Params, split: str, data: Any) -> Mapping[str, Any]:
    """Return the sums of a split; equal tasks and networks share compiled functions."""
    size = program.training.evaluation_batch_size
    of_split = program.task, program.network, params, split, size, data
    return evaluation.evaluate(*of_split, measures=program.measures.of_evaluation)


def _with_task(program: Program, fields: Mapping[str, Any]) -> Program:
    try:
        return dataclasses.replace(program, task=dataclasses.replace(program.task, **fields))
    except ValueError as error:
        raise ConfigError(f"lengths: {error}") from error
