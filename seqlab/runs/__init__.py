"""How does a config become a run, and a folder a run again?"""

from seqlab.runs.compose import compose_config, compose_request
from seqlab.runs.evaluation import evaluate
from seqlab.runs.execution import execute, run
from seqlab.runs.folder import TrainedRun, load
from seqlab.runs.objects import Run, build
from seqlab.runs.outcome import UnfinishedRunError
from seqlab.runs.request import Request

__all__ = [
    "Request",
    "Run",
    "TrainedRun",
    "UnfinishedRunError",
    "build",
    "compose_config",
    "compose_request",
    "evaluate",
    "execute",
    "load",
    "run",
]
