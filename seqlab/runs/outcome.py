"""Outcome of a requested run: its summary or its error, and the cost that a search minimises."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from seqlab.types import IncompatibleError, UnfinishedRunError

Outcome = dict[str, Any] | Exception
"""The summary of a run, or the error for which it has none."""

FINAL = ("finished", "pruned", "diverged", "incompatible")
"""The statuses that a run would end with again, so that a resume leaves it as it is."""


def cost_of(outcome: Outcome) -> float | None:
    """Return the cost of a run of a sweep that finished; None where it was pruned or its choices do not fit.

    Raises:
        UnfinishedRunError: the run ended in another way.
        KeyboardInterrupt: the run was interrupted, which ends a sweep.
        Exception: the error for which there is no summary.
    """
    if isinstance(outcome, IncompatibleError):
        return None
    if isinstance(outcome, Exception):
        raise outcome
    if outcome["status"] == "interrupted":
        raise KeyboardInterrupt
    if outcome["status"] in ("incompatible", "pruned"):
        return None
    if outcome["status"] != "finished":
        raise UnfinishedRunError(f"{outcome['status']}: {outcome['reason']}")
    return cost(outcome)


def cost(summary: Mapping[str, Any]) -> float:
    """Return the deciding metric at the best validation, negated where higher is better.

    So a search minimises the cost of every task. It is NaN where nothing was evaluated, and where an old
    summary does not record the direction of its metric.

    Args:
        summary: the summary of a finished run.
    """
    signs: dict[Any, float] = {True: -1, False: 1}
    value: float = summary.get("best", {}).get(f"eval/{summary['metric']}", math.nan)
    return value * signs.get(summary.get("higher_is_better"), math.nan)
