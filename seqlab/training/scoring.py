"""What do the field's own libraries say of what a network writes? Scores of a whole split."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.generation.decoding import free_run
from seqlab.generation.most_likely import likeliest
from seqlab.training.program import Program
from seqlab.types import Params


def score(program: Program, params: Params, split: str, prefix: str) -> dict[str, float]:
    """Return what a task scores the most probable outputs of a split with, as `<prefix>/<score>`.

    Where the network is judged freely, they are what it writes when it reads its own.

    Args:
        program: whose network and task.
        params: the network's parameters.
        split: "train", "validation" or "test".
        prefix: of the names.
    """
    task = program.task
    if not task.scored:
        return {}
    blocks = jax.device_get(_predictor(program, split)(params, task.data))
    count = task.num_evaluation(split, program.architecture)
    arrays = (np.concatenate(parts)[:count] for parts in blocks)
    return {f"{prefix}/{name}": value for name, value in task.scores(*arrays, split).items()}


@functools.lru_cache(maxsize=8)
def _predictor(program: Program, split: str) -> Callable[..., Any]:
    """Return the jitted pass over a split: predictions, targets and mask, `(blocks, B, …)`."""
    task, size = program.task, program.training.evaluation_batch_size
    num_blocks = -(-task.num_evaluation(split, program.architecture) // size)

    def one(params: Params, data: Any, index: jax.Array) -> tuple[jax.Array, ...]:
        batch = task.evaluation_batch(index, size, split, program.architecture, data)
        network = program.network
        written = free_run(network, params, batch) if network.free_running else network.apply(params, batch)
        return likeliest(network.outputs, written, batch.lengths), batch.targets, batch.mask

    def every(params: Params, data: Any) -> tuple[jax.Array, ...]:
        return jax.lax.map(functools.partial(one, params, data), jnp.arange(num_blocks))

    return jax.jit(every)
