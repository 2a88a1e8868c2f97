"""Search space of a sweep: the parameters of a search, in Hydra's grammar of overrides."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from seqlab.near_misses import near_miss
from seqlab.runs.study import optuna
from seqlab.types import ConfigError

Plain = str | int | float | bool | None
"""What Optuna stores as the value of a categorical parameter."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of a search.

    Attributes:
        key: the key that it sets.
        element: the key as it stands in an override, such as `+cell.features`.
        distribution: Optuna's distribution of its values.
        texts: of a choice, the text of each value as it stands in an override.
        when: the values of other parameters under which it exists, by their keys; empty for always.
    """

    key: str
    element: str
    distribution: Any
    texts: Mapping[Plain, str]
    when: Mapping[str, tuple[Plain, ...]]

    def exists(self, chosen: Mapping[str, Plain]) -> bool:
        """Return whether it exists among values that were chosen."""
        return all(key in chosen and chosen[key] in legal for key, legal in self.when.items())

    def suggest(self, trial: Any) -> Plain:
        """Return its value in a trial."""
        kinds = optuna().distributions
        one = self.distribution
        if isinstance(one, kinds.CategoricalDistribution):
            return trial.suggest_categorical(self.key, one.choices)
        suggest = trial.suggest_int if isinstance(one, kinds.IntDistribution) else trial.suggest_float
        return suggest(self.key, one.low, one.high, step=one.step, log=one.log)

    def override(self, value: Plain) -> str:
        """Return the override that gives the key a value."""
        return f"{self.element}={self.texts.get(value, value)}"


@dataclasses.dataclass(frozen=True)
class Space:
    """The search space of a sweep.

    Attributes:
        parameters: those of the grammar, each after the ones that it depends on.
        function: a function of a trial that returns further overrides as `{key: value}`; None for none.
        fixed: the overrides that all runs have.
    """

    parameters: tuple[Parameter, ...]
    function: Callable[[Any], Mapping[str, Plain]] | None
    fixed: tuple[str, ...]

    def overrides(self, trial: Any) -> list[str]:
        """Return the overrides of a trial, whose values the sampler chooses."""
        chosen: dict[str, Plain] = {}
        own: list[str] = []
        for parameter in self.parameters:
            if parameter.exists(chosen):
                chosen[parameter.key] = parameter.suggest(trial)
                own.append(parameter.override(chosen[parameter.key]))
        further = self.function(trial) if self.function else {}
        return [*self.fixed, *own, *(f"{key}={_text(value)}" for key, value in further.items())]


def read_space(
    overrides: Sequence[Override],
    when: Mapping[str, Any],
    function: Callable[[Any], Mapping[str, Plain]] | None = None,
) -> Space:
    """Return the search space that overrides describe; those that sweep are its parameters.

    Args:
        overrides: the overrides of the sweep.
        when: for the key of a parameter, the overrides of others under which it exists, such as
            `cell=lstm,gru`: a text, or a list of texts that must all hold.
        function: see `Space`.

    Raises:
        ConfigError: a condition on what is no parameter, or conditions that depend on each other.
    """
    swept = {one.key_or_group: one for one in overrides if one.is_sweep_override()}
    conditions = {key: _conditions(key, texts, swept) for key, texts in when.items()}
    for key in conditions.keys() - swept.keys():
        raise ConfigError(
            f"hydra.sweeper.when.{key} is no parameter of the search{near_miss(key, list(swept))}: "
            f"legal are {', '.join(swept) or 'none, as nothing is swept'}"
        )
    parameters = [
        Parameter(key, one.get_key_element(), *_distribution(one), conditions.get(key, {}))
        for key, one in swept.items()
    ]
    fixed = tuple(str(one.input_line) for one in overrides if not one.is_sweep_override())
    return Space(_in_order(parameters), function, fixed)


def _in_order(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Return parameters, each after the ones that it depends on."""
    ordered: dict[str, Parameter] = {}
    waiting = list(parameters)
    while waiting:
        ready = [one for one in waiting if one.when.keys() <= ordered.keys()]
        if not ready:
            keys = ", ".join(one.key for one in waiting)
            raise ConfigError(f"hydra.sweeper.when: {keys} depend on each other")
        ordered |= {one.key: one for one in ready}
        waiting = [one for one in waiting if one.key not in ordered]
    return tuple(ordered.values())


def _conditions(key: str, texts: Any, swept: Mapping[str, Override]) -> dict[str, tuple[Plain, ...]]:
    """Return the values of other parameters under which one exists."""
    parser = OverridesParser.create()
    found: dict[str, tuple[Plain, ...]] = {}
    for text in [texts] if isinstance(texts, str) else list(texts):
        if "=" not in str(text):
            raise ConfigError(f"hydra.sweeper.when.{key} must be overrides such as cell=lstm, got {text!r}")
        one = parser.parse_override(str(text))
        if one.key_or_group not in swept:
            raise ConfigError(
                f"hydra.sweeper.when.{key}: {one.key_or_group} is no parameter of the search: "
                f"legal are {', '.join(swept)}"
            )
        several = one.is_sweep_override()
        found[one.key_or_group] = tuple(_choices(one)) if several else (_plain(one),)
    return found


def _distribution(override: Override) -> tuple[Any, dict[Plain, str]]:
    """Return the distribution of a parameter, and of a choice the text of each value."""
    kinds, value = optuna().distributions, override.value()
    log = "log" in getattr(value, "tags", ())
    try:
        if isinstance(value, IntervalSweep):
            whole = isinstance(value.start, int) and isinstance(value.end, int)
            kind = kinds.IntDistribution if whole else kinds.FloatDistribution
            return kind(value.start, value.end, log=log), {}
        if isinstance(value, RangeSweep):
            assert value.start is not None
            assert value.stop is not None
            last = value.start + (math.ceil((value.stop - value.start) / value.step) - 1) * value.step
            low, high, step = min(value.start, last), max(value.start, last), abs(value.step)
            whole = isinstance(low, int) and isinstance(step, int)
            if not whole:
                return kinds.FloatDistribution(low, high, step=None if log else step, log=log), {}
            return kinds.IntDistribution(low, high, step=step, log=log), {}
        texts = _choices(override)
        return kinds.CategoricalDistribution(list(texts)), texts
    except ValueError as error:
        raise ConfigError(f"{override.input_line} is no search space: {error}") from error


def _choices(override: Override) -> dict[Plain, str]:
    """Return the values of a choice, with the text of each."""
    parser, found = OverridesParser.create(), dict[Plain, str]()
    for text in override.sweep_string_iterator():
        value = _plain(parser.parse_override(f"{override.key_or_group}={text}"))
        found[text if value in found else value] = text  # as 1 equals true
    return found


def _plain(override: Override) -> Plain:
    """Return the value of an override; lists and dicts stay text."""
    value = override.value()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return override.get_value_element_as_str()


def _text(value: Any) -> str:
    """Return a value as it stands in an override."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
