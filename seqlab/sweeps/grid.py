"""Check of a sweep's grid before it starts: which combinations do not fit."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from seqlab.runs.compose import without_hydra
from seqlab.runs.explain import HYDRA_ERRORS
from seqlab.runs.hyperparameters import traceable_keys
from seqlab.runs.objects import make_family
from seqlab.runs.request import resolve
from seqlab.sweeps.refusal import refuse
from seqlab.types import ConfigError, IncompatibleError


class GridCheck(Callback):
    """Hydra callback that lists the combinations of a grid that do not fit, each with the reason.

    Such a run is recorded as `incompatible` and does not count as a failure. Where a value is not legal, the
    sweep is refused, and nothing is written. A search is not checked, because
    its combinations are not known beforehand.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        if config.hydra.runtime.choices["hydra/sweeper"] != "basic":
            return
        combinations = _combinations(config)
        reasons = {one: reason for one in combinations if (reason := _why_not(config, one))}
        illegal = [reason for reason in reasons.values() if not isinstance(reason, IncompatibleError)]
        refuse(illegal[0] if illegal else None)
        if len(combinations) < 2:
            return
        shared = set.intersection(*map(set, combinations))
        for one, reason in reasons.items():
            differing = " ".join(override for override in one if override not in shared)
            print(f"does not fit: {differing}: {reason}", flush=True)
        if reasons:
            print(f"{len(reasons)} of {len(combinations)} combinations do not fit", flush=True)


def _combinations(config: DictConfig) -> list[tuple[str, ...]]:
    """Return the overrides of each combination, without numbers of the seed and of hyperparameters."""
    params = [f"{key}={value}" for key, value in (config.hydra.sweeper.params or {}).items()]
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    overrides = parser.parse_overrides([*params, *config.hydra.overrides.task])
    relevant = [one for one in overrides if one.key_or_group not in traceable_keys() or not _numeric(one)]
    return list(itertools.product(*map(_values, relevant)))


def _numeric(override: Override) -> bool:
    """Return whether an override gives its key numbers alone."""
    value = override.value()
    values = value.list if isinstance(value, ChoiceSweep) else [value]
    return isinstance(value, (RangeSweep, IntervalSweep)) or all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in values
    )


def _values(override: Override) -> list[str]:
    """Return an override with each of the values that it sweeps; just itself where it sweeps none."""
    if not override.is_sweep_override():
        return [str(override.input_line)]
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _why_not(config: DictConfig, overrides: Sequence[str]) -> ConfigError | None:
    """Return why a combination does not fit, or is not legal; None where it fits."""
    try:
        composed = compose(config.hydra.job.config_name, list(overrides), return_hydra_config=True)
        make_family(resolve(without_hydra(composed)))
    except ConfigError as error:
        return error
    except HYDRA_ERRORS:  # the sweep reports it
        return None
    return None
