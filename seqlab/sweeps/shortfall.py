"""Errors by which other packages' launchers report failed runs, each as one line."""

from __future__ import annotations

from seqlab.runs import UnfinishedRunError


def shortfall(error: Exception) -> UnfinishedRunError | None:
    """Return in one line what an error says about runs; None where it is about something else.

    Submitit raises an `UncompletedJobError` where a job left no result, and joblib a `TerminatedWorkerError`
    where a process was killed.
    """
    if any(kind.__name__ == "TerminatedWorkerError" for kind in type(error).__mro__):
        reason = "a process of the sweep was killed, perhaps for its memory"
        return UnfinishedRunError(f"{reason}: -m sweep.resume=DIR continues the sweep")
    if any(kind.__name__ == "UncompletedJobError" for kind in type(error).__mro__):
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return UnfinishedRunError(f"a job left no result: {' '.join(lines[:2])}; {lines[-1]}")
    return None
