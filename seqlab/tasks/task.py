"""Base class of tasks."""

from __future__ import annotations

import abc
import dataclasses
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.data.encoded import Encoded
from seqlab.data.reader import Provenance, Reader
from seqlab.tasks._evaluation_pass import generated_examples, without_rows
from seqlab.tasks._fingerprint import fingerprint
from seqlab.tasks._host_rows import placed
from seqlab.tasks._inputs import as_inputs
from seqlab.tasks._naming import legal_framing, snake_case
from seqlab.tasks._rows import rows_of_batch
from seqlab.tasks._simple_predictors import simple_scores, steps_of
from seqlab.tasks.buckets import Buckets, buckets_of, with_order
from seqlab.tasks.lengths import Lengths
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec

SPLITS = ("train", "validation", "test")
VOCABULARY = "vocabulary.json"
"""The file in a run folder that says what numbers stand for, such as tokens or classes."""
NUM_EVALUATION_EXAMPLES = 1024


@dataclasses.dataclass(frozen=True)
class Task(abc.ABC):
    """What an example is, and what counts as right.

    A final class is a frozen dataclass, hashable by value; its fields are the keys of `conf/task/NAME.yaml`.
    A batch is a pure function of `(task, key)`: equal keys give equal batches on all hosts.

    A final class defines where its examples come from:

    - generated sequences: `sequence_lengths` and `sample`;
    - rows of data: `encoded` and `gather`, and `reader` where the user names the source;
    - anything else: `draw`.

    Where examples are generated, a field `num_evaluation_examples` sets the size of an evaluation pass. Where
    rows have an array `labels` of classes, a field `balance` draws all classes equally often in training.
    Where rows have `lengths`, a field `length_buckets` above 1 draws each batch from one bucket of them.

    Class attributes:
        framings: the framings that fit; the first is the default.
        origin: where the rule or the data come from, and `licence`, where there is no `reader`.
        autoregressive: whether what is written at one step is what is read at the next.
        scored: the names of what `scores` returns; "ece" adds the calibration error of predicted classes.
        extras: the modules of optional packages that `scores`, `reference` and `baselines` import.
        version: increased by the author of a task whenever a change of its code changes its examples.
        stream: whether each row of a batch continues the row of the batch before (`stream_batch`).
    """

    framings: ClassVar[tuple[str, ...]]
    origin: ClassVar[str]
    licence: ClassVar[str] = "generated"
    autoregressive: ClassVar[bool] = False
    scored: ClassVar[tuple[str, ...]] = ()
    extras: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1
    stream: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse illegal lengths; a class that extends this method calls it."""
        _ = self.sequence_lengths
        if hasattr(self, "num_evaluation_examples"):
            require_positive(self, "num_evaluation_examples")

    @property
    def name(self) -> str:
        """The name of the class in snake case."""
        return snake_case(type(self).__name__)

    @property
    def sequence_lengths(self) -> Lengths | None:
        """The lengths of generated sequences; None for any other task."""
        return None

    @property
    def reader(self) -> Reader | None:
        """The reader of the source that the user names; None for any other task."""
        return None

    @functools.cached_property
    def encoded(self) -> Encoded | None:
        """The data as arrays; None for a task whose examples are generated."""
        return None

    def provenance(self) -> Provenance:
        """Return where the data come from."""
        return Provenance(self.origin, self.licence) if self.reader is None else self.reader.provenance()

    @abc.abstractmethod
    def input_spec(self, framing: str) -> Spec:
        """Return what one position of `Batch.inputs` holds."""

    @abc.abstractmethod
    def output_spec(self, framing: str) -> Spec:
        """Return what one position of `Batch.targets` holds."""

    @abc.abstractmethod
    def goal(self, framing: str) -> Goal:
        """Return the metric that decides which parameters are the best; cheap to ask for."""

    @abc.abstractmethod
    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return values of the goal's metric on a split, to which those of a run on this split are compared.

        They may be costly to compute, such as those of fitted models. They are asked for at the end of a run.
        """

    @abc.abstractmethod
    def metrics(self, framing: str) -> tuple[str, ...]:
        """Return the names of `seqlab.metrics.METRICS` that are reported with the loss.

        `<part>/<metric>` is a metric of what `part` returns.
        """

    def part(self, name: str, predictions: jax.Array, batch: Batch) -> tuple[jax.Array, Batch]:
        """Return the predictions and the batch that the metrics `<name>/<metric>` compare."""
        raise NotImplementedError(f"task {self.name} has no parts")

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        """Return corpus metrics of the most probable outputs `(N, …)` of the evaluation pass over a split."""
        raise NotImplementedError(f"task {self.name} has no scores")

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the goal's metric on a split of further baselines and lower bounds, by name."""
        return {} if self.sequence_lengths is None else simple_scores(self, framing, split)

    def places(self, batch: Batch, framing: str) -> jax.Array:
        """Return a number for what is known of each output without the input; by default its step."""
        return steps_of(batch.mask)

    def artifacts(self) -> Mapping[str, str]:
        """Return the text files, by name, that make a run folder usable without the data of its run.

        The task of a run that is loaded gets the path of `VOCABULARY` as its field `vocabulary`.
        """
        if self.encoded is None or not self.encoded.artifacts:
            return {}
        return {VOCABULARY: json.dumps(self.encoded.artifacts, ensure_ascii=False, indent=0) + "\n"}

    def data_summary(self) -> Mapping[str, Any]:
        """Return counts that describe the data, for `summary.json`."""
        return {} if self.encoded is None else self.encoded.summary

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Return the inputs of one example, without the batch axis, from a prompt.

        Raises:
            ConfigError: the text does not fit; the message names what does.
        """
        raise ConfigError(f"task {self.name} takes no prompt")

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Return the inputs of one example from a value of new data: a text, tokens, a path or an array.

        By default a text is read by `read_prompt`, and an array holds the numbers of each position. The
        ConfigError of a value that does not fit calls it `prompt`.
        """
        if isinstance(value, (str, Path)):
            return self.read_prompt(str(value), framing)
        return as_inputs(value, self.input_spec(framing))

    def num_written(self, num_steps: int, framing: str) -> int | None:
        """Return the largest number of outputs for inputs of `num_steps`; None where there is none."""
        return None

    def end_symbol(self, framing: str) -> int | None:
        """Return the token that ends an output; None where there is none."""
        return None

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return one generated sequence, `(T,)` tokens or `(T, O)` vectors, as text."""
        return " ".join(f"{value:.4g}" for value in np.ravel(sequence))

    def render_answer(self, answer: np.ndarray, prompt: str, framing: str) -> str:
        """Return the answer to a prompt, `()` or `(T,)` tokens or `(O,)` or `(T, O)` vectors, as text."""
        return self.render(answer, framing)

    @functools.cached_property
    def data(self) -> Any:
        """The arrays, a tree that is an argument of jitted calls; concrete even during a trace."""
        if self.sequence_lengths is not None or self.encoded is None:
            return () if self.sequence_lengths is None else self.sequence_lengths.bounds()
        with jax.ensure_compile_time_eval():
            return with_order(jax.tree.map(placed, dict(self.encoded.arrays)), self._buckets)

    def buckets(self, framing: str) -> Buckets | None:
        """Return the buckets of training rows by length; None for one, or for a framing without steps."""
        return None if framing.startswith("one_to_") else self._buckets

    @functools.cached_property
    def _buckets(self) -> Buckets | None:
        return buckets_of(self)

    def at_stage(self, data: Any, progress: jax.Array) -> Any:
        """Return the resident arrays at a stage of training, where a curriculum changes them.

        `progress` is a float32 scalar in [0, 1], the share of updates that are done.
        """
        return data if self.sequence_lengths is None else self.sequence_lengths.at_stage(data, progress)

    def fingerprint(self) -> str:
        """Return a SHA-256 digest that changes with the data, the fields or the rule of the examples."""
        return fingerprint(self)

    def batch(
        self, key: jax.Array, size: int, split: str = "train", framing: str | None = None, data: Any = None
    ) -> Batch:
        """Draw `size` examples; pure and jittable, with the sizes static.

        Args:
            key: PRNG key.
            size: number of examples, B.
            split: "train", "validation" or "test".
            framing: the framing; the task's first by default.
            data: the resident arrays (`self.data` by default), so that jit takes them as arguments.
        """
        framing = self.checked_framing(framing)
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split}")
        return self.draw(key, size, split, framing, self.data if data is None else data)

    def draw(self, key: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        """Draw a batch of generated sequences or of rows; `batch` calls it with checked arguments."""
        if self.sequence_lengths is not None:
            key = jax.random.fold_in(key, SPLITS.index(split))
            lengths, key = self.sequence_lengths.draw(key, size, data)
            batch = self.sample(key, lengths, split, framing)
            unpadded = self.sequence_lengths.fixed or framing.startswith("one_to_")
            return batch._replace(lengths=None) if unpadded else batch
        count = self.num_examples(split, framing)
        if count is None:
            raise NotImplementedError(f"task {self.name} must define sample, gather or draw")
        return self.gather(rows_of_batch(self, key, size, split, count, data), split, framing, data)

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        """Draw a sequence of each length, padded to the shape of the longest.

        Args:
            key: PRNG key, which differs between the splits.
            lengths: int32 `(B,)`, values of `sequence_lengths`.
            split: for tasks whose splits share no example.
            framing: the framing.

        The `lengths` of the batch are the steps of the network; `draw` drops them where all are the same.
        """
        raise NotImplementedError(f"task {self.name} samples no sequences")

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        """Return the examples at int32 `indices` `(B,)`, each in `[0, num_examples(split, framing))`."""
        raise NotImplementedError(f"task {self.name} has no rows")

    def num_examples(self, split: str, framing: str) -> int | None:
        """Return the number of examples of a split, by default its rows; None where they are generated."""
        return None if self.encoded is None else self.encoded.num_rows(split)

    def stream_batch(self, key: jax.Array, step: jax.Array, size: int, framing: str, data: Any) -> Batch:
        """Return the training batch of a step, an int32 scalar, whose rows continue those of the step before.

        The key is the same at all steps; the other arguments are those of `draw`.
        """
        raise NotImplementedError(f"task {self.name} has no stream")

    def num_evaluation(self, split: str, framing: str) -> int:
        """Return the number of examples of an evaluation pass over a split."""
        count = self.num_examples(split, framing)
        return getattr(self, "num_evaluation_examples", NUM_EVALUATION_EXAMPLES) if count is None else count

    def evaluation_batch(self, index: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        """Return block `index` of the fixed evaluation pass; rows after its end are masked out."""
        rows, count = index * size + jnp.arange(size), self.num_evaluation(split, framing)
        if self.num_examples(split, framing) is None:
            draw = functools.partial(self.batch, size=1, split=split, framing=framing, data=data)
            batch = generated_examples(draw, SPLITS.index(split), rows)
        else:
            batch = self.gather(jnp.minimum(rows, count - 1), split, framing, data)
        return without_rows(batch, rows >= count, self.output_spec(framing))

    def checked_framing(self, framing: str | None) -> str:
        """Return a framing, the default one for None.

        Raises:
            IncompatibleError: the framing does not fit; the message names those that do.
        """
        return legal_framing(framing, self.framings, self.name)
