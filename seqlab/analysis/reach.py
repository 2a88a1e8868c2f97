"""Reach of the gradient of a trained run: how far back its last answer depends on its inputs."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import Recurrent
from seqlab.diagnostics import Observation
from seqlab.diagnostics.recurrent import largest_exponents
from seqlab.diagnostics.through_time import log10_norm
from seqlab.tasks import quick_options
from seqlab.training import Program
from seqlab.types import Batch, Metrics, Params

REMAINS = 0.01
"""The share of the gradient at the last answer that a step must have to be reached."""

DECADES, EXPONENT = "reach/log10_norm", "recurrent/lyapunov"


class Reach(NamedTuple):
    """How the gradient of a run decays with the distance to its last answer.

    Attributes:
        before: log10 of ‖∂L/∂x_{n−k}‖ / ‖∂L/∂x_n‖ before the first update, over k, `(T,)`. L is the loss of
            the last answer alone, and n its position.
        after: the same with the best parameters.
        exponents: the largest Lyapunov exponent of the top layer with these two, in nats a step.
    """

    before: np.ndarray
    after: np.ndarray
    exponents: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class LastAnswer:
    """Diagnostic of the gradient of the last answer by its distance, and of the largest Lyapunov exponent.

    Attributes:
        exponents: whether the Lyapunov exponent is computed.
    """

    exponents: bool
    every: int | None = None

    def diagnose(self, observation: Observation) -> Metrics:
        network, flow = observation.network, observation.update.flow
        if not isinstance(network, Recurrent):
            return {}
        norms = jnp.concatenate(list(flow["inputs"].values()))
        k = jnp.arange(norms.shape[1])
        place = last_answers(observation.batch, norms.shape[1])[:, None] - k
        turned = jnp.where(place >= 0, jnp.take_along_axis(norms, jnp.maximum(place, 0), axis=1), 0)
        found: dict[str, Any] = {DECADES: log10_norm(turned, place >= 0)}
        if self.exponents:
            params = network.layer_params(observation.params)
            found |= largest_exponents(network.stack, params, observation.trajectories)
        return found


def last_answers(batch: Batch, num_steps: int) -> jax.Array:
    """Return the position of the last target that counts in each sequence, int32 `(B,)`."""
    if batch.mask.ndim == 2:
        positions = jnp.arange(batch.mask.shape[1])
        return jnp.max(jnp.where(batch.mask, positions, 0), axis=1)
    return jnp.full(len(batch.mask), num_steps - 1) if batch.lengths is None else batch.lengths - 1


def of_last_answers(batch: Batch) -> Batch:
    """Return a batch in which the last target that counts in each sequence is the only one that does."""
    if batch.mask.ndim == 1:
        return batch
    last = last_answers(batch, batch.mask.shape[1])
    return batch._replace(mask=batch.mask & (jnp.arange(batch.mask.shape[1]) == last[:, None]))


def measure_reach(program: Program, best: Params, seed: int, exponents: bool = False) -> Reach:
    """Measure the gradients of a run's first parameters and of its best ones, on its first batch.

    Runs whose programs are equal share one compiled function.

    Args:
        program: the run's program, by `seqlab.runs.load`.
        best: its best parameters.
        seed: its seed.
        exponents: whether the Lyapunov exponents are computed; they are NaN otherwise.
    """
    program = dataclasses.replace(program, diagnostics=(LastAnswer(exponents),))
    found = jax.device_get(_compiled()(program, jnp.uint32(seed), best))
    before, after = (norms - norms[0] for norms in np.asarray(found[DECADES], float))
    first, last = (float(one) for one in found.get(EXPONENT, (math.nan, math.nan)))
    return Reach(before, after, (first, last))


@functools.cache
def _compiled() -> Any:
    return jax.jit(_measure, static_argnums=0, compiler_options=quick_options())


def _measure(program: Program, seed: jax.Array, best: Params) -> Metrics:
    """Return the diagnostics with the first and the best parameters, side by side along the first axis."""
    start = program.init(seed, program.task.data)
    batch = of_last_answers(program.batch(seed, start.step, program.task.data))

    def diagnose(params: Params) -> Metrics:
        return program.diagnose(start._replace(params=params), batch)

    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), start.params, best)
    return jax.lax.map(diagnose, both)


def reach(decades: np.ndarray) -> int:
    """Return the greatest distance at which at least 1 % of the gradient at the end remains.

    It is 0 where the gradient at the end is zero or no number, so that nothing can be compared with it.
    """
    return int(np.flatnonzero(decades >= math.log10(REMAINS))[-1:].sum())
