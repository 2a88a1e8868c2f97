"""The N-bit flip-flop: hold the sign of the last pulse of each input."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_number, require_positive
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Vectors


@dataclasses.dataclass(frozen=True)
class FlipFlop(Task):
    """Write the sign of the last pulse of each of N inputs.

        x_tn ∈ {−1, 0, 1},   P(x_tn = −1) = P(x_tn = 1) = p/2 for t > 0,   x_0n = ±1
        y_tn = x_tn where x_tn ≠ 0, else y_{t−1,n}

    >>> FlipFlop(num_bits=1).held(jnp.array([[[1.0], [0.0], [0.0], [-1.0], [0.0]]])).ravel().tolist()
    [1.0, 1.0, 1.0, -1.0, -1.0]

    A network that solves it has 2^N stable fixed points, one for each setting of the bits. The squared error
    of the constant 0 is 1. `bits/accuracy` is the share of outputs with the right sign.

    Framing: many_to_many reads float32 `(B, T, N)` and writes `(B, T, N)`; all steps count. Steps after the
    end of a sequence hold 0. The splits are separate random streams.

    Attributes:
        length, min_length, curriculum: the number of steps (`Lengths`).
        num_bits: N, the number of inputs and of outputs.
        pulse_probability: p, the probability of a pulse, of either sign, at each step after the first.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: D. Sussillo & O. Barak, "Opening the Black Box: Low-Dimensional Dynamics in High-Dimensional
        Recurrent Neural Networks", Neural Computation 25(3), 2013, with N = 3. The pulses of the first step,
        which define every output, and the values of p and T were chosen here.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Sussillo & Barak 2013"

    length: int = 64
    min_length: int = 1
    curriculum: str = "fixed"
    num_bits: int = 3
    pulse_probability: float = 0.2
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "num_bits")
        require_number(self, "pulse_probability", low=0)
        if self.pulse_probability > 1:
            raise ValueError(f"pulse_probability must be from 0 to 1, got {self.pulse_probability}")

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum)

    def input_spec(self, framing: str) -> Spec:
        return Vectors(self.num_bits)

    def output_spec(self, framing: str) -> Spec:
        return Vectors(self.num_bits)

    def goal(self, framing: str) -> Goal:
        return Goal("mse", higher_is_better=False)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.05)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mse", "bits/accuracy")

    def part(self, name: str, predictions: jax.Array, batch: Batch) -> tuple[jax.Array, Batch]:
        """Return logits of both signs of each output, `(B, T, N, 2)`, and the batch of its sign."""
        logits = jnp.stack([-predictions, predictions], axis=-1)
        mask = jnp.broadcast_to(batch.mask[..., None], batch.targets.shape)
        return logits, batch._replace(targets=(batch.targets > 0).astype(jnp.int32), mask=mask)

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        pulses_key, signs_key = jax.random.split(key)
        shape = (len(lengths), self.length, self.num_bits)
        pulses = jax.random.bernoulli(pulses_key, self.pulse_probability, shape).at[:, 0].set(True)
        inputs = jnp.where(pulses, jax.random.rademacher(signs_key, shape, jnp.float32), 0.0)
        real = jnp.arange(self.length) < lengths[:, None]
        inputs = jnp.where(real[..., None], inputs, 0.0)
        return Batch(inputs, jnp.where(real[..., None], self.held(inputs), 0.0), real, lengths)

    def held(self, inputs: jax.Array) -> jax.Array:
        """Return the last value of each input that is not 0, float32 `(B, T, N)`; 0 before the first."""
        steps = jnp.arange(inputs.shape[1])[:, None]
        latest = jax.lax.cummax(jnp.where(inputs != 0, steps, 0), axis=1)
        return jnp.take_along_axis(inputs, latest, axis=1)
