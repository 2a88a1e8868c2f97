"""Evaluation: the loss and metrics of a batch and of a whole split, and the scores of a split."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import Network, Recurrent
from seqlab.generation.decoding import free_run
from seqlab.generation.most_likely import likeliest
from seqlab.metrics import Mean, Measures, loss, metric
from seqlab.metrics.calibration import calibration
from seqlab.tasks import Task, compiler_options, quick_options
from seqlab.training import devices
from seqlab.types import Batch, ConfigError, Params, Tokens

CALIBRATION_ERROR = "ece"
"""The name in `Task.scored` by which a task of classes is also judged by its expected calibration error."""

Means = Mapping[str, Mean]
"""The loss and the metrics by name, as sums that add up over batches and devices."""


OF_TASK = Measures()
"""The loss and the metrics of a task, without others."""


def measure(
    task: Task, network: Network, predictions: jax.Array, batch: Batch, measures: Measures = OF_TASK
) -> dict[str, Mean]:
    """Return the loss and the metrics of predictions, over the rows of this device."""
    means = measures.means(predictions, batch)
    if measures.loss is None:
        means["loss"] = loss(task.output_spec(network.framing), predictions, batch)
    for name in task.metrics(network.framing):
        part, _, measured = name.rpartition("/")
        compared = task.part(part, predictions, batch) if part else (predictions, batch)
        means[name] = metric(measured, *compared)
    return means


def evaluate_batch(
    task: Task,
    network: Network,
    params: Params,
    batch: Batch,
    axis: str | None = None,
    measures: Measures = OF_TASK,
) -> dict[str, Mean]:
    """Return the loss and the metrics of a batch, over all devices.

    The decoder of an encoder-decoder reads the true outputs here. A network that is evaluated in free-running
    mode too (`Network.free_running`) adds `free_running/<metric>`.

    Args:
        task: the task.
        network: the network.
        params: its parameters.
        batch: this device's rows.
        axis: the mesh axis that the rows are spread over, inside `shard_map`; None on one device.
        measures: the loss and the metrics that are not the task's.
    """
    means = measure(task, network, network.apply(params, batch), batch, measures)
    if isinstance(network, Recurrent) and network.free_running:
        free = measure(task, network, free_run(network, params, batch), batch, measures)
        means |= {f"free_running/{name}": mean for name, mean in free.items()}
    return devices.total(means, axis)


def num_batches(task: Task, framing: str, split: str, size: int) -> int:
    """Return how many batches of a size one evaluation pass over a split has."""
    return -(-task.num_evaluation(split, framing) // size)


def add_up(means_of_batches: Iterator[Means]) -> dict[str, Mean]:
    """Return the sums of many batches, added up on the host in float64."""
    sums: dict[str, Mean] = {}
    for means in means_of_batches:
        for name, (total, weight) in jax.device_get(means).items():
            before = sums.get(name, Mean(0.0, 0.0))
            sums[name] = Mean(before.total + np.float64(total), before.weight + np.float64(weight))
    return sums


def evaluate(
    task: Task,
    network: Network,
    params: Params,
    split: str,
    size: int,
    data: Any = None,
    measures: Measures = OF_TASK,
) -> dict[str, Mean]:
    """Return the loss and the metrics over the whole of a split, on one device.

    Args:
        task: the task.
        network: the network.
        params: its parameters.
        split: "train", "validation" or "test".
        size: the examples of a batch.
        data: the task's resident arrays; `task.data` by default.
        measures: the loss and the metrics that are not the task's.
    """
    compiled = _evaluate_batch(task, network, measures)
    return add_up(compiled(params, batch) for batch in _batches(task, network.framing, split, size, data))


def scores(task: Task, network: Network, params: Params, split: str, size: int) -> dict[str, float]:
    """Return the task's scores of the most probable outputs over a split; empty for a task without scores.

    The outputs of a network that is evaluated in free-running mode are those that it generates. A task that
    names `CALIBRATION_ERROR` in `scored` gets the expected calibration error too.

    Args:
        task: the task.
        network: the network.
        params: its parameters.
        split: "train", "validation" or "test".
        size: the examples of a batch.
    """
    if not task.scored:
        return {}
    predict = _predict_batch(network)
    batches = _batches(task, network.framing, split, size, None)
    parts = [jax.device_get((*predict(params, batch), batch.targets, batch.mask)) for batch in batches]
    count = task.num_evaluation(split, network.framing)
    outputs, confidences, targets, mask = (np.concatenate(part)[:count] for part in zip(*parts, strict=True))
    found = dict(task.scores(outputs, targets, mask, split))
    if CALIBRATION_ERROR in task.scored:
        found[CALIBRATION_ERROR] = calibration(confidences[mask], (outputs == targets)[mask]).error
    return found


def predicts_classes(network: Network) -> bool:
    """Return whether a network predicts one class of each example."""
    return isinstance(network.outputs, Tokens) and network.framing.endswith("_to_one")


def first_answers(
    task: Task, network: Network, params: Params, split: str, size: int
) -> tuple[Batch, np.ndarray]:
    """Return the first examples of a split, at most `size`, and the network's most probable outputs.

    The outputs of a network that is evaluated in free-running mode are those that it generates.
    """
    batch = _evaluation_batch(task, network.framing, split, size)(np.int32(0), task.data)
    count = min(size, task.num_evaluation(split, network.framing))
    predict = _predict_batch(network, quick=not task.scored)  # `scores` has compiled the other one already
    found = jax.device_get((batch, predict(params, batch)[0]))
    return jax.tree.map(lambda leaf: leaf[:count], found)


def class_probabilities(
    task: Task, network: Network, params: Params, split: str, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the true classes of a split, int `(N,)`, and the predicted probabilities, float32 `(N, K)`.

    Raises:
        ConfigError: the network predicts no class of an example.
    """
    if not predicts_classes(network):
        raise ConfigError(
            f"task={task.name} with architecture={network.framing} predicts no class of an example"
        )
    predict = jax.jit(lambda params, batch: jax.nn.softmax(network.apply(params, batch)))
    batches = _batches(task, network.framing, split, size, None)
    parts = [jax.device_get((batch.targets, predict(params, batch))) for batch in batches]
    count = task.num_evaluation(split, network.framing)
    labels, probabilities = (np.concatenate(part)[:count] for part in zip(*parts, strict=True))
    return labels, probabilities


