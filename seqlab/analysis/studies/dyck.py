"""Study of bounded Dyck languages: the loss above the entropy of their generator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.studies.learning import Learning, medians


class Dyck(Learning):
    """Reports the loss above the generator's entropy, in nats, and the accuracy on closing brackets."""

    def extra_columns(self, group: Group) -> Mapping[str, str]:
        runs = group.finished
        above = [run.score("test") - run.summary["baselines"]["the generator"] for run in runs]
        closing = float(np.median([run.summary["test"]["test/closing/accuracy"] for run in runs]))
        return {"above the entropy": medians(above), "closing/accuracy": f"{closing:.2%}"}
