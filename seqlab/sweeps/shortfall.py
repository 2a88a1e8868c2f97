"""What do others' sweepers and launchers raise where runs fell short, and what is that in one line?"""

from __future__ import annotations

from seqlab.runs.execution import UnfinishedRunError

NO_TRIAL = "No trials are completed yet."
"""What Optuna says where every trial of a search failed."""


def shortfall(error: Exception) -> UnfinishedRunError | None:
    """Return what an error says of the runs, in one line; None where it is about something else.

    Optuna raises a ValueError where no trial is left to be the best, submitit an `UncompletedJobError` where
    a job left no result.
    """
    if isinstance(error, ValueError) and str(error) == NO_TRIAL:
        return UnfinishedRunError("no trial of the search finished: each run's summary.json says why")
    if any(kind.__name__ == "UncompletedJobError" for kind in type(error).__mro__):
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return UnfinishedRunError(f"a job left no result: {' '.join(lines[:2])}; {lines[-1]}")
    return None
