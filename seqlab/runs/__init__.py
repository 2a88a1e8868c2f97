"""How does a config become a run, and a folder a run again?"""

from seqlab.runs.build import build
from seqlab.runs.compose import compose_config, compose_request
from seqlab.runs.evaluation import evaluate
from seqlab.runs.execution import execute, run
from seqlab.runs.fit import fit
from seqlab.runs.folder import Trained, load
from seqlab.runs.objects import Run
from seqlab.runs.prediction import Predictions
from seqlab.runs.request import Request
from seqlab.runs.trained_run import TrainedRun, load_run
from seqlab.types import UnfinishedRunError

__all__ = [
    "Predictions",
    "Request",
    "Run",
    "Trained",
    "TrainedRun",
    "UnfinishedRunError",
    "build",
    "compose_config",
    "compose_request",
    "evaluate",
    "execute",
    "fit",
    "load",
    "load_run",
    "run",
]
