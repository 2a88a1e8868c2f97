"""Place of a run in its sweep: the sweep's name and the run's values on the swept axes."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from seqlab.runs.request import overrides_in


@dataclasses.dataclass(frozen=True)
class Place:
    """A run's place in a sweep.

    Attributes:
        sweep: the last two names of the sweep folder's path, joined by a slash; None for a run by itself.
        axes: the run's override `key=value` on each axis of the grid, in the order stated; empty for a
            search, which has no grid.
    """

    sweep: str | None = None
    axes: tuple[str, ...] = ()


def place_of(run: Path, hydra: DictConfig | None) -> Place:
    """Return a run's place, from Hydra's node in its config and from `multirun.yaml` in the sweep's folder.

    Args:
        run: the run folder.
        hydra: the node `hydra` of its config; None for a run by itself.
    """
    in_sweep = (RunMode.MULTIRUN, RunMode.MULTIRUN.name)  # as Hydra holds it, and as it stands in a file
    if hydra is None or hydra.get("mode") not in in_sweep or OmegaConf.is_missing(hydra.job, "num"):
        return Place()  # without a number, the experiment of a sweep is run by itself, from Python
    subdir = str(hydra.sweep.subdir)
    sweep = run.absolute().parents[len(Path(subdir).parts) - 1]
    swept = _swept_keys(sweep / "multirun.yaml")
    axes = (override for override in overrides_in(hydra) if override.partition("=")[0] in swept)
    return Place("/".join(sweep.parts[-2:]), tuple(axis.removeprefix("++") for axis in axes))


@functools.lru_cache(maxsize=1)
def _swept_keys(grid: Path) -> frozenset[str]:
    """Return the keys to which a sweep gives several values."""
    if not grid.exists():
        return frozenset()
    hydra = _hydra_node(grid)
    params = hydra["sweeper"].get("params") or {}
    stated = [*(f"{key}={value}" for key, value in params.items()), *hydra["overrides"]["task"]]
    overrides = OverridesParser.create().parse_overrides(stated)
    return frozenset(override.get_key_element() for override in overrides if override.is_sweep_override())


def _hydra_node(path: Path) -> Any:
    """Read the node `hydra` of a file; OmegaConf's own loader takes 30 times as long."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["hydra"]
