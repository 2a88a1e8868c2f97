"""Command line that resumes a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seqlab.runs.changes import IGNORED, is_resumable
from seqlab.runs.compose import compose_config, path_in, with_quoted_paths, without_hydra
from seqlab.runs.files import read_yaml
from seqlab.runs.request import resolve
from seqlab.runs.resume import STEPS, readable_summary
from seqlab.runs.study import storage_of
from seqlab.tracking import find_runs
from seqlab.types import ConfigError

KEY = "sweep.resume"

STORAGE = "hydra.sweeper.storage"


def resumed(arguments: Sequence[str]) -> list[str]:
    """Return the command line of the sweep in the folder that `sweep.resume=DIR` names.

    A sweep's jobs are its grid in order, and a job's folder is its number. So the same command line finds the
    same folders. `seqlab.runs.resume.ended` then leaves the runs that need no repetition, and the others
    continue from their checkpoints.

    Args:
        arguments: the words of the command line. They are returned unchanged where none names a sweep.
            Otherwise they replace the sweep's own overrides of the same keys.

    Raises:
        ConfigError: the folder is not one of a sweep, or a word changes what a resume may not change.
    """
    given = {key: argument for argument in arguments if (key := argument.partition("=")[0])}
    folder = path_in(given.get(KEY, ""))
    if folder in ("", "null"):
        return list(arguments)
    overrides = _overrides_of(Path(folder))
    own = {override.partition("=")[0]: override for override in (*overrides.hydra, *overrides.task)}
    further = {key: argument for key, argument in given.items() if not key.startswith("-")}
    _require_resumable(own, further, folder)
    _require_steps(further, folder)
    place, again = with_quoted_paths([f"hydra.sweep.dir={folder}", f"{KEY}={folder}"])
    merged = own | {"hydra.sweep.dir": place, "resume": "resume=auto"}
    if storage := storage_of(Path(folder)):  # its own words can name it by a path from another directory
        (merged[STORAGE],) = with_quoted_paths([f"{STORAGE}={storage}"])
    flags = [argument for argument in arguments if argument.startswith("-")]
    return ["-m", *flags, *(merged | further | {KEY: again}).values()]


def _require_steps(further: Mapping[str, str], folder: str) -> None:
    """Raise ConfigError where a word of the command asks for fewer steps than a run of the sweep has made."""
    steps = further.get(STEPS, "").partition("=")[2]
    summaries = [readable_summary(run) or {} for run in find_runs(folder)] if steps.isdecimal() else []
    made = max((int(summary.get("steps") or 0) for summary in summaries), default=0)
    if steps.isdecimal() and int(steps) < made:
        raise ConfigError(
            f"{STEPS}={steps} is less than the {made} steps that a run of {KEY}={folder} has made: "
            f"legal are at least {made}"
        )


def resuming(folder: Path) -> list[str]:
    """Return the words of the command that resumes the sweep in a folder."""
    return ["-m", f"{KEY}={folder}"]


def _overrides_of(folder: Path) -> Any:
    """Return the overrides that a sweep was started with, as `hydra` and `task`."""
    path = folder / "multirun.yaml"
    if not path.is_file():
        raise ConfigError(f"{KEY}={folder} has no multirun.yaml: legal are null and the folder of a sweep")
    return read_yaml(path).hydra.overrides


def _require_resumable(own: Mapping[str, str], further: Mapping[str, str], folder: str) -> None:
    """Raise ConfigError where a word of the command changes an override that a resume may not change."""
    if further.get("allow_changes") == "allow_changes=true":
        return
    config = resolve(without_hydra(compose_config()))
    for key, argument in further.items():
        is_ours = key.partition(".")[0] not in ("hydra", *IGNORED) and not key.startswith("hydra/")
        if is_ours and own.get(key) != argument and not is_resumable(key, config):
            before = own.get(key, "no value of its own")
            raise ConfigError(
                f"{KEY}={folder}: {argument} changes {key}, for which the sweep has {before}: "
                "legal are the sweep's own values, or allow_changes=true"
            )
