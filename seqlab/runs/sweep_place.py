"""Which sweep does a run belong to, and where on its axes does it lie?"""

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
        sweep: the sweep's folder, its last two names joined by a slash; None for a run alone.
        axes: the run's override on each axis of the grid, `key=value`, in the order stated; none where the
            sweep has no grid, as a search has not.
    """

    sweep: str | None = None
    axes: tuple[str, ...] = ()


def place_of(run: Path) -> Place:
    """Read a run's place off what Hydra wrote: `.hydra/hydra.yaml` in its folder, `multirun.yaml` above."""
    written = run / ".hydra" / "hydra.yaml"
    hydra = _read(written)["hydra"] if written.exists() else {}
    if hydra.get("mode") != "MULTIRUN":
        return Place()
    needed = OmegaConf.create({"hydra": {key: hydra[key] for key in ("sweep", "job")}})
    sweep = run.absolute().parents[len(Path(str(needed.hydra.sweep.subdir)).parts) - 1]
    swept = _swept_keys(sweep / "multirun.yaml")
    axes = (override for override in hydra["overrides"]["task"] if override.partition("=")[0] in swept)
    return Place("/".join(sweep.parts[-2:]), tuple(axes))


@functools.lru_cache(maxsize=1)
def _swept_keys(grid: Path) -> frozenset[str]:
    """Return the keys that a sweep gives several values."""
    if not grid.exists():
        return frozenset()
    hydra = _read(grid)["hydra"]
    params = hydra["sweeper"].get("params") or {}
    stated = [*(f"{key}={value}" for key, value in params.items()), *hydra["overrides"]["task"]]
    overrides = OverridesParser.create().parse_overrides(stated)
    return frozenset(override.get_key_element() for override in overrides if override.is_sweep_override())


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader=yaml.CSafeLoader)  # OmegaConf's loader takes 30 times as long
