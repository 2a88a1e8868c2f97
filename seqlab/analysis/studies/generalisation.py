"""Study of generalisation to lengths beyond those of training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.by_length import finish, plot
from seqlab.analysis.direct_labels import label_width
from seqlab.analysis.groups import Group
from seqlab.analysis.markdown import markdown
from seqlab.analysis.panels import AXES_HEIGHT, PANEL_HEIGHT, PANEL_WIDTH, canvas, kinds, problem_panels
from seqlab.analysis.studies.learning import distinguishing, medians, read_groups, verdicts
from seqlab.analysis.studies.study import Study
from seqlab.runs import load
from seqlab.runs.by_length import ByLength, evaluate_lengths, read_lengths
from seqlab.tracking.figure_style import styled

MODEL = "experiment/model"
"""The key of the part of an experiment that is a model."""


class Generalisation(Study):
    """Evaluates the best parameters of every run at given lengths.

    Attributes:
        lengths: the lengths, in the form of `python -m seqlab.evaluate --lengths`, or a list of such texts.
        ranges: parts of these lengths, of the same form, over each of which a score is averaged. One without
            any of the lengths is left out.
        examples: the number of sequences of each length.
        well: the value of the deciding metric below which a length counts as failed.
        published: published scores for a further column: by the swept `+experiment/model`, or else by the
            cell, and then by the task or the value of one of its keys.
    """

    def __init__(
        self,
        folder: str,
        lengths: str | Sequence[str | int],
        ranges: Sequence[str],
        examples: int,
        well: float,
        published: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Take the settings."""
        super().__init__(folder)
        self.lengths = read_lengths(lengths if isinstance(lengths, str) else ",".join(map(str, lengths)))
        parts = {str(text): read_lengths(str(text)) for text in ranges}
        self.ranges = {text: part for text, part in parts.items() if set(part) & set(self.lengths)}
        self.examples, self.well, self.published = examples, well, published or {}

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        groups = [group for group in read_groups(sweep) if group.finished]
        found = [[self._evaluate(run.folder) for run in group.finished] for group in groups]
        lines = [
            distinguishing(group, groups)
            | {"runs": str(len(runs))}
            | self.line(runs)
            | ({"published": self.published_score(group)} if self.published else {})
            for group, runs in zip(groups, found, strict=True)
        ]
        return self._figure(groups, found), markdown(lines) + verdicts(groups)

    def line(self, runs: Sequence[ByLength]) -> dict[str, str]:
        """Return the score on each range, over the runs, and the first length at which each run fails."""
        metric, longest = runs[0].goal.metric, max(self.lengths)
        scores = {
            f"{metric}, {text}": medians([mean_over(run, lengths) for run in runs])
            for text, lengths in self.ranges.items()
        }
        failing = [first_below(run, self.well) for run in runs]
        first = ", ".join(f"> {longest}" if length is None else str(length) for length in failing)
        return scores | {f"first length below {self.well:g}": first}

    def _evaluate(self, folder: Path) -> ByLength:
        program, params = load(folder)
        size = min(self.examples, program.training.evaluation_batch_size)
        few = dataclasses.replace(
            program,
            task=dataclasses.replace(program.task, num_evaluation_examples=self.examples),
            training=dataclasses.replace(program.training, evaluation_batch_size=size),
        )
        return evaluate_lengths(few, params, self.lengths, "test")

    def published_score(self, group: Group) -> str:
        """Return the published score of a group as text."""
        given = {**(group.runs[0].overrides if group.runs else {}), **group.key}
        scores = self.published.get(str(given.get(MODEL) or given["cell"]), {})
        problems = {str(value) for key, value in given.items() if key.startswith("task")}
        return next((str(score) for problem, score in scores.items() if problem in problems), "–")

    @styled()
    def _figure(self, groups: Sequence[Group], found: Sequence[Sequence[ByLength]]) -> Any:
        shown = problem_panels(groups)
        coloured = kinds(shown)
        size = PANEL_WIDTH + label_width(["baseline 0.123", *coloured.colours]), PANEL_HEIGHT
        figure, axes = canvas(shown, panel=size)
        by_group = dict(zip(map(id, groups), found, strict=True))
        for panel, ax in zip(shown, axes, strict=True):
            styles = [(run, coloured.style(group)) for group in panel.finished for run in by_group[id(group)]]
            ends = [end for run, style in styles for end in plot(ax, run, linewidth=0.9, alpha=0.8, **style)]
            finish(ax, ends, AXES_HEIGHT)
        return figure


def mean_over(run: ByLength, lengths: Sequence[int]) -> float:
    """Return the mean of the deciding metric over those lengths that were evaluated."""
    evaluated, scores = run.curve
    return float(scores[np.isin(evaluated, lengths)].mean())


def first_below(run: ByLength, well: float) -> int | None:
    """Return the first length whose score is below `well`; None where no score is."""
    evaluated, scores = run.curve
    below = evaluated[scores < well]
    return int(below[0]) if len(below) else None
