"""Errors by which other packages' sweepers and launchers report failed runs, each as one line."""

from __future__ import annotations

from seqlab.runs import UnfinishedRunError

NO_TRIAL = "No trials are completed yet."
"""Optuna's message where every trial of a search failed."""


def shortfall(error: Exception) -> UnfinishedRunError | None:
    """Return in one line what an error says about runs; None where it is about something else.

    Optuna raises a ValueError where no trial finished. Submitit raises an `UncompletedJobError` where a job
    left no result.
    """
    if isinstance(error, ValueError) and str(error) == NO_TRIAL:
        return UnfinishedRunError("no trial of the search finished: each run's summary.json says why")
    if any(kind.__name__ == "UncompletedJobError" for kind in type(error).__mro__):
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return UnfinishedRunError(f"a job left no result: {' '.join(lines[:2])}; {lines[-1]}")
    return None
