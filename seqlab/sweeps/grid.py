"""Check of a sweep's grid before it starts: which combinations do not fit."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from hydra import compose
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from seqlab.runs.build import require_legal
from seqlab.runs.compose import without_hydra
from seqlab.runs.explain import HYDRA_ERRORS, explain
from seqlab.runs.hyperparameters import traceable_keys
from seqlab.runs.request import resolve
from seqlab.sweeps.refusal import refuse
from seqlab.types import ConfigError, IncompatibleError


class GridCheck(Callback):
    """Hydra callback that lists the combinations of a grid that do not fit, each with the reason.

    Such a run is recorded as `incompatible` and does not count as a failure. Where a value is not legal, the
    sweep is refused, and nothing is written. Of a search, whose combinations are not known beforehand, the
    first of all values and the ends of its intervals are checked for values that are not legal.
    """

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        refuse(_several_processes(config))
        loader = GlobalHydra.instance().config_loader()
        overrides = overrides_of(config.hydra.sweeper.params, config.hydra.overrides.task, loader)
        conditional = config.hydra.sweeper.get("when") or {}
        overrides = [one for one in overrides if one.key_or_group not in conditional]
        is_grid = config.hydra.runtime.choices["hydra/sweeper"] == "basic"
        combinations = _combinations(overrides) if is_grid else [_first(overrides)]
        reasons = {one: reason for one in combinations if (reason := _why_not(config, one))}
        refuse(next(filter(_is_illegal, reasons.values()), None))
        refuse(next(filter(_is_illegal, (_why_not(config, one) for one in _with_numbers(overrides))), None))
        if len(combinations) < 2:
            return
        shared = set.intersection(*map(set, combinations))
        for one, reason in reasons.items():
            differing = " ".join(override for override in one if override not in shared)
            print(f"does not fit: {differing}: {reason}", flush=True)
        if reasons:
            print(f"{len(reasons)} of {len(combinations)} combinations do not fit", flush=True)


def overrides_of(
    params: Mapping[str, Any] | None, words: Sequence[str], loader: ConfigLoader
) -> list[Override]:
    """Return the overrides of a sweep, of each key the last one.

    Args:
        params: those of its config, by key.
        words: those of its command, which take precedence.
        loader: Hydra's loader of configs.
    """
    given = [f"{key}={value}" for key, value in (params or {}).items()]
    parsed = OverridesParser.create(config_loader=loader).parse_overrides([*given, *words])
    return list({one.key_or_group: one for one in parsed}.values())


def _several_processes(config: DictConfig) -> ConfigError | None:
    """Return why a sweep cannot be one of several processes; None where it is of one."""
    address = OmegaConf.select(config, "distributed.coordinator")
    if address is None:
        return None
    return ConfigError(
        f"distributed.coordinator must be null in a sweep, got {address}: with hydra/launcher=slurm, "
        "hydra.launcher.nodes and hydra.launcher.tasks_per_node make each run a job of several processes"
    )


def _combinations(overrides: Sequence[Override]) -> list[tuple[str, ...]]:
    """Return the overrides of each combination, without numbers of the seed and of hyperparameters."""
    return list(itertools.product(*(values_of(one) for one in overrides if not _is_number(one))))


def _first(overrides: Sequence[Override]) -> tuple[str, ...]:
    """Return overrides, each with its first value."""
    return tuple(values_of(one)[0] for one in overrides)


def _with_numbers(overrides: Sequence[Override]) -> list[tuple[str, ...]]:
    """Return the first combination with each number of a seed or hyperparameter; of a range, its ends."""
    first = _first(overrides)
    return [
        (*first[:place], value, *first[place + 1 :])
        for place, one in enumerate(overrides)
        if _is_number(one)
        for value in (values_of(one) if isinstance(one.value(), ChoiceSweep) else _ends(values_of(one)))
    ]


def _ends(values: list[str]) -> list[str]:
    """Return the first and the last of some values."""
    return list(dict.fromkeys((values[0], values[-1])))


def _is_illegal(reason: ConfigError | None) -> bool:
    """Return whether a combination is refused for more than that its parts do not fit together."""
    return reason is not None and not isinstance(reason, IncompatibleError)


def _is_number(override: Override) -> bool:
    """Return whether an override gives numbers to the seed or to a hyperparameter."""
    return override.key_or_group in traceable_keys() and _numeric(override)


def _numeric(override: Override) -> bool:
    """Return whether an override gives its key numbers alone."""
    value = override.value()
    values = value.list if isinstance(value, ChoiceSweep) else [value]
    return isinstance(value, (RangeSweep, IntervalSweep)) or all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in values
    )


def values_of(override: Override) -> list[str]:
    """Return an override with each of its values; of an interval, two near its ends."""
    if not override.is_sweep_override():
        return [str(override.input_line)]
    value = override.value()
    if isinstance(value, IntervalSweep):
        assert value.start is not None
        assert value.end is not None
        inner = value.start + 0.999 * (value.end - value.start)  # a search hardly draws the end itself
        ends = (value.start, inner if isinstance(value.end, float) else value.end)
        return [f"{override.get_key_element()}={end}" for end in ends]
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _why_not(config: DictConfig, overrides: Sequence[str]) -> ConfigError | None:
    """Return why a combination does not fit, or is not legal; None where it fits."""

    def composed(chosen: Sequence[str]) -> DictConfig:
        return compose(config.hydra.job.config_name, list(chosen), return_hydra_config=True)

    try:
        require_legal(resolve(without_hydra(composed(overrides))))
    except ConfigError as error:
        return error
    except HYDRA_ERRORS as error:
        return explain(error, overrides, composed)
    return None
