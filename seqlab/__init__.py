"""seqlab: experiments on recurrent sequence models in JAX.

Axis letters used in every docstring: `B` batch, `T` time, `F` input features, `H` hidden features,
`O` outputs, `R` replicas, `G` gates. Arrays are batch-major unless the name says otherwise
(`inputs_TBF` is time-major).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqlab.analysis.dynamics import analyse_dynamics
    from seqlab.analysis.figures import draw
    from seqlab.analysis.frames import list_runs, list_sweeps, load_sweep
    from seqlab.analysis.report import write_report
    from seqlab.runs import TrainedRun, fit, load_run, run
    from seqlab.tracking import Callback
    from seqlab.training import Training

__version__ = "0.1.0"

__all__ = [
    "Callback",
    "TrainedRun",
    "Training",
    "analyse_dynamics",
    "draw",
    "fit",
    "list_runs",
    "list_sweeps",
    "load_run",
    "load_sweep",
    "run",
    "write_report",
]

_HOMES = {
    "Callback": "seqlab.tracking",
    "TrainedRun": "seqlab.runs",
    "Training": "seqlab.training",
    "analyse_dynamics": "seqlab.analysis.dynamics",
    "draw": "seqlab.analysis.figures",
    "fit": "seqlab.runs",
    "list_runs": "seqlab.analysis.frames",
    "list_sweeps": "seqlab.analysis.frames",
    "load_run": "seqlab.runs",
    "load_sweep": "seqlab.analysis.frames",
    "run": "seqlab.runs",
    "write_report": "seqlab.analysis.report",
}
"""The package of each name of the Python API. It is imported when the name is first used, because JAX takes
a second."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'seqlab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
