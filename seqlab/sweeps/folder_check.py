"""Check of a sweep's folder before anything is written into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from seqlab.runs.files import holds_run
from seqlab.sweeps.refusal import refuse
from seqlab.tracking import find_runs
from seqlab.types import ConfigError


class FolderCheck(Callback):
    """Hydra callback that refuses a new sweep in a folder that holds runs.

    It comes before the other callbacks and before Hydra writes `multirun.yaml`.
    """

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
