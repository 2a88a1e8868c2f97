"""Context-dependent integration: integrate one of two noisy signals, as the context says."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_number
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens, Vectors

STEP = 0.1
"""The factor of the integral, which keeps it near 1 for the default length."""
QUADRATURE = 1001


@dataclasses.dataclass(frozen=True)
class ContextIntegration(Task):
    """Integrate the one of two noisy signals that the context names, and ignore the other.

        x_tk = d_k + σ ε_tk,   d_k ~ U[−a, a),   ε_tk ~ N(0, 1),   k ∈ {0, 1};   the context c ∈ {0, 1}
        many_to_one:   y = [d_c > 0]
        many_to_many:  y_t = .1 Σ_{s ≤ t} x_sc

    The two signals are motion and colour in the source, and the class is the choice of the subject. No
    predictor of the choice is better than the sign of the whole integral, which is right with the probability
    E Φ(|d| √T / σ); it is among the baselines as "the ideal observer". The integral itself has no such limit.

    Framings: many_to_one reads both signals and the context as two further inputs, one of which is 1:
    float32 `(B, T, 4)`, and writes the class, int32 `(B,)`. many_to_many reads the same and writes the
    integral, float32 `(B, T, 1)`. Steps after the end of a sequence hold 0. The splits are separate random
    streams.

    Attributes:
        length, min_length, curriculum: the number of steps (`Lengths`).
        strength: a, the largest mean of a signal.
        noise: σ, the standard deviation of a signal at one step.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: V. Mante, D. Sussillo, K. Shenoy & W. Newsome, "Context-Dependent Computation by Recurrent
        Dynamics in Prefrontal Cortex", Nature 503, 2013. The values of a, σ and T, and the integral as a
        target at each step, were chosen here.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "many_to_many")
    origin: ClassVar[str] = "Mante et al. 2013"

    length: int = 50
    min_length: int = 1
    curriculum: str = "fixed"
    strength: float = 0.5
    noise: float = 0.5
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("strength", "noise"):
            require_number(self, name, low=0)
        if self.strength == 0:
            raise ValueError("strength must be above 0, got 0")

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum)

    def input_spec(self, framing: str) -> Spec:
        return Vectors(4)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(2) if framing == "many_to_one" else Vectors(1)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", True) if framing == "many_to_one" else Goal("mse", False)

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the simple predictors; the threshold of the choice is .02 below the ideal observer."""
        threshold = self.ideal_accuracy() - 0.02 if framing == "many_to_one" else 0.01
        return simple_reference(self, framing, split, threshold)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        ideal = {"the ideal observer": self.ideal_accuracy()} if framing == "many_to_one" else {}
        return super().baselines(split, framing) | ideal

    def metrics(self, framing: str) -> tuple[str, ...]:
        return (self.goal(framing).metric,)

    def ideal_accuracy(self) -> float:
        """Return E Φ(|d| √T / σ), the mean over d and over the lengths of an evaluation."""
        if self.noise == 0:
            return 1.0
        means = (np.arange(QUADRATURE) + 0.5) / QUADRATURE * self.strength
        found = [
            math.erf(mean * math.sqrt(steps / 2) / self.noise)
            for steps in self.sequence_lengths.evaluated
            for mean in means.tolist()
        ]
        return (1 + math.fsum(found) / len(found)) / 2

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        means_key, noise_key, context_key = jax.random.split(key, 3)
        size = len(lengths)
        means = jax.random.uniform(means_key, (size, 1, 2), minval=-self.strength, maxval=self.strength)
        signals = means + self.noise * jax.random.normal(noise_key, (size, self.length, 2))
        context = jax.nn.one_hot(jax.random.randint(context_key, (size, 1), 0, 2), 2)
        inputs = jnp.concatenate([signals, jnp.broadcast_to(context, signals.shape)], axis=-1)
        real = jnp.arange(self.length) < lengths[:, None]
        inputs = jnp.where(real[..., None], inputs, 0.0)
        if framing == "many_to_one":
            choice = (means * context).sum(axis=(1, 2)) > 0
            return Batch(inputs, choice.astype(jnp.int32), jnp.ones(size, bool), lengths)
        integral = STEP * jnp.cumsum((inputs[..., :2] * inputs[..., 2:]).sum(axis=-1, keepdims=True), axis=1)
        return Batch(inputs, jnp.where(real[..., None], integral, 0.0), real, lengths)
