"""Predictions of a trained network on new data: decoded answers and probabilities."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import EncoderDecoder, Network, OneToMany
from seqlab.data.padding import pad
from seqlab.generation.decoding import GREEDY, sample
from seqlab.generation.generate import DEFAULT_LENGTH
from seqlab.generation.most_likely import likeliest
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Gaussians, Labels, Params, Spec, Vectors


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a network says of some examples.

    Attributes:
        answers: the most probable output of each example as the task shows it: a class, tags, a text.
        outputs: these outputs as arrays: int32 tokens `()` or `(T,)`, or float32 `(O,)` or `(T, O)`.
        probabilities: float32 `(O,)` or `(T, O)` of each example, of each symbol that could be written, or of
            each label; None where a network predicts values.
        names: what the O entries of one answer's probabilities stand for; None where an answer is a sequence
            or holds values.
    """

    answers: list[str]
    outputs: list[np.ndarray]
    probabilities: list[np.ndarray] | None
    names: list[str] | None

    def __len__(self) -> int:
        return len(self.answers)

    def frame(self) -> Any:
        """Return a `pandas.DataFrame`: a row an example, `answer` and a column for each named probability."""
        import pandas as pd

        columns: dict[str, Any] = {"answer": self.answers}
        if self.names is not None and self.probabilities is not None:
            columns |= dict(zip(self.names, np.stack(self.probabilities).T, strict=True))
        return pd.DataFrame(columns)


def predict(
    task: Task,
    network: Network,
    params: Params,
    values: Sequence[Any],
    size: int,
    advance: Callable[[int], None] | None = None,
) -> Predictions:
    """Predict the outputs of new examples, without the data of the task.

    An encoder-decoder and a network of one input write their outputs one by one, each the most probable given
    those before. Any other network predicts all at once.

    Args:
        task: the task that the network is trained on.
        network: the network.
        params: its parameters.
        values: the examples, as `Task.read_input` takes them.
        size: the examples of a batch.
        advance: is told after each batch how many examples it had.

    Raises:
        ConfigError: a value does not fit; the message names its place.
    """
    inputs = read_inputs(task, network, values)
    spec, framing = network.outputs, network.framing
    answers: list[str] = []
    outputs: list[np.ndarray] = []
    logits: list[np.ndarray] = []
    for rows, batch in batches(network, inputs, size):
        written = _written(task, network, batch)
        found = jax.device_get(_predictor(network, written)(params, batch))
        for row, output, prediction in zip(rows, *found, strict=False):  # the last rows only fill the batch
            end = _end(task, network, inputs[row], output)
            outputs.append(output[:end] if end is not None else output)
            logits.append(prediction[:end] if end is not None else prediction)
            answers.append(task.render_answer(outputs[-1], _as_prompt(values[row]), framing))
        if advance is not None:
            advance(len(rows))
    names = None
    if not isinstance(spec, (Vectors, Gaussians)) and logits and logits[0].ndim == 1 and outputs[0].ndim == 0:
        names = [task.render(np.array(number), framing) for number in range(logits[0].shape[-1])]
    return Predictions(answers, outputs, _probabilities(spec, logits), names)


def read_inputs(task: Task, network: Network, values: Sequence[Any]) -> list[np.ndarray]:
    """Return the inputs of new examples, without a batch axis.

    Raises:
        ConfigError: a value does not fit; the message names its place.
    """
    if isinstance(values, str):
        raise ConfigError(f"inputs must be a list of examples, got the text {values!r:.60}")
    inputs = []
    for index, value in enumerate(values):
        try:
            inputs.append(np.asarray(task.read_input(value, network.framing)))
        except ConfigError as error:
            raise ConfigError(re.sub("^prompt", f"inputs[{index}]", str(error))) from error
    if not inputs:
        raise ConfigError("inputs must hold at least one example")
    return inputs


def batches(network: Network, inputs: Sequence[np.ndarray], size: int) -> Iterator[tuple[range, Batch]]:
    """Yield batches of one shape, each with the places of its examples.

    The last batch is filled with copies of the last example.
    """
    size = min(size, len(inputs))
    is_sequence = inputs[0].ndim > len(network.inputs.shape)
    longest = max(len(one) for one in inputs) if is_sequence else 0
    ragged = is_sequence and any(len(one) < longest for one in inputs)
    for start in range(0, len(inputs), size):
        rows = range(start, min(start + size, len(inputs)))
        some = [*inputs[rows.start : rows.stop], *[inputs[rows[-1]]] * (size - len(rows))]
        padded, lengths = pad(some, longest) if is_sequence else (np.stack(some), None)
        unknown = jnp.zeros((size, 0))
        yield rows, Batch(jnp.asarray(padded), unknown, unknown, jnp.asarray(lengths) if ragged else None)


def _written(task: Task, network: Network, batch: Batch) -> int | None:
    """Return how many outputs a network writes one by one; None where it predicts all at once."""
    if not isinstance(network, (EncoderDecoder, OneToMany)):
        return None
    steps = batch.inputs.shape[1] if isinstance(network, EncoderDecoder) else 0
    return task.num_written(steps, network.framing) or _example_length(task, network) or DEFAULT_LENGTH


def _example_length(task: Task, network: Network) -> int | None:
    """Return the number of outputs of an example of the task, where it says so without its data."""
    for name in ("target_length", "length"):
        if isinstance(found := getattr(task, name, None), int):
            return found
    batch = functools.partial(task.batch, size=1, framing=network.framing)
    return jax.eval_shape(batch, jax.random.key(0)).targets.shape[1]


@functools.lru_cache(maxsize=8)
def _predictor(network: Network, written: int | None) -> Callable[[Params, Batch], Any]:
    """Return the jitted function of parameters and a batch that gives outputs and predictions."""

    def predict_all(params: Params, batch: Batch) -> tuple[jax.Array, jax.Array]:
        if written is None:
            predictions = network.apply(params, batch)
            return likeliest(network.outputs, predictions, batch.lengths), predictions
        assert isinstance(network, (EncoderDecoder, OneToMany))
        key = jax.random.key(0)
        return sample(network, params, batch.inputs, written, key, GREEDY, batch.lengths)

    return jax.jit(predict_all)


def _end(task: Task, network: Network, inputs: np.ndarray, output: np.ndarray) -> int | None:
    """Return how many steps of an output count; None where it is no sequence."""
    if output.ndim == len(network.outputs.shape):
        return None
    if not isinstance(network, (EncoderDecoder, OneToMany)):
        return min(len(inputs), len(output))
    steps = len(inputs) if isinstance(network, EncoderDecoder) else 0
    last = task.num_written(steps, network.framing) or len(output)
    end = task.end_symbol(network.framing)
    ends = np.flatnonzero(output == end) if end is not None else np.zeros(0, int)
    return int(min([last, *ends[:1]]))


def _as_prompt(value: Any) -> str:
    """Return an example as a text, for answers that quote it."""
    if isinstance(value, str):
        return value
    flat = isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1)
    return " ".join(map(str, value)) if flat else ""


def _probabilities(spec: Spec, logits: Sequence[np.ndarray]) -> list[np.ndarray] | None:
    """Return the probabilities of logits; None for predictions of values."""
    if isinstance(spec, (Vectors, Gaussians)):
        return None
    to_probabilities = jax.nn.sigmoid if isinstance(spec, Labels) else jax.nn.softmax
    return [np.asarray(to_probabilities(jnp.asarray(one))) for one in logits]
