"""Formal language as a task: read a string, and answer with a symbol or with a string."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.data.reader import Provenance
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.languages.rule import Rule
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class FormalLanguage(Task):
    """Read a string of a language and write the answer to it.

    Framings: many_to_one reads the string, int32 `(B, T)`, and writes the answer of one symbol, `(B,)`.
    many_to_many reads the string and then blanks, which are the symbol `num_symbols`, as many as the longest
    answer to a string of that length has symbols. It writes the answer during the blanks; only the symbols of
    the answer count in the loss and in the metrics. Steps after the blanks hold 0. encoder_decoder reads the
    string alone and writes the answer `(B, M)`, where M is that of the longest string; its goal is the
    accuracy of what it writes free-running.

    The splits are separate random streams. There are few short strings, so they occur in all splits. Evaluate
    at lengths beyond those of training to see whether the rule was learnt:
    `python -m seqlab.evaluate --lengths 41:500`. (The score of the reference starts at length 42.)

    Attributes:
        rule: the strings, and the answer to each.
        length, min_length, curriculum: the length of the strings (`Lengths`).
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: that of the rule; of most rules G. Delétang et al., "Neural Networks and the Chomsky Hierarchy",
        arXiv:2207.02098, 2023, appendix A. There all strings of a batch have the same length; here each has
        its own.
    """

    rule: Rule
    length: int = 40
    min_length: int = 1
    curriculum: str = "uniform"
    num_evaluation_examples: int = 1024

    @property
    def name(self) -> str:
        """The name of the rule."""
        return self.rule.name

    @property
    def framings(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The framings that fit the answers of the rule."""
        return self.rule.framings

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum, self.rule.shortest)

    def provenance(self) -> Provenance:
        return Provenance(self.rule.origin, self.licence)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(self.rule.num_symbols + (framing == "many_to_many"))

    def output_spec(self, framing: str) -> Spec:
        return Tokens(self.rule.num_answers)

    def goal(self, framing: str) -> Goal:
        metric = "free_running/accuracy" if framing == "encoder_decoder" else "accuracy"
        return Goal(metric, higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, self.framings[0], split, threshold=0.99)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the simple predictors; the answers of the framings of a rule are the same."""
        return super().baselines(split, self.framings[0])

    def places(self, batch: Batch, framing: str) -> jax.Array:
        """Return the number of an answer among those to its string, and the length of the string, as one int.

        The length is known when the answer begins.
        """
        lengths = jnp.zeros(len(batch.mask), jnp.int32) if batch.lengths is None else batch.lengths
        if batch.mask.ndim == 1:
            return lengths
        return lengths[:, None] * batch.mask.shape[1] + jnp.cumsum(batch.mask, axis=1, dtype=jnp.int32)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",) if framing == "many_to_one" else ("accuracy", "sequence_accuracy")

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Read a string, given as numbers with spaces between them or as digits without spaces.

        Raises:
            ConfigError: a framing that reads more than the string, or a symbol that is not one of the
                language.
        """
        if framing not in ("many_to_one", "encoder_decoder"):
            return super().read_prompt(text, framing)
        symbols = text.split() if " " in text else list(text)
        legal = {str(symbol): symbol for symbol in range(self.rule.num_symbols)}
        if not symbols or not legal.keys() >= set(symbols):
            raise ConfigError(f"prompt: legal are the symbols {' '.join(legal)}, got {text!r}")
        return np.array([legal[symbol] for symbol in symbols], np.int32)

    def num_written(self, num_steps: int, framing: str) -> int:
        return self.rule.answer_length(num_steps)

    def end_symbol(self, framing: str) -> int | None:
        return self.rule.end

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        rule = self.rule
        T, ends = rule.string_length(self.length), rule.string_length(lengths)
        strings = rule.strings(key, ends, T)
        answers, counts = rule.answers(strings, ends)
        if framing == "many_to_one":
            return Batch(strings, answers[:, 0], jnp.ones(len(lengths), bool), ends)
        if framing == "encoder_decoder":
            return Batch(strings, answers, jnp.arange(answers.shape[1]) < counts[:, None], ends)
        M, blanks = rule.answer_length(T), rule.answer_length(ends)
        since = jnp.arange(T + M) - ends[:, None]  # steps since the end of the string
        blank, written = ((since >= 0) & (since < count[:, None]) for count in (blanks, counts))
        inputs = jnp.where(blank, rule.num_symbols, jnp.pad(strings, ((0, 0), (0, M))))
        targets = jnp.take_along_axis(answers, jnp.clip(since, 0, M - 1), axis=1)
        return Batch(inputs, jnp.where(written, targets, 0), written, ends + blanks)

    def examples(self, key: jax.Array, length: int, size: int) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Draw strings of one length and their answers; as `Rule.examples`."""
        return self.rule.examples(key, length, size)
