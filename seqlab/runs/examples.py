"""Examples of the test split with the answers of a trained network, for the report of a run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import jax
import numpy as np

from seqlab.architectures import EncoderDecoder, Network
from seqlab.architectures.attention_weights import attention_weights
from seqlab.data.columns.texts import vocabulary_of
from seqlab.runs.class_predictions import ClassPredictions, class_predictions
from seqlab.runs.files import EXAMPLES
from seqlab.tasks import quick_options
from seqlab.tasks.task import Task
from seqlab.tracking import write_atomically
from seqlab.tracking.encoding import to_json
from seqlab.training import Program, evaluation
from seqlab.types import Batch, Gaussians, Labels, Params, Tokens, Transcript, Vectors

_log = logging.getLogger(__name__)

MOST_CLASSES = 60
"""The most classes whose confusions are stored."""

MOST_STEPS = 80
"""The most steps of a sequence, of a map of attention and of a curve that are stored."""

MOST_NUMBERS = 24
"""The most numbers of an input that are written out."""

MOST_POINTS = 500
"""The most examples whose number is stored beside its prediction."""

MOST_CHARACTERS = 600
"""The most characters of a text."""


def examples(program: Program, params: Params, count: int, split: str = "test") -> dict[str, Any]:
    """Return the first examples of a split with the answers of a network, as JSON can hold them.

    Args:
        program: the run's program.
        params: the network's parameters.
        count: the most examples.
        split: "train", "validation" or "test".

    Returns:
        `split`, `exact` (whether an answer is right where its text is the target's), and `examples` with
        `input`, `target` and `answer` as texts. Sequences of numbers have `targets` and `answers` as lists
        too, and a network with attention has `attention`, `(M, T)`, and the symbols of both axes. A network
        that predicts a class of each example adds `confusion` and `reliability`; one that predicts a number
        adds `regression`, which has `targets` and `answers` of more examples. A language model has none.
    """
    task, network, size = program.task, program.network, program.training.evaluation_batch_size
    found: dict[str, Any] = {"split": split, "exact": isinstance(network.outputs, (Tokens, Transcript))}
    if task.autoregressive and isinstance(network.outputs, Tokens):
        return found  # its samples say more than the most probable next symbols
    batch, answers = evaluation.first_answers(task, network, params, split, size)
    some: Batch = jax.tree.map(lambda leaf: leaf[:count], batch)
    found["examples"] = _examples(task, network, some, answers[:count])
    if isinstance(network, EncoderDecoder) and network.decoder.attention is not None:
        _add_attention(task, network, params, some, found["examples"])
    if isinstance(network.outputs, (Vectors, Gaussians)) and batch.targets.ndim == 2:
        found["regression"] = _numbers_beside(batch.targets, answers)
    if evaluation.predicts_classes(network):
        found |= _classes(class_predictions(program, params, split))
    return found


def write_examples(folder: Path, program: Program, params: Params, count: int) -> None:
    """Write examples of the test split into a run folder; where that fails, a warning says so."""
    try:
        if "examples" in (found := examples(program, params, count)):
            write_atomically(folder / EXAMPLES, to_json(found) + "\n")
    except Exception as error:  # what was trained is saved, and the report can do without
        _log.warning("%s is not written: %s: %s", folder / EXAMPLES, type(error).__name__, error)


def _examples(task: Task, network: Network, batch: Batch, answers: np.ndarray) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place, answer in enumerate(answers):
        target, real = batch.targets[place], np.asarray(batch.mask[place])
        if isinstance(network.outputs, Transcript):
            real = np.asarray(target) < network.outputs.size
            answer = answer[answer < network.outputs.size]
        elif real.ndim:
            answer, target = answer[real], target[real]
        one = {"input": _input_text(task, network, batch, place)}
        for name, output in (("target", target), ("answer", answer)):
            one[name] = _short(task.render(np.asarray(output), network.framing))
        if not isinstance(network.outputs, (Tokens, Transcript, Labels)) and np.ndim(target) == 2:
            one |= {"targets": _curve(target), "answers": _curve(answer)}
        found.append(one)
    return found


def _numbers_beside(targets: Any, answers: Any) -> dict[str, list[float]]:
    """Return the first feature of targets and answers, both `(B, O)`."""
    both = (("targets", targets), ("answers", answers))
    return {
        name: [float(f"{value:.4g}") for value in np.asarray(values)[:MOST_POINTS, 0]]
        for name, values in both
    }


def _curve(sequence: Any) -> list[float]:
    """Return the first feature of a sequence `(T, O)`."""
    return [float(f"{value:.4g}") for value in np.asarray(sequence)[:MOST_STEPS, 0]]


def _input_text(task: Task, network: Network, batch: Batch, place: int) -> str:
    """Return an input as a text: its symbols, its numbers, or its shape where there are many."""
    value = np.asarray(batch.inputs[place])
    if batch.lengths is not None and value.ndim:
        value = value[: int(batch.lengths[place])]
    if isinstance(network.inputs, Tokens):
        return _short(_joined(symbols(task, value.ravel())))
    if value.size > MOST_NUMBERS:
        return " × ".join(map(str, value.shape)) + " numbers"
    return _numbers(value)


def _numbers(value: np.ndarray) -> str:
    """Return numbers as a text, the features of a step joined by commas."""
    steps = value.reshape(len(value), -1) if value.ndim > 1 else value.reshape(1, -1)
    return " ".join(",".join(f"{number:.3g}" for number in step) for step in steps)


def symbols(task: Task, tokens: np.ndarray) -> list[str]:
    """Return the symbols of tokens: those of the task's vocabulary, or their numbers."""
    if task.encoded is not None:
        try:
            return vocabulary_of(task.encoded.artifacts).decode(tokens.tolist())
        except (KeyError, IndexError, TypeError, ValueError):  # a task whose inputs have no vocabulary
            pass
    return [str(token) for token in tokens.tolist()]


def _joined(found: list[str]) -> str:
    return ("" if all(len(symbol) == 1 and not symbol.isdigit() for symbol in found) else " ").join(found)


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def _add_attention(
    task: Task, network: EncoderDecoder, params: Params, batch: Batch, found: list[dict[str, Any]]
) -> None:
    """Add the weights of attention, with the targets as the outputs before."""
    options = quick_options()
    weigh = jax.jit(lambda params, batch: attention_weights(network, params, batch), compiler_options=options)
    weights = np.asarray(weigh(params, batch))
    for place, one in enumerate(found):
        steps = weights.shape[2] if batch.lengths is None else int(batch.lengths[place])
        rows = weights[place][np.asarray(batch.mask[place])][:MOST_STEPS, : min(steps, MOST_STEPS)]
        one["attention"] = [[float(f"{value:.3g}") for value in row] for row in rows]
        if isinstance(network.inputs, Tokens):
            one["read"] = symbols(task, np.asarray(batch.inputs[place])[: rows.shape[1]])
        if isinstance(network.outputs, Tokens):
            written = np.asarray(batch.targets[place])[np.asarray(batch.mask[place])][: len(rows)]
            one["written"] = [
                task.render(written[[step]], network.framing) or "end" for step in range(len(rows))
            ]


def _classes(found: ClassPredictions) -> dict[str, Any]:
    """Return how often each class is predicted as each, and accuracy by confidence."""
    bins = found.reliability()
    kept = bins[bins["count"] > 0]
    told: dict[str, Any] = {
        "reliability": {name: kept[name].tolist() for name in ("confidence", "accuracy", "count")},
        "calibration_error": found.calibration.error,
    }
    if len(found.names) <= MOST_CLASSES:
        told["confusion"] = {"names": found.names, "counts": found.confusion().to_numpy().tolist()}
    return told
