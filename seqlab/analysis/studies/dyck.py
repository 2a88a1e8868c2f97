"""How near does a network come to what nothing can beat? Bounded Dyck languages beside their entropy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from seqlab.analysis.groups import Group
from seqlab.analysis.studies.learning import Learning, medians


class Dyck(Learning):
    """Tells how far above the generator's entropy the loss ends, in nats, and how well it closes."""

    def beside(self, group: Group) -> Mapping[str, str]:
        runs = group.finished
        above = [run.score("test") - run.summary["baselines"]["the generator"] for run in runs]
        closing = float(np.median([run.summary["test"]["test/closing/accuracy"] for run in runs]))
        return {"above the entropy": medians(above), "closing/accuracy": f"{closing:.2%}"}
