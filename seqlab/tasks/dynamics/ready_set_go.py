"""Ready, set, go: measure an interval, and produce it."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_count
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Vectors


@dataclasses.dataclass(frozen=True)
class ReadySetGo(Task):
    """Measure the interval between two pulses, and let the output rise to 1 in the same time.

        x_t = 1 for t = r and t = r + n, else 0,   r uniform in [0, D]
        y_t = 0 for t < r + n,   y_t = (t − r − n) / n from "set" at r + n to "go" at r + 2n

    >>> batch = ReadySetGo(length=4, min_length=1).arrange(jnp.array([1]), jnp.array([2]))
    >>> batch.inputs[0, :6, 0].tolist(), batch.targets[0, :6, 0].tolist()
    ([0.0, 1.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.5, 1.0])

    A length is the interval n, in steps. A sequence has D + 2n + 1 steps, and those up to "go" count.

    Framing: many_to_many reads float32 `(B, T, 1)` and writes `(B, T, 1)`. Steps after the end of a sequence
    hold 0. All splits hold the same intervals.

    Attributes:
        length, min_length, curriculum: the interval (`Lengths`).
        max_delay: D, the largest number of steps before the first pulse, "ready".
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: M. Jazayeri & M. Shadlen, "Temporal Context Calibrates Interval Timing", Nature Neuroscience 13,
        2010; as a task of recurrent networks, with an output that rises, E. Remington, D. Narain, E. Hosseini
        & M. Jazayeri, "Flexible Sensorimotor Computations through Rapid Reconfiguration of Cortical
        Dynamics", Neuron 98, 2018. The straight line and the intervals were chosen here.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Jazayeri & Shadlen 2010"

    length: int = 30
    min_length: int = 10
    curriculum: str = "uniform"
    max_delay: int = 10
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self, "max_delay")

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum)

    def input_spec(self, framing: str) -> Spec:
        return Vectors(1)

    def output_spec(self, framing: str) -> Spec:
        return Vectors(1)

    def goal(self, framing: str) -> Goal:
        return Goal("mse", higher_is_better=False)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.005)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mse", "mae")

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        return self.arrange(jax.random.randint(key, lengths.shape, 0, self.max_delay + 1), lengths)

    def arrange(self, ready: jax.Array, intervals: jax.Array) -> Batch:
        """Return the batch of int32 steps of "ready" `(B,)` and intervals `(B,)`."""
        steps = jnp.arange(self.max_delay + 2 * self.length + 1)
        since = (steps - ready[:, None])[..., None]  # steps since "ready"
        n = intervals[:, None, None]
        inputs = ((since == 0) | (since == n)).astype(jnp.float32)
        targets = jnp.where((since > n) & (since <= 2 * n), (since - n) / n, 0.0)
        return Batch(inputs, targets, (since <= 2 * n)[..., 0], self.max_delay + 2 * intervals + 1)
