"""Run folder: the files that say what was run, and loading what was trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, cast

from omegaconf import DictConfig, OmegaConf

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

    Raises:
        ConfigError: the folder is not one of a run, or the run saved no parameters.
    """
    request = read_request(folder)
    if (vocabulary := Path(folder) / VOCABULARY).is_file():
        request.config.task.vocabulary = str(vocabulary)
    _find_source(request)
    program = make_family(resolve(request.config))[0].program
    return Trained(program, Checkpoints(Path(folder)).restore_best())


def _find_source(request: Request) -> None:
    """Make a relative `task.source` absolute, by the working directory of the run, where it lies there."""
    source, choices = request.config.task.get("source"), OmegaConf.load(request.folder / ".hydra/hydra.yaml")
    place = OmegaConf.select(choices, "hydra.runtime.cwd")
    if isinstance(source, str) and place is not None and (found := Path(place) / source).exists():
        request.config.task.source = str(found)


def read_request(folder: str | Path) -> Request:
    """Read back what a run was asked to be.

    Raises:
        ConfigError: the folder is not one of a run.
    """
    hydra = Path(folder) / ".hydra"
    if not (hydra / "config.yaml").is_file():
        raise ConfigError(f"RUN_DIR={folder} is not a run folder: it has no .hydra/config.yaml")
    choices = OmegaConf.load(hydra / "hydra.yaml").hydra.runtime.choices
    config = cast("DictConfig", OmegaConf.load(hydra / "config.yaml"))
    return Request(config, dict(choices), Path(folder))


def write_hydra_files(request: Request, overrides: Sequence[str]) -> None:
    """Write `.hydra/` as Hydra would, in a run that no Hydra application started."""
    hydra = request.folder / ".hydra"
    hydra.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(request.config, hydra / "config.yaml")
    runtime = {"choices": dict(request.choices), "cwd": str(Path.cwd())}
    choices = OmegaConf.create({"hydra": {"runtime": runtime}})
    OmegaConf.save(choices, hydra / "hydra.yaml")
    of_task = [override for override in overrides if not override.startswith("hydra.")]
    OmegaConf.save(OmegaConf.create(of_task), hydra / "overrides.yaml")
