"""Composition of a config by Hydra, outside of a Hydra application."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from seqlab.registry import CONF
from seqlab.runs.explain import HYDRA_ERRORS, explain, in_one_line, require_choices
from seqlab.runs.open_keys import with_new_keys
from seqlab.runs.request import Request, overrides_in
from seqlab.types import ConfigError

PATH_KEYS = ("resume", "init_from", "sweep.resume", "hydra.run.dir", "hydra.sweep.dir")
"""The keys whose values are folders."""

_PLAIN_PATH = re.compile(r"[\w./@%+-]*", re.ASCII)
"""What Hydra reads as it is written."""

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
    overrides = with_quoted_paths(overrides)
    require_choices(overrides)
    further = [] if config_dir is None else [_search_path(config_dir)]

    def composed(chosen: Sequence[str]) -> DictConfig:
        return compose(
            "train", [*with_new_keys(with_quoted_paths(chosen)), *further], return_hydra_config=True
        )

    with _hydra():
        try:
            return composed(overrides)
        except HYDRA_ERRORS as error:
            raise explain(error, overrides, composed) from error


def compose_request(overrides: Sequence[str] = (), config_dir: str | Path | None = None) -> Request:
    """Compose the config of a run by itself; its folder is `hydra.run.dir`.

    Raises:
        ConfigError: an override that does not fit.
    """
    config = compose_config(overrides, config_dir)
    try:
        folder, choices = Path(str(config.hydra.run.dir)), dict(config.hydra.runtime.choices)
    except HYDRA_ERRORS as error:
        raise ConfigError(in_one_line(error)) from error
    return Request(without_hydra(config), choices, folder, config.hydra, overrides_in(config.hydra))


def request_of(config: DictConfig) -> Request:
    """Return the run that the present job of a Hydra application was asked for.

    Args:
        config: the config of the job, without the node `hydra`.
    """
    hydra = HydraConfig.get()
    folder, choices = Path(hydra.runtime.output_dir), dict(hydra.runtime.choices)
    return Request(config, choices, folder, cast("DictConfig", hydra), overrides_in(hydra))


def without_hydra(config: DictConfig) -> DictConfig:
    """Return a config without its node `hydra`; interpolations stay as they are."""
    try:
        return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    except HYDRA_ERRORS as error:  # an interpolation at the top level
        raise ConfigError(in_one_line(error)) from error


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


def override_of(key: str, value: str) -> str:
    """Return an override that sets a key to any text, quoted in Hydra's grammar where that is needed.

    A backslash needs another one only where a quote follows.
    """
    if "/" in value and _PLAIN_PATH.fullmatch(value):
        return f"{key}={value}"
    text = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), value)
    return f"{key}='{text}'".replace("${", "\\${")


def with_quoted_paths(words: Sequence[str]) -> list[str]:
    """Return a command's words with the folders that they name quoted, where Hydra would misread them.

    So `resume=runs/a b[1]` names that folder. A word that is quoted, or has an interpolation, stays.
    """
    return [_with_quoted_path(word) for word in words]


def path_in(word: str) -> str:
    """Return the folder that a word `key=folder` names, without its quotes."""
    value = word.partition("=")[2]
    if value[:1] in ("'", '"'):
        return str(OverridesParser.create().parse_override(word).value())
    return value


def _with_quoted_path(word: str) -> str:
    key, _, value = word.partition("=")
    if key not in PATH_KEYS or _PLAIN_PATH.fullmatch(value) or value[:1] in ("'", '"') or "${" in value:
        return word
    return override_of(key, value)


def _search_path(folder: str | Path) -> str:
    """Return the override that adds a folder of config groups."""
    key, _, quoted = override_of("hydra.searchpath", f"file://{Path(folder).absolute()}").partition("=")
    return f"{key}=[{quoted}]"
