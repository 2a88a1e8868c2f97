"""Which combinations of a sweep's grid do not fit? Told before anything is compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hydra import compose
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from seqlab.runs.compose import HYDRA_ERRORS
from seqlab.runs.objects import VARYING, build
from seqlab.types import IncompatibleError


class GridCheck(Callback):
    """Hydra's callback that lists the combinations of a grid that do not fit, with the reason for each.

    They are recorded as `incompatible` and do not count as failures. A search, whose combinations nobody
    knows beforehand, is not looked at.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        if not config.hydra.sweeper._target_.endswith(f".{BasicSweeper.__name__}"):
            return
        combinations = _combinations(config)
        if len(combinations) < 2:
            return
        shared = set.intersection(*map(set, combinations))
        misfits = {own: reason for own in combinations if (reason := _misfit(config, own))}
        for own, reason in misfits.items():
            print(f"does not fit: {' '.join(o for o in own if o not in shared)}: {reason}", flush=True)
        if misfits:
            print(f"{len(misfits)} of {len(combinations)} combinations do not fit", flush=True)


def _combinations(config: DictConfig) -> list[tuple[str, ...]]:
    """Return the overrides of every combination, without what fits anything: the seed, and numbers."""
    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    given = [*params, *config.hydra.overrides.task]
    kept = [override for override in given if override.partition("=")[0] not in VARYING]
    (jobs,) = BasicSweeper.split_arguments(parser.parse_overrides(kept), None)
    return [tuple(job) for job in jobs]


def _misfit(config: DictConfig, overrides: Sequence[str]) -> str | None:
    """Return why a combination does not fit; None where it does, or where its job will tell what is wrong."""
    try:
        composed = compose(config.hydra.job.config_name, list(overrides), return_hydra_config=True)
        choices = composed.hydra.runtime.choices
        own = OmegaConf.masked_copy(composed, [key for key in composed if key != "hydra"])
        build(own, choices)
    except IncompatibleError as error:
        return str(error)
    except (ValueError, *HYDRA_ERRORS):
        return None
    return None
