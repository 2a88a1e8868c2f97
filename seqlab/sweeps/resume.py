"""What is left of a sweep to run? Its own command line again, each job going on from where it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omegaconf import OmegaConf

from seqlab.types import ConfigError

KEY = "sweep.resume"


def resumed(arguments: Sequence[str]) -> list[str]:
    """Return the command line of the sweep that `sweep.resume=DIR` names, in its folder.

    The jobs of a sweep are its grid in order, and a job's folder is its number: so the same command line
    meets the same folders, where `seqlab.runs.execution` leaves alone what has ended for good.

    Args:
        arguments: of the command; returned as they are where none names a sweep. What else they hold
            replaces the sweep's own, as another launcher does.

    Raises:
        ConfigError: the folder is not one of a sweep.
    """
    given = {key: argument for argument in arguments if (key := argument.partition("=")[0])}
    folder = given.get(KEY, "").partition("=")[2]
    if folder in ("", "null"):
        return list(arguments)
    path = Path(folder) / "multirun.yaml"
    if not path.is_file():
        raise ConfigError(f"{KEY}={folder} has no multirun.yaml: legal are null and the folder of a sweep")
    overrides = OmegaConf.load(path).hydra.overrides
    before = {override.partition("=")[0]: override for override in (*overrides.hydra, *overrides.task)}
    before |= {"hydra.sweep.dir": f"hydra.sweep.dir={folder}", "resume": "resume=auto"}
    flags = [argument for argument in arguments if argument.startswith("-")]
    return ["-m", *flags, *(before | {k: v for k, v in given.items() if not k.startswith("-")}).values()]
