"""Command line that resumes a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omegaconf import OmegaConf

from seqlab.types import ConfigError

KEY = "sweep.resume"


def resumed(arguments: Sequence[str]) -> list[str]:
    """Return the command line of the sweep in the folder that `sweep.resume=DIR` names.

    A sweep's jobs are its grid in order, and a job's folder is its number. So the same command line finds the
    same folders. `seqlab.runs.outcome.earlier_outcome` then skips the runs that need no repetition, and the
    others continue from their checkpoints.

    Args:
        arguments: the words of the command line. They are returned unchanged where none names a sweep.
            Otherwise they replace the sweep's own overrides of the same keys.

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
    merged = {override.partition("=")[0]: override for override in (*overrides.hydra, *overrides.task)}
    merged |= {"hydra.sweep.dir": f"hydra.sweep.dir={folder}", "resume": "resume=auto"}
    flags = [argument for argument in arguments if argument.startswith("-")]
    merged |= {key: argument for key, argument in given.items() if not key.startswith("-")}
    return ["-m", *flags, *merged.values()]
