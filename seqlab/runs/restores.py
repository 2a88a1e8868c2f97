"""Restoring of a run that diverged: from the checkpoint before, with a lower learning rate."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from seqlab.runs.objects import Run
from seqlab.training import Checkpoints
from seqlab.training.processes import is_first, wait_for_all

_log = logging.getLogger(__name__)

MOST_RESTORES = 3
"""How often a run is restored before it counts as diverged."""

FACTOR = 0.5
"""The factor on the learning rate at each restore."""

RATE = "optimizer.learning_rate"


def restored(run: Run, summary: Mapping[str, Any]) -> Run | None:
    """Return the run that goes on after a divergence; None where the summary is final.

    The newest checkpoint holds the state right before the divergence, so the one before is taken, where there
    is one. The rows after it are dropped when the run starts.

    Args:
        run: the run that has ended.
        summary: how it ended.
    """
    wanted = run.program.training.on_nonfinite == "restore" and RATE in run.hyperparameters
    if summary["status"] != "diverged" or not wanted or len(run.restores) >= MOST_RESTORES:
        return None
    checkpoints = Checkpoints(run.info.folder)
    wait_for_all("before the checkpoints are listed")
    steps = checkpoints.steps("latest")
    wait_for_all("before a checkpoint is discarded")
    if not steps:
        return None
    step, rate = steps[:2][-1], FACTOR * run.hyperparameters[RATE]
    if is_first():
        checkpoints.discard_after(step)
    wait_for_all("before a checkpoint is restored")
    entry = {"step": step, "learning_rate": rate, "reason": summary["reason"]}
    _log.warning("%s: restored from step %d with the learning rate %g", summary["reason"], step, rate)
    return dataclasses.replace(
        run,
        hyperparameters={**run.hyperparameters, RATE: rate},
        info=dataclasses.replace(run.info, resumed_from=step),
        source=run.info.folder,
        restored=checkpoints.restore_latest(run.program.shapes),
        restores=(*run.restores, entry),
    )
