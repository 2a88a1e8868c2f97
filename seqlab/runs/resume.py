"""Rules of a run folder: what a command may do to the run that it holds, and what a resumed run goes on from.

Nothing here writes. A command that is refused leaves the folder as it was.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqlab.runs.changes import Changes, changes_between, describe, require_resumable
from seqlab.runs.files import holds_run, read_request
from seqlab.runs.folders import is_run, why_no_run
from seqlab.runs.outcome import FINAL
from seqlab.runs.request import Request, as_today, resolve
from seqlab.tracking import read_rows, read_summary
from seqlab.tracking.run_folder import ROWS
from seqlab.training import Checkpoints, Program
from seqlab.training.checkpoints import Restored
from seqlab.training.last_step import continued, surplus
from seqlab.types import ConfigError

_log = logging.getLogger(__name__)

STEPS = "training.steps"

EARLY_ENDS = {"training.patience", "training.stop_at", "training.seconds"}
"""The keys that end a run before its last step."""

FINGERPRINT = "data_fingerprint"
"""The key under which notes and summary hold the fingerprint of a run's data."""


@dataclasses.dataclass(frozen=True)
class Kept:
    """What a run that is to be resumed has kept.

    Attributes:
        folder: its folder.
        notes: the notes of its latest checkpoint.
        changes: what the command changes of its config.
    """

    folder: Path
    notes: Mapping[str, Any]
    changes: Changes

    def restore(self, program: Program, config: Mapping[str, Any]) -> Restored:
        """Return the state to go on from, with the notes of its checkpoint.

        Raises:
            ConfigError: it cannot be read, the run is past the last step, or its earlier steps would have
                been others, had the run had the number of steps that it is given now.
        """
        if STEPS in self.changes and program.staged and not config["allow_changes"]:
            raise ConfigError(
                f"resume={config['resume']} changes {describe({STEPS: self.changes[STEPS]})}, but "
                f"{program.staged[0]} depends on the share of the steps that are made, so that the earlier "
                "steps would have been others: legal are the same steps, or allow_changes=true"
            )
        restored = Checkpoints(self.folder).restore_latest(program.shapes)
        step, steps = int(restored.state.step), program.training.steps
        _require_steps(steps, step, config["resume"])
        if step == steps:
            return restored
        goal = program.task.goal(program.network.framing)
        extra = surplus(restored.notes, f"eval/{goal.metric}")
        return Restored(restored.state, continued(restored.notes), extra)

    def require_same_data(self, fingerprint: str, config: Mapping[str, Any]) -> Kept:
        """Return this with the change of the data, if there is one.

        Raises:
            ConfigError: the data are others, and the config does not allow it.
        """
        before = self.notes.get(FINGERPRINT, fingerprint)
        if before == fingerprint:
            return self
        if not config["allow_changes"]:
            raise ConfigError(
                f"task: the data are not those of the run that resume={config['resume']} continues "
                f"({FINGERPRINT} {before[:12]} -> {fingerprint[:12]}): legal are the same data, or "
                "allow_changes=true, which records the change"
            )
        return dataclasses.replace(self, changes={**self.changes, FINGERPRINT: (before, fingerprint)})

    def history(self, step: int) -> list[dict[str, Any]]:
        """Return the list `resumed` of the summary: an entry for each resume, this one included."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        changes = {key: list(pair) for key, pair in self.changes.items()}
        return [*self.notes.get("resumed", []), {"step": step, "time": now, "changes": changes}]


def kept_by(request: Request, config: Mapping[str, Any]) -> Kept | None:
    """Return what the run to resume has kept; None where a run starts at step 0.

    Args:
        request: the command.
        config: its resolved config.

    Raises:
        ConfigError: the command is not legal for the folder.
    """
    resume, folder = config["resume"], request.folder
    source = source_of(request, config)
    if source != folder and not config["overwrite"] and holds_run(folder):
        raise ConfigError(
            f"hydra.run.dir={folder} holds a run: legal are another folder, resume=auto, which continues it, "
            "and overwrite=true, which replaces it"
        )
    if source is None:
        return None
    checkpoints = Checkpoints(source)
    notes = checkpoints.notes()
    if checkpoints.latest_step() is None:
        if resume != "auto":
            reason = "holds no checkpoint" if is_run(source) else why_no_run(source)
            raise ConfigError(f"resume={resume} {reason}: legal are null, auto, last and a run folder")
        if holds_run(folder):
            require_resumable(changes_between(config_of(source, {}), config), config, source)
        if config["sweep"]["resume"] is None or (source / ROWS).exists():  # many of a sweep have not begun
            _log.warning("resume=auto: %s holds no checkpoint, so the run starts at step 0", folder)
        return None
    read_rows(source)  # damaged ones are refused
    if not (source / ROWS).exists():
        _log.warning("%s is missing: its rows are lost", source / ROWS)
    return Kept(source, notes or {}, changes_of(source, notes or {}, config))


def source_of(request: Request, config: Mapping[str, Any]) -> Path | None:
    """Return the folder of the run that `resume` names; None for a fresh start."""
    resume = config["resume"]
    if resume is None:
        return None
    if resume == "auto" or Path(resume).resolve() == request.folder.resolve():
        return request.folder
    return Path(resume)


def changes_of(source: Path, notes: Mapping[str, Any], config: Mapping[str, Any]) -> Changes:
    """Return what a config changes of a run's.

    Args:
        source: the folder of the run.
        notes: the notes of its latest checkpoint.
        config: the resolved config of the command.

    Raises:
        ConfigError: a change is not legal.
    """
    changes = changes_between(config_of(source, notes), config)
    require_resumable(changes, config, source)
    return changes


def ended(request: Request, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the summary of a run that had ended and stays as it is; None for a run to train.

    A run that finished is continued if its number of steps grew, or if the key of `EARLY_ENDS` that had ended
    it has another value.
    A run that diverged would diverge again, unless the command changes more than the number of its steps.

    Raises:
        ConfigError: the command changes what it may not.
    """
    if config["resume"] is not None and config["overwrite"]:
        raise ConfigError("overwrite=true replaces a run and resume continues one: give one of them")
    if config["resume"] is None or source_of(request, config) != request.folder:
        return None
    summary = readable_summary(request.folder)
    if summary is None or summary["status"] not in FINAL:
        return None
    if summary["status"] in ("incompatible", "pruned"):  # by itself, a pruned run goes on
        return None if config["sweep"]["resume"] is None else summary
    changes = changes_of(request.folder, Checkpoints(request.folder).notes() or {}, config)
    _require_steps(config["training"]["steps"], summary.get("steps", 0), config["resume"])
    if summary["status"] == "diverged":
        goes_on = bool(changes.keys() - {"training.steps"})
    elif summary.get("reason") is None:
        goes_on = config["training"]["steps"] > summary.get("steps", 0)
    else:
        goes_on = bool(changes.keys() & EARLY_ENDS)
    if goes_on:
        return None
    unused = f", {describe(changes)} has no effect" if changes else ""
    if unused or config["sweep"]["resume"] is None:  # a sweep says it once, at its end
        ended_at = f"{summary['status']} at step {summary.get('steps')}"
        _log.info("nothing is left to do: %s %s%s", request.folder, ended_at, unused)
    return summary


def readable_summary(folder: Path) -> dict[str, Any] | None:
    """Return the summary of a run; None where there is none, or a damaged one, of which a warning tells."""
    try:
        summary: Any = read_summary(folder)
        if not isinstance(summary, dict) or "status" not in summary:
            raise ValueError("it holds no status")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _log.warning("%s is damaged, so the run counts as unfinished: %s", folder / "summary.json", error)
        return None
    return summary


def _require_steps(steps: Any, made: int, resume: str) -> None:
    if not isinstance(steps, int):
        raise ConfigError(f"training.steps must be a non-negative integer, got {steps!r}")
    if steps < made:
        raise ConfigError(
            f"training.steps={steps} is less than the {made} steps that the run of resume={resume} has made: "
            f"legal are at least {made}"
        )


def config_of(source: Path, notes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the resolved config of a run: that of its checkpoint, or of its `.hydra/`.

    Raises:
        ConfigError: it cannot be read.
    """
    if "config" in notes:
        return as_today(json.loads(notes["config"]))
    return resolve(read_request(source).config)
