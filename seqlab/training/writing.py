"""What does a trained network write? One sequence, shown as text."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import OneToMany, Recurrent
from seqlab.training.program import Program
from seqlab.types import ConfigError, Params


def write_sample(
    program: Program,
    params: Params,
    length: int,
    prompt: str | None = None,
    temperature: float = 1.0,
    seed: int = 0,
) -> str:
    """Let a network go on from a prompt and return prompt and continuation as the task shows them.

    Args:
        program: whose network and task.
        params: the network's parameters.
        length: how many outputs to write.
        prompt: what it goes on from; by default the first example of the validation split.
        temperature: divides the logits before sampling; 0 takes the most probable token.
        seed: of the samples.

    Raises:
        ConfigError: the task's outputs cannot be read back as inputs, or the prompt does not fit.
    """
    require_writer(program)
    task, architecture, network = program.task, program.architecture, program.network
    if prompt is None:
        inputs = task.evaluation_batch(jnp.int32(0), 1, "validation", architecture, task.data).inputs
    else:
        inputs = jnp.asarray(task.read_prompt(prompt, architecture))[None]
    generate = jax.jit(network.generate, static_argnames=("length", "temperature"))
    written = generate(params, inputs, length, jax.random.key(seed), temperature)
    return task.render(_joined(program, inputs[0], written[0]), architecture)


def require_writer(program: Program) -> None:
    """Raise ConfigError where a program's network cannot read back what it writes."""
    task, network = program.task, program.network
    if not isinstance(network, OneToMany) and not (isinstance(network, Recurrent) and task.autoregressive):
        raise ConfigError(
            f"task={task.name} with architecture={program.architecture} cannot generate: legal are "
            "architecture=one_to_many, and recurrent architectures on tasks that predict their own next input"
        )


def natural_length(program: Program) -> int:
    """Return how many outputs make a whole example where the task says so, and 200 where it does not."""
    if not isinstance(program.network, OneToMany):
        return 200
    batch = functools.partial(program.task.batch, size=1, architecture=program.architecture)
    return jax.eval_shape(batch, jax.random.key(0)).targets.shape[1]


def _joined(program: Program, inputs: Any, written: Any) -> np.ndarray:
    """Put the prompt before the continuation where the two are of one kind."""
    if not program.task.autoregressive:
        return np.asarray(written)
    first = inputs[None] if isinstance(program.network, OneToMany) else inputs
    return np.concatenate([np.asarray(first), np.asarray(written)])
