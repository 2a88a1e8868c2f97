"""Plain data about a run: what its summary says of it, and what a run that resumes it has to know."""

from __future__ import annotations

import json
from typing import Any

import jax

from seqlab.runs.objects import Run
from seqlab.runs.provenance import git_commit, versions
from seqlab.runs.sizes import sizes_of
from seqlab.runs.usage import usage_of


def facts_of(run: Run) -> dict[str, Any]:
    """Return what a resumed run has to know of this one, which is noted with every state."""
    return {
        "config": json.dumps(run.info.config),
        "resumed": run.history,
        "restores": run.restores,
        "init_from": run.init_from,
    }


def description_of(run: Run) -> dict[str, Any]:
    """Return the part of the summary that says what was run, and by which versions."""
    info, recurrence = run.info, run.program.recurrence
    return run.request.identity | {
        "folder": str(info.folder.absolute()),
        "resumed": list(run.history),
        **({"init_from": dict(run.init_from)} if run.init_from else {}),
        **({"restores": list(run.restores)} if run.restores else {}),
        "total_steps": info.steps,
        "usage": usage_of(run.program),
        **sizes_of(run.program),
        "num_devices": run.num_devices,
        "num_processes": jax.process_count(),
        "memory": "chunked" if recurrence.is_chunked else "full",
        "backend": recurrence.backend if recurrence.uses_kernel else "scan",
        "metric": info.goal.metric,
        "higher_is_better": info.goal.higher_is_better,
        "versions": versions(),
        "git_commit": git_commit(),
    }
