"""Study that repeats published scores: a table beside them, and a verdict for each cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.studies.learning import learning_summary, read_groups
from seqlab.analysis.studies.study import Study
from seqlab.tracking.lines import number


class Published(Study):
    """Reports the mean test score of each cell beside the published one, and which cell beats which."""

    def __init__(self, folder: str, published: Mapping[str, float]) -> None:
        """Take the folder and the published scores by cell."""
        super().__init__(folder)
        self.published = published

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        figure, table = learning_summary(sweep, self._columns)
        groups = read_groups(sweep)
        verdicts = [self._verdict(group) for group in groups if len(group.scores)]
        return figure, "\n".join([table, "", *(f"- {verdict}." for verdict in verdicts)])

    def _columns(self, group: Group) -> dict[str, str]:
        value = self.published.get(str(group.key["cell"]))
        return {"published": "–" if value is None else number(value)}

    def _verdict(self, group: Group) -> str:
        """Return how the mean score of a cell compares with the published one, in one sentence."""
        cell, mean, ends = str(group.key["cell"]), float(np.mean(group.scores)), group.interval_95
        text = f"{cell}: the mean is {number(mean)}"
        if ends is not None:
            text += f" [{', '.join(map(number, ends))}]"
        value = self.published.get(cell)
        if value is None:
            return f"{text}, and nothing is published"
        side = "above" if mean > value else "below"
        text += f", {number(abs(mean - value), 3)} {side} the published {number(value)}"
        if ends is None:
            return text
        return f"{text}, which the interval {'holds' if ends[0] <= value <= ends[1] else 'does not hold'}"
