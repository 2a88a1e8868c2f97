"""The adding problem: carry two numbers across time."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Vectors


@dataclasses.dataclass(frozen=True)
class Adding(Task):
    """Add the two marked values of a sequence.

        y = Σ_t m_t v_t,   v_t ~ U[0, 1),   m_t ∈ {0, 1}, one marker in each half

    Example, T = 4: values .3 .9 .5 .2, markers 0 1 1 0, target 1.4.

    Framings: many_to_one reads the pairs (v_t, m_t), float32 `(B, T, 2)`; one_to_one reads the same numbers
    at once, `(B, 2T)`. Targets are float32 `(B, 1)`. Steps after the end of a sequence hold 0. The splits are
    separate random streams: values have 23 random bits, so two sequences of T values are equal with a
    probability below 2^(-23 T).

    Attributes:
        length, min_length, curriculum: the number of steps (`Lengths`).
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: S. Hochreiter & J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997,
        experiment 4; in the form of Q. Le, N. Jaitly & G. Hinton, arXiv:1504.00941, 2015, section 4.1:
        a fixed length, values in [0, 1) and the unscaled sum as target; one marker in each half as in
        M. Arjovsky, A. Shah & Y. Bengio, arXiv:1511.06464, 2016.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "one_to_one")
    origin: ClassVar[str] = "Hochreiter & Schmidhuber 1997; Le et al. 2015"

    length: int = 50
    min_length: int = 2
    curriculum: str = "fixed"
    num_evaluation_examples: int = 1024

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum, shortest=2)

    def input_spec(self, framing: str) -> Spec:
        return Vectors(2 * self.length if framing == "one_to_one" else 2)

    def output_spec(self, framing: str) -> Spec:
        return Vectors(1)

    def goal(self, framing: str) -> Goal:
        return Goal("mse", higher_is_better=False)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.01)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mse",)

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        values_key, first_key, second_key = jax.random.split(key, 3)
        size, half = len(lengths), lengths // 2
        values = jax.random.uniform(values_key, (size, self.length))
        values = jnp.where(jnp.arange(self.length) < lengths[:, None], values, 0.0)
        first = jax.random.randint(first_key, (size,), 0, half)
        second = jax.random.randint(second_key, (size,), half, lengths)
        markers = jax.nn.one_hot(first, self.length) + jax.nn.one_hot(second, self.length)
        inputs = jnp.stack([values, markers], axis=-1)
        if framing == "one_to_one":
            inputs = inputs.reshape(size, -1)
        targets = (values * markers).sum(axis=1, keepdims=True)
        return Batch(inputs, targets, jnp.ones(size, bool), lengths)
