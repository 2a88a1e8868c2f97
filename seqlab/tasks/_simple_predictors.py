"""Predictors that read no input: the best constant, and the best answer at each place."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.tasks._compiler_options import quick_options
from seqlab.tasks._evaluation_pass import EVALUATION_SEED
from seqlab.types import Reference, Tokens

NUM_TRAINING_EXAMPLES = 4096
"""The number of training examples from which the predictors learn."""
CONSTANT, BY_PLACE = "best constant", "best by place"


class Answers(NamedTuple):
    """The N outputs of many examples that count.

    Attributes:
        values: int `(N,)` or float `(N, O)`.
        places: int `(N,)`, as `Task.places` returns them.
        examples: int `(N,)`, the number of the example of each.
    """

    values: np.ndarray
    places: np.ndarray
    examples: np.ndarray


def simple_reference(
    task: Any, framing: str, split: str, threshold: float, further: Mapping[str, float] | None = None
) -> Reference:
    """Return the best of these predictors as the baseline, with the others in its description.

    Args:
        task: a `Task` of generated sequences.
        framing: the framing.
        split: the split.
        threshold: that of the task. If the baseline reaches it, the threshold is halfway from the baseline to
            a perfect value, which is 1 or 0.
        further: values of the goal's metric of other naive predictors, by name.
    """
    goal, found = task.goal(framing), {**simple_scores(task, framing, split), **(further or {})}
    best = (max if goal.higher_is_better else min)(found, key=found.__getitem__)
    baseline = found.pop(best)
    if not goal.improves(threshold, baseline):
        threshold = (baseline + goal.higher_is_better) / 2
    others = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
    return Reference(baseline, f"{best}; {others}", threshold)


def simple_scores(task: Any, framing: str, split: str) -> dict[str, float]:
    """Return the goal's metric on a split of two predictors that learn from training and read no input.

    The best constant answers with the frequencies of all outputs, or with their mean; the best by place with
    those of the outputs at the same place (`Task.places`). There

        p_k(v) = (n_k(v) + p(v)) / (n_k + 1),   p(v) = (n(v) + 1/V) / (n + 1)

    are the frequencies of the value v at place k and at all places, of V values. Of `Labels`, each is
    predicted that is frequent, and an output is right where all of them are. Empty where the metric, without
    what stands before its `/`, is none of `accuracy`, `sequence_accuracy`, `cross_entropy`, `mse` and `loss`.
    """
    return dict(_simple_scores(task, framing, split))


def steps_of(mask: jax.Array) -> jax.Array:
    """Return the step of each output, int32 of the mask's shape; 0 where there is one output."""
    steps = jnp.arange(mask.shape[-1]) if mask.ndim > 1 else jnp.int32(0)
    return jnp.broadcast_to(steps, mask.shape)


@functools.lru_cache(maxsize=256)
def _simple_scores(task: Any, framing: str, split: str) -> Mapping[str, float]:
    metric, spec = task.goal(framing).metric.rpartition("/")[2], task.output_spec(framing)
    if metric == "loss":
        metric = "cross_entropy" if isinstance(spec, Tokens) else "mse"
    if metric not in _SCORES:
        return {}
    training, held = _answers(task, framing, "train"), _answers(task, framing, split)
    known = np.unique(np.concatenate([training.places, held.places]), return_inverse=True)[1]
    places = dict(zip(("training", "held"), np.split(known, [len(training.places)]), strict=True))
    totals = _totals(training.values, places["training"], int(known.max()) + 1, spec.size)
    overall = totals.sum(axis=0)
    if isinstance(spec, Tokens):
        overall = (overall + 1 / spec.size) / (overall.sum() + 1)
    else:
        overall = overall / len(training.values)
    counts = np.bincount(places["training"], minlength=len(totals))[:, None]
    by_place = (totals + overall) / (counts + 1)
    score = _SCORES[metric]
    return {
        CONSTANT: score(overall[None], np.zeros_like(places["held"]), held),
        BY_PLACE: score(by_place, places["held"], held),
    }


@functools.lru_cache(maxsize=4)
def _answers(task: Any, framing: str, split: str) -> Answers:
    """Return the answers of training examples, or of the evaluation pass over another split."""

    def draw(key: jax.Array, data: object) -> tuple[jax.Array, ...]:
        if split == "train":
            batch = task.batch(key, NUM_TRAINING_EXAMPLES, split, framing, data)
        else:
            count = task.num_evaluation(split, framing)
            batch = task.evaluation_batch(jnp.int32(0), count, split, framing, data)
        return batch.targets, batch.mask, task.places(batch, framing)

    drawn = jax.jit(draw, compiler_options=quick_options())(jax.random.key(EVALUATION_SEED), task.data)
    targets, mask, places = map(np.asarray, drawn)
    return Answers(targets[mask], places[mask], np.nonzero(mask)[0])


def _totals(values: np.ndarray, places: np.ndarray, num_places: int, size: int) -> np.ndarray:
    """Return how often each token occurs at each place, or the sum of the vectors: `(P, size)`."""
    if values.ndim == 1:
        return np.bincount(places * size + values, minlength=num_places * size).reshape(num_places, size)
    return np.stack([np.bincount(places, column, num_places) for column in values.T], axis=1)


def _right(table: np.ndarray, places: np.ndarray, held: Answers) -> np.ndarray:
    if held.values.ndim > 1:
        return ((table[places] > 0.5) == (held.values > 0.5)).all(axis=1)
    return table.argmax(axis=1)[places] == held.values


def _accuracy(table: np.ndarray, places: np.ndarray, held: Answers) -> float:
    return float(_right(table, places, held).mean())


def _sequence_accuracy(table: np.ndarray, places: np.ndarray, held: Answers) -> float:
    wrong = np.bincount(held.examples, ~_right(table, places, held))
    return float(np.mean(wrong[np.unique(held.examples)] == 0))


def _cross_entropy(table: np.ndarray, places: np.ndarray, held: Answers) -> float:
    return float(-np.log(table[places, held.values]).mean())


def _mse(table: np.ndarray, places: np.ndarray, held: Answers) -> float:
    return float(np.mean((table[places] - held.values) ** 2))


_SCORES: Mapping[str, Callable[[np.ndarray, np.ndarray, Answers], float]] = {
    "accuracy": _accuracy,
    "sequence_accuracy": _sequence_accuracy,
    "cross_entropy": _cross_entropy,
    "mse": _mse,
}
"""The score of a table of predictions `(P, O)` by metric, given the place of each answer, `(N,)`."""