def values(means: Means, prefix: str) -> dict[str, float]:
    """Return the values of sums as `<prefix>/<metric>`; NaN for a mean over nothing."""
    return {f"{prefix}/{name}": ratio(*map(float, mean)) for name, mean in means.items()}


def ratio(total: float, weight: float) -> float:
    """Return a mean; NaN where the weight is 0."""
    return total / weight if weight else math.nan


def _batches(task: Task, framing: str, split: str, size: int, data: Any) -> Iterator[Batch]:
    """Yield the batches of an evaluation pass."""
    draw = _evaluation_batch(task, framing, split, size)
    data = task.data if data is None else data
    for index in range(num_batches(task, framing, split, size)):
        yield draw(np.int32(index), data)


@functools.lru_cache(maxsize=8)
def _evaluation_batch(task: Task, framing: str, split: str, size: int) -> Callable[..., Batch]:
    def draw(index: jax.Array, data: Any) -> Batch:
        return task.evaluation_batch(index, size, split, framing, data)

    return jax.jit(draw, compiler_options=quick_options())


@functools.lru_cache(maxsize=8)
def _evaluate_batch(task: Task, network: Network, measures: Measures) -> Callable[..., Means]:
    evaluate = functools.partial(evaluate_batch, task, network, measures=measures)
    return jax.jit(evaluate, compiler_options=compiler_options())


@functools.lru_cache(maxsize=8)
def _predict_batch(network: Network, quick: bool = False) -> Callable[..., tuple[jax.Array, jax.Array]]:
    """Return the jitted function that gives the most probable outputs and, of tokens, their probabilities.

    With `quick` it compiles in less time and runs slower.
    """

    def predict(params: Params, batch: Batch) -> tuple[jax.Array, jax.Array]:
        if isinstance(network, Recurrent) and network.free_running:
            outputs = free_run(network, params, batch)
        else:
            outputs = network.apply(params, batch)
        chosen = likeliest(network.outputs, outputs, batch.lengths)
        if not isinstance(network.outputs, Tokens):
            return chosen, jnp.zeros(len(chosen))
        return chosen, jnp.max(jax.nn.softmax(outputs), axis=-1)

    return jax.jit(predict, compiler_options=quick_options() if quick else compiler_options())
