"""Study of bounded Dyck languages: the loss above the entropy of their generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.studies.learning import learning_summary, medians
from seqlab.analysis.studies.study import Study


class Dyck(Study):
    """Reports the loss above the generator's entropy, in nats, and the accuracy on closing brackets."""

    def summarise(self, sweep: Path) -> tuple[Any, str]:
        return learning_summary(sweep, _above_entropy)


def _above_entropy(group: Group) -> dict[str, str]:
    runs = group.finished
    above = [run.score("test") - run.summary["baselines"]["the generator"] for run in runs]
    closing = float(np.median([run.summary["test"]["test/closing/accuracy"] for run in runs]))
    return {"above the entropy": medians(above), "closing/accuracy": f"{closing:.2%}"}
