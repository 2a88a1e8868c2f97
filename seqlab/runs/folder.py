"""Loading what was trained from its run folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from omegaconf import OmegaConf

from seqlab.runs.files import read_request
from seqlab.runs.folders import why_no_parameters
from seqlab.runs.objects import make_family
from seqlab.runs.request import Request, resolve
from seqlab.tasks.task import VOCABULARY
from seqlab.training import Checkpoints, Program
from seqlab.types import ConfigError, Params


class Trained(NamedTuple):
    """What a run learnt.

    Attributes:
        program: its task, network and settings.
        params: the parameters of its best evaluation on the validation split.
    """

    program: Program
    params: Params


def load(folder: str | Path) -> Trained:
    """Load the program of a run and its best parameters; the data of the run are not read.

    A run that had no evaluation yet has its latest parameters.

    Raises:
        ConfigError: the folder is not one of a run, or the run saved no parameters.
    """
    request = read_request(folder)
    checkpoints = Checkpoints(Path(folder))
    if checkpoints.best_step() is None and checkpoints.latest_step() is None:
        raise ConfigError(f"RUN_DIR={folder} {why_no_parameters(Path(folder))}")
    if (vocabulary := Path(folder) / VOCABULARY).is_file():
        request.config.task.vocabulary = str(vocabulary)
    _find_source(request)
    program = make_family(resolve(request.config))[0].program
    if checkpoints.best_step() is None:
        return Trained(program, checkpoints.latest_params())
    return Trained(program, checkpoints.restore_best())


def _find_source(request: Request) -> None:
    """Make a relative `task.source` absolute, by the working directory of the run, where it lies there."""
    source = request.config.task.get("source")
    place = None if request.hydra is None else OmegaConf.select(request.hydra, "runtime.cwd")
    if isinstance(source, str) and place is not None and (found := Path(place) / source).exists():
        request.config.task.source = str(found)
