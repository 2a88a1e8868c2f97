"""Composition of a config by Hydra, outside of a Hydra application."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from seqlab.registry import CONF
from seqlab.runs.explain import HYDRA_ERRORS, explain
from seqlab.runs.open_keys import with_new_keys
from seqlab.runs.request import Request

_TURN = threading.RLock()
"""Held by the thread that uses Hydra. To explain an error it composes a second time."""


def compose_config(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> DictConfig:
    """Compose the config of a run, the node `hydra` included.

    Args:
        overrides: as on the command line.
        config_dir: a folder of further config groups, as `--config-dir` names it.

    Raises:
        ConfigError: an override that does not fit.
    """
    further = [] if config_dir is None else [f"hydra.searchpath=[{_quoted(config_dir)}]"]
    with _hydra():
        try:
            return compose("train", [*with_new_keys(overrides), *further], return_hydra_config=True)
        except HYDRA_ERRORS as error:
            raise explain(error, overrides, lambda chosen: compose_config(chosen, config_dir)) from error


def compose_request(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> Request:
    """Compose the config of a run by itself; its folder is `hydra.run.dir`.

    Raises:
        ConfigError: an override that does not fit.
    """
    config = compose_config(overrides, config_dir)
    return Request(without_hydra(config), dict(config.hydra.runtime.choices), Path(config.hydra.run.dir))


def without_hydra(config: DictConfig) -> DictConfig:
    """Return a config without its node `hydra`; interpolations stay as they are."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


@contextmanager
def _hydra() -> Generator[None]:
    """Initialise Hydra with our configs; a Hydra application around this call keeps its own state.

    Hydra has one state in a process, so threads take turns.
    """
    with _TURN:
        outer = GlobalHydra.instance().hydra
        GlobalHydra.instance().clear()
        try:
            with initialize_config_dir(str(CONF), version_base="1.3"):
                yield
        finally:
            GlobalHydra.instance().hydra = outer


def _quoted(folder: str | Path) -> str:
    """Write a folder as a quoted string of Hydra's override grammar."""
    path = str(Path(folder).absolute()).replace("\\", "\\\\").replace("'", "\\'")
    return f"'file://{path}'"
