"""Check of a command's folder before Hydra writes into it, and its removal where the command is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from seqlab.runs.files import holds_run
from seqlab.runs.folders import missing_folders, remove_empty
from seqlab.sweeps.refusal import refuse
from seqlab.tracking import find_runs
from seqlab.types import ConfigError

_MISSING: list[Path] = []
"""The folder of the command's run and those above it that did not exist, the innermost first."""


def remove_new_folder() -> None:
    """Remove the folder that Hydra made for a run which is refused, with the log of its warnings."""
    if _MISSING:
        for log in _MISSING[0].glob("*.log"):
            log.unlink()
    remove_empty(_MISSING)


class FolderCheck(Callback):
    """Hydra callback that refuses a new sweep in a folder that holds runs, and notes which folders are new.

    It comes before the other callbacks, before Hydra makes the folder of a run and before it writes
    `multirun.yaml`.
    """

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        _MISSING[:] = missing_folders(Path(str(config.hydra.run.dir)))

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        folder = Path(str(config.hydra.sweep.dir))
        asked = OmegaConf.select(config, "sweep.resume") is not None or OmegaConf.select(config, "overwrite")
        if asked or not any(map(holds_run, find_runs(folder))):
            return
        refuse(
            ConfigError(
                f"hydra.sweep.dir={folder} holds runs: legal are another folder, "
                f"sweep.resume={folder}, which continues them, and overwrite=true, which replaces them"
            )
        )
