"""Place of a run in its sweep: the sweep's name and the run's values on the swept axes."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf


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


def place_of(run: Path) -> Place:
    """Read a run's place from Hydra's files: `.hydra/hydra.yaml` in its folder, `multirun.yaml` above."""
    written = run / ".hydra" / "hydra.yaml"
    hydra = _hydra_node(written) if written.exists() else {}
    if hydra.get("mode") != "MULTIRUN":
        return Place()
    needed = OmegaConf.create({"hydra": {key: hydra[key] for key in ("sweep", "job")}})
    sweep = run.absolute().parents[len(Path(str(needed.hydra.sweep.subdir)).parts) - 1]
    swept = _swept_keys(sweep / "multirun.yaml")
    axes = [override for override in hydra["overrides"]["task"] if override.partition("=")[0] in swept]
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
    return yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["hydra"]
