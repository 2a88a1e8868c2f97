"""Objects of the config groups of named nodes: metrics, diagnostics, trackers and callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.diagnostics import Diagnostic
from seqlab.metrics import Measures
from seqlab.metrics.measures import measured, training_outputs
from seqlab.near_misses import near_miss
from seqlab.registry import bind, locate, make
from seqlab.tracking import Callback, Tracker
from seqlab.training import Program
from seqlab.types import ConfigError, IncompatibleError

ARGUMENTS = ("predictions", "targets", "mask")
"""What a loss or a metric is called with, by its usual names."""


def make_measures(config: Mapping[str, Any]) -> Measures:
    """Return the loss and the metrics that a config names; see `seqlab.metrics.measures`."""
    loss = bind(config["loss"], "loss", ARGUMENTS) if config["loss"] else None
    nodes = _nodes(config["metrics"], "metrics", "metric")
    return Measures(
        loss, tuple((name, bind(node, f"metrics.{name}", ARGUMENTS)) for name, node in nodes.items())
    )


def require_measures(program: Program) -> None:
    """Refuse a loss or a metric that does not fit a task and a network; nothing is computed.

    Raises:
        ConfigError: the task reports a metric of that name, or a function fails on predictions and targets.
        IncompatibleError: a loss other than the task's where the task's loss is its deciding metric.
    """
    task, network, measures = program.task, program.network, program.measures
    if not measures.loss and not measures.metrics:
        return
    framing = network.framing
    if (fitting := training_outputs(measures.loss)) and not isinstance(network.outputs, fitting):
        raise IncompatibleError(
            f"loss does not fit task {task.name} with architecture {framing}, whose outputs are "
            f"{type(network.outputs).__name__}: it is one of {', '.join(kind.__name__ for kind in fitting)}"
        )
    if measures.loss and not fitting and task.goal(framing).metric == "loss":
        raise IncompatibleError(
            f"loss does not fit task {task.name}, whose own loss decides which parameters are the best: "
            "legal value is task"
        )
    taken = ("loss", "padding", *task.metrics(framing), *task.scored)
    for name, _ in measures.metrics:
        if name in taken:
            raise ConfigError(
                f"metrics.{name} is reported by the task: names that are taken are {', '.join(taken)}"
            )
    seed, step = jnp.uint32(0), jnp.int32(0)
    batch = jax.eval_shape(lambda data: program.batch(seed, step, data), task.data)
    predictions = jax.eval_shape(
        lambda params, batch: network.apply(params, batch), program.shapes.params, batch
    )
    named = {f"metrics.{name}": function for name, function in measures.metrics}
    for path, function in {**({"loss": measures.loss} if measures.loss else {}), **named}.items():
        try:
            jax.eval_shape(lambda *both, function=function: measured(function, *both), predictions, batch)
        except Exception as error:  # a library's own error, or one of a plug-in
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            reason = (
                f"{path}.{error}"
                if isinstance(error, ConfigError)
                else f"{path} fails on task {task.name}: {reason}"
            )
            raise ConfigError(reason) from error


def make_diagnostics(settings: Any) -> tuple[Diagnostic, ...]:
    """Return the diagnostics that a config names.

    Raises:
        ConfigError: one lacks the method `diagnose`, or its `every` is no cadence.
    """
    made: list[Diagnostic] = []
    for name, node in _nodes(settings, "diagnostics", "diagnostic").items():
        diagnostic = make(node, f"diagnostics.{name}")
        if not callable(getattr(diagnostic, "diagnose", None)):
            raise ConfigError(f"diagnostics.{name}._target_={node['_target_']} has no method diagnose")
        every = getattr(diagnostic, "every", 0)
        if every is not None and (isinstance(every, bool) or not isinstance(every, int) or every < 1):
            raise ConfigError(f"diagnostics.{name}.every must be a positive integer or null, got {every!r}")
        made.append(diagnostic)
    return tuple(made)


def make_trackers(settings: Any) -> dict[str, Tracker]:
    """Return the trackers that a config names, by their keys."""
    nodes = _nodes(settings, "tracking", "tracker")
    return {name: make(node, f"tracking.{name}") for name, node in nodes.items()}


def make_callbacks(settings: Any) -> tuple[Callback, ...]:
    """Return the callbacks that a config names.

    Raises:
        ConfigError: one is no subclass of `Callback`.
    """
    made: list[Callback] = []
    for name, node in _nodes(settings, "callbacks", "callback").items():
        target = locate(node["_target_"], f"callbacks.{name}")
        callback = make(node, f"callbacks.{name}")
        if not isinstance(callback, Callback):
            kind = "a subclass of seqlab.tracking.Callback"
            raise ConfigError(f"callbacks.{name}._target_={node['_target_']} must be {kind}, got {target}")
        made.append(callback)
    return tuple(made)


def _nodes(settings: Any, group: str, kind: str) -> dict[str, Mapping[str, Any]]:
    """Return the named nodes of an open group.

    Raises:
        ConfigError: a key that is no group of keys with a `_target_`.
    """
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{group} must be a group of {kind}s, got {settings!r}")
    legal = [name for name, node in settings.items() if isinstance(node, Mapping) and "_target_" in node]
    for name in settings:
        if name not in legal:
            hint = near_miss(str(name), legal, f"{group}.")
            others = f", as {', '.join(legal)}" if legal else ""
            raise ConfigError(
                f"{group}.{name} is not a {kind}{hint}: legal are groups of keys with a _target_{others}"
            )
    return dict(settings)
