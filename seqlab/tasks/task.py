"""What is a task? The two forms that every task takes: drawn from a rule, or read from data."""

from __future__ import annotations

import abc
import dataclasses
import functools
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.data.encoded import Encoded
from seqlab.data.reader import Provenance, Reader
from seqlab.tasks._fingerprint import fingerprint
from seqlab.types import Batch, ConfigError, Goal, IncompatibleError, Reference, Spec

SPLITS = ("train", "validation", "test")
VOCABULARY = "vocabulary.json"
"""The file in a run folder that says which number stands for which symbol, where its data do not."""
EVALUATION_SEED = 20_201_123
"""Every run is evaluated on the same generated examples, whatever its own seed."""


@dataclasses.dataclass(frozen=True)
class Task(abc.ABC):
    """What an example is, and what counts as right.

    A frozen dataclass, hashable by value; its fields are the knobs of `conf/task/<name>.yaml`. A batch is a
    pure function of `(task, key)`: same key, same batch, on any host.

    Class attributes:
        framings: the framings the task can be framed for; the first is the default.
        source: where the data or the rule come from, and `licence`, where there is no `reader`.
        autoregressive: whether what is written at one step is what is read at the next.
        scored: the names of what `scores` returns.
        extras: the modules of optional packages that `scores`, `reference` and `baselines` import.
        version: increased by the author of a task whenever a change of its code changes its examples.
        stream: whether each row of a batch goes on where it left off (`stream_batch`); a field where it can.
    """

    framings: ClassVar[tuple[str, ...]]
    source: ClassVar[str]
    licence: ClassVar[str] = "generated"
    autoregressive: ClassVar[bool] = False
    scored: ClassVar[tuple[str, ...]] = ()
    extras: ClassVar[tuple[str, ...]] = ()
    version: ClassVar[int] = 1
    stream: ClassVar[bool] = False

    @property
    def reader(self) -> Reader | None:
        """The reader of the source that the user names; None for any other task."""
        return None

    @functools.cached_property
    def encoded(self) -> Encoded | None:
        """The data as arrays; None for a task whose examples are drawn from a rule."""
        return None

    def provenance(self) -> Provenance:
        """Return where the data come from."""
        return Provenance(self.source, self.licence) if self.reader is None else self.reader.provenance()

    # What the network meets.

    @abc.abstractmethod
    def input_spec(self, framing: str) -> Spec:
        """Say what stands at one position of `Batch.inputs`."""

    @abc.abstractmethod
    def output_spec(self, framing: str) -> Spec:
        """Say what stands at one position of `Batch.targets`."""

    @abc.abstractmethod
    def goal(self, framing: str) -> Goal:
        """Return the metric that decides which parameters are the best; cheap to ask for."""

    @abc.abstractmethod
    def reference(self, framing: str) -> Reference:
        """Return the values of the goal's metric on the test split that a run is compared with.

        They may be costly to compute, such as those of fitted models. They are asked for at the end of a run.
        """

    @abc.abstractmethod
    def metrics(self, framing: str) -> tuple[str, ...]:
        """Name the metrics of `seqlab.metrics.objectives` that are reported beside the loss.

        `<part>/<metric>` is one of what `part` returns.
        """

    def part(self, name: str, predictions: jax.Array, batch: Batch) -> tuple[jax.Array, Batch]:
        """Return what the metrics `<name>/<metric>` compare: some predictions with some targets."""
        raise NotImplementedError(f"task {self.name} has no parts")

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        """Return corpus metrics of the most probable outputs `(N, …)` of the evaluation pass over a split."""
        raise NotImplementedError(f"task {self.name} has no scores")

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the goal's metric on a split of further baselines and lower bounds, by name."""
        return {}

    def artifacts(self) -> Mapping[str, str]:
        """Return the text files, by name, that make a run folder usable without the data of its run.

        A task that is built again gets the path of `VOCABULARY` as its field `vocabulary`.
        """
        if self.encoded is None or not self.encoded.artifacts:
            return {}
        return {VOCABULARY: json.dumps(self.encoded.artifacts, ensure_ascii=False, indent=0) + "\n"}

    def data_summary(self) -> Mapping[str, Any]:
        """Return counts that describe the data, for `summary.json`."""
        return {} if self.encoded is None else self.encoded.summary

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Turn what a user typed after `--prompt` into one example's inputs, without the batch axis.

        Raises:
            ConfigError: the text does not fit; the message names what does.
        """
        raise ConfigError(f"task {self.name} takes no --prompt")

    def num_written(self, num_steps: int, framing: str) -> int | None:
        """Return how many outputs answer inputs of `num_steps`; None where that does not say."""
        return None

    def end_symbol(self, framing: str) -> int | None:
        """Return the token that ends what is written; None where none does."""
        return None

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Show one generated sequence, `(T,)` tokens or `(T, O)` vectors, as text."""
        return " ".join(f"{value:.4g}" for value in np.ravel(sequence))

    def render_answer(self, answer: np.ndarray, prompt: str, framing: str) -> str:
        """Show what a network answers to a prompt, `()` or `(T,)` tokens or `(O,)` or `(T, O)` vectors."""
        return self.render(answer, framing)

    # Examples.

    @functools.cached_property
    def data(self) -> Any:
        """The resident arrays, a tree that is an argument of every jitted call; empty without `encoded`.

        They are concrete even where they are first asked for during a trace.
        """
        if self.encoded is None:
            return ()
        with jax.ensure_compile_time_eval():
            return jax.tree.map(jnp.asarray, dict(self.encoded.arrays))

    def at_stage(self, data: Any, progress: jax.Array) -> Any:
        """Return the resident arrays of a stage of training, for a task whose examples change as it goes on.

        Args:
            data: the resident arrays.
            progress: float32 scalar in [0, 1], the share of the updates that are made.
        """
        return data

    def fingerprint(self) -> str:
        """Return a SHA-256 digest that changes with the data, the fields or the rule of the examples."""
        return fingerprint(self)

    def batch(
        self,
        key: jax.Array,
        size: int,
        split: str = "train",
        framing: str | None = None,
        data: Any = None,
    ) -> Batch:
        """Draw `size` examples; pure and jittable, with the sizes static.

        Args:
            key: PRNG key.
            size: number of examples, B.
            split: "train", "validation" or "test"; a task says whether they may share an example.
            framing: the framing; the task's first by default.
            data: the resident arrays (`self.data` by default), so that jit takes them as arguments.
        """
        framing = self.checked_framing(framing)
        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}, got {split}")
        return self.draw(key, size, split, framing, self.data if data is None else data)

    def draw(self, key: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        """Draw a random batch, by default of rows; called by `batch` with every argument checked."""
        indices = jax.random.randint(key, (size,), 0, self.num_examples(split, framing))
        return self.gather(indices, split, framing, data)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        """Return the examples at int32 `indices` `(B,)`, each in `[0, num_examples(split, framing))`.

        A task with `encoded` data has this method, or `draw` and `evaluation_batch`.
        """
        raise NotImplementedError(f"task {self.name} has no rows")

    def num_examples(self, split: str, framing: str) -> int:
        """Return the number of examples of a split of `encoded`: by default, of rows."""
        if self.encoded is None:
            raise NotImplementedError(f"task {self.name} has no end of examples")
        return self.encoded.num_rows(split)

    def stream_batch(self, key: jax.Array, step: jax.Array, size: int, framing: str, data: Any) -> Batch:
        """Return the training batch of a step, each row going on where it left off at the step before.

        Args:
            key: PRNG key, the same at all steps.
            step: int32 scalar.
            size: number of rows, B.
            framing: the framing.
            data: the resident arrays.
        """
        raise NotImplementedError(f"task {self.name} has no stream")

    def num_evaluation(self, split: str, framing: str) -> int:
        """Return the number of examples of one full evaluation pass over a split."""
        return self.num_examples(split, framing)

    def evaluation_batch(self, index: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        """Return the `index`-th block of the fixed evaluation pass; positions past its end are masked out."""
        indices = index * size + jnp.arange(size)
        count = self.num_evaluation(split, framing)
        batch = self.gather(jnp.minimum(indices, count - 1), split, framing, data)
        return mask_past_end(batch, indices < count)

    def checked_framing(self, framing: str | None) -> str:
        """Return the framing to frame for, refusing one that does not fit.

        Raises:
            IncompatibleError: naming the framings that fit.
        """
        if framing is None:
            return self.framings[0]
        if framing not in self.framings:
            raise IncompatibleError(
                f"architecture={framing} does not fit task {self.name}: legal values are "
                + ", ".join(self.framings)
            )
        return framing

    @property
    def name(self) -> str:
        """The name of the class in snake case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()


@dataclasses.dataclass(frozen=True)
class GeneratedTask(Task):
    """A task whose examples are drawn from a rule.

    Attributes:
        num_evaluation_examples: how many fixed examples one evaluation pass holds, for each split.
    """

    num_evaluation_examples: int = dataclasses.field(default=1024, kw_only=True)

    def __post_init__(self) -> None:
        require_positive(self, "num_evaluation_examples")

    def num_evaluation(self, split: str, framing: str) -> int:
        return self.num_evaluation_examples

    def evaluation_batch(self, index: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        key = jax.random.fold_in(
            jax.random.fold_in(jax.random.key(EVALUATION_SEED), SPLITS.index(split)), index
        )
        batch = self.batch(key, size, split, framing, data)
        return mask_past_end(batch, index * size + jnp.arange(size) < self.num_evaluation_examples)


def mask_past_end(batch: Batch, inside: jax.Array) -> Batch:
    """Mask out the rows where bool `inside` `(B,)` is False."""
    return batch._replace(mask=batch.mask & inside.reshape(inside.shape + (1,) * (batch.mask.ndim - 1)))
