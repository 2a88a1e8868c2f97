"""Files of a run folder: which there are, what was asked for, and whether a run is in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from seqlab.runs.folders import HYDRA, is_run, why_no_run
from seqlab.runs.request import Request
from seqlab.tasks.task import VOCABULARY
from seqlab.tracking import read_summary, write_atomically
from seqlab.tracking.run_folder import FACTS, ROWS, SUMMARY
from seqlab.training import Checkpoints
from seqlab.types import ConfigError

EXAMPLES = "examples.json"
"""The file of answers to examples of the test split."""

FILES = (
    *(FACTS, ROWS, SUMMARY, "checkpoints", HYDRA, VOCABULARY, "wandb", EXAMPLES),
    *("profile", "report.html", "tensorboard", "lengths.csv", "lengths_*.csv"),
    *(
        f"{name}.{ending}"
        for name in ("gradient_flow", "curves", "gates", "states")
        for ending in ("png", "svg")
    ),
    *("lengths*.png", "lengths*.svg"),
)
"""Patterns of what a run and the commands about it write into its folder, but for the log."""


def read_request(folder: str | Path) -> Request:
    """Read back what a run was asked to be.

    Raises:
        ConfigError: the folder is not one of a run, or its config cannot be read.
    """
    hydra = Path(folder) / HYDRA
    if not is_run(Path(folder)):
        raise ConfigError(f"RUN_DIR={folder} {why_no_run(Path(folder))}")
    config = read_yaml(hydra / "config.yaml")
    path = hydra / "hydra.yaml"
    node = read_yaml(path).get("hydra") if path.is_file() else None
    try:
        choices = {} if node is None else dict(node.runtime.choices)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{path} is damaged: it has no hydra.runtime.choices") from error
    return Request(config, choices, Path(folder), node)


def write_request(request: Request) -> None:
    """Write `.hydra/` as Hydra would: the config, Hydra's own node, and the overrides."""
    hydra = request.folder / HYDRA
    own = OmegaConf.create({"runtime": {"choices": dict(request.choices)}})
    node = own if request.hydra is None else request.hydra
    write_atomically(hydra / "config.yaml", OmegaConf.to_yaml(request.config))
    write_atomically(hydra / "hydra.yaml", OmegaConf.to_yaml(OmegaConf.create({"hydra": node})))
    overrides = OmegaConf.create(list(request.overrides))
    write_atomically(hydra / "overrides.yaml", OmegaConf.to_yaml(overrides))


def holds_run(folder: Path) -> bool:
    """Return whether a folder holds something that a run has learnt or logged."""
    checkpoints = Checkpoints(folder)
    rows = folder / ROWS
    if checkpoints.latest_step() is not None or checkpoints.best_step() is not None:
        return True
    if rows.is_file() and rows.stat().st_size:
        return True
    try:
        return read_summary(folder)["status"] in ("finished", "pruned", "diverged", "interrupted")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def remove_run(folder: Path) -> None:
    """Delete what a run has written into a folder; files of other names stay."""
    for path in [path for pattern in FILES for path in folder.glob(pattern)]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def read_yaml(path: Path) -> DictConfig:
    """Read a YAML file of keys.

    Raises:
        ConfigError: it cannot be read, or holds none.
    """
    try:
        found = OmegaConf.load(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"{path} cannot be read: {type(error).__name__}: {reason}") from error
    if not isinstance(found, DictConfig) or not found:
        raise ConfigError(f"{path} is damaged: it holds no keys")
    return found
