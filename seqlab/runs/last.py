"""The run that `resume=last` names, and the command that continues a run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from seqlab.runs.changes import changes_between, is_resumable
from seqlab.runs.compose import compose_config, override_of, without_hydra
from seqlab.runs.files import holds_run
from seqlab.runs.outcome import FINAL
from seqlab.runs.request import resolve
from seqlab.runs.resume import config_of, readable_summary
from seqlab.runs.width import sized
from seqlab.tracking import find_runs
from seqlab.tracking.lock import owner_of
from seqlab.tracking.run_folder import ROWS
from seqlab.training import Checkpoints
from seqlab.types import ConfigError

LAST = "resume=last"


def with_last_run(words: Sequence[str], config_dir: str | Path | None = None) -> list[str]:
    """Return a command's words with the newest unfinished run of their config in place of `resume=last`.

    The runs are searched below the folder in which the command would make a new one.

    Args:
        words: overrides, and options of Hydra.
        config_dir: a folder of further config groups.

    Raises:
        ConfigError: there is none.
    """
    if LAST not in words:
        return list(words)
    if {"-m", "--multirun"} & set(words):
        raise ConfigError(f"{LAST} continues one run: legal with -m is sweep.resume=SWEEP_DIR")
    others = [word for word in words if word != LAST]
    composed = compose_config([word for word in others if not word.startswith("-")], config_dir)
    config, root = sized(resolve(without_hydra(composed))), _root_of_runs(composed)
    found = next((run for run in _unfinished(root) if _is_of(run, config)), None)
    if found is None:
        raise ConfigError(
            f"{LAST}: no unfinished run of this config is below {root}: legal are null, auto and a run folder"
        )
    return in_folder(others, found)


def in_folder(words: Sequence[str], folder: Path) -> list[str]:
    """Return a command's words so that they continue the run in a folder."""
    replaced = ("resume=", "hydra.run.dir=", "overwrite=")
    kept = [word for word in words if not word.startswith(replaced)]
    return [*kept, override_of("hydra.run.dir", str(folder)), "resume=auto"]


def command_line(words: Sequence[str]) -> str:
    """Return a training command as a shell reads it."""
    return shlex.join(["python", "-m", "seqlab.train", *words])


def _root_of_runs(config: DictConfig) -> Path:
    """Return the folder below which a config's runs lie: the fixed part of `hydra.run.dir`."""
    unresolved: Any = OmegaConf.to_container(config.hydra, resolve=False)
    fixed, interpolation, _ = str(unresolved["run"]["dir"]).partition("${")
    return Path(fixed.rpartition("/")[0] or ".") if interpolation else Path(fixed).parent


def _unfinished(root: Path) -> Iterator[Path]:
    """Yield the runs below a folder that have not ended and that nobody writes, the newest first."""
    runs = [run for run in find_runs(root) if holds_run(run) and owner_of(run) is None]
    for run in sorted(runs, key=_last_change, reverse=True):
        summary = readable_summary(run)
        if summary is None or summary["status"] not in FINAL:
            yield run


def _last_change(run: Path) -> float:
    rows = run / ROWS
    return (rows if rows.exists() else run).stat().st_mtime


def _is_of(run: Path, config: Mapping[str, Any]) -> bool:
    """Return whether a run is one of a config, but for what a resume may change."""
    try:
        old = config_of(run, Checkpoints(run).notes() or {})
    except ConfigError:
        return False
    return all(is_resumable(key, config) for key in changes_between(old, config))
