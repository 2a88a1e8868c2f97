"""The sine generator: oscillate at the frequency that a constant input names."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Vectors

ANGLES = 600
"""The number of equal angles that phases are made of, so that no phase is rounded however long it grows."""
SLOWEST = 10
"""The smallest change of phase in a step, in angles: a period of 60 steps."""


@dataclasses.dataclass(frozen=True)
class SineGenerator(Task):
    """Write a sine whose frequency is given by a constant input.

        x_t = j/N + ¼,   y_t = sin(2π (9 + j) t / 600),   j uniform in 1 … N

    With N = 51 the periods are from 60 to 10 steps. A network that solves it has an oscillation around an
    unstable point for each input.

    Framing: many_to_many reads float32 `(B, T, 1)` and writes `(B, T, 1)`; all steps count. Steps after the
    end of a sequence hold 0. All splits hold the same N sines.

    Attributes:
        length, min_length, curriculum: the number of steps (`Lengths`).
        num_frequencies: N.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: D. Sussillo & O. Barak, "Opening the Black Box: Low-Dimensional Dynamics in High-Dimensional
        Recurrent Neural Networks", Neural Computation 25(3), 2013, with N = 51 in continuous time. The
        frequencies in radians a step were chosen here.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Sussillo & Barak 2013"

    length: int = 100
    min_length: int = 1
    curriculum: str = "fixed"
    num_frequencies: int = 51
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "num_frequencies")

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
        return simple_reference(self, framing, split, threshold=0.01)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mse", "mae")

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        return self.arrange(jax.random.randint(key, lengths.shape, 1, self.num_frequencies + 1), lengths)

    def arrange(self, numbers: jax.Array, lengths: jax.Array) -> Batch:
        """Return the batch of the numbers j of frequencies, int32 `(B,)`, and of lengths, int32 `(B,)`."""
        steps = jnp.arange(self.length)
        sines = jnp.asarray(np.sin(2 * math.pi / ANGLES * np.arange(ANGLES)), jnp.float32)
        levels = jnp.asarray(np.arange(self.num_frequencies + 1) / self.num_frequencies + 0.25, jnp.float32)
        targets = sines[(SLOWEST - 1 + numbers[:, None]) * steps % ANGLES]
        real = steps < lengths[:, None]
        inputs = jnp.where(real, levels[numbers][:, None], 0.0)
        return Batch(inputs[..., None], jnp.where(real, targets, 0.0)[..., None], real, lengths)
