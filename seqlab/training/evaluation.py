"""How good are predictions, and parameters over the whole of a split? The loss and the metrics."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from seqlab import objectives
from seqlab.architectures import OneToMany
from seqlab.objectives import Mean
from seqlab.training import devices
from seqlab.types import Batch, Params, Tokens

if TYPE_CHECKING:
    from seqlab.training.program import Program


def judge(program: Program, predictions: jax.Array, batch: Batch) -> dict[str, Mean]:
    """Return the loss and the metrics of a batch, over all devices."""
    task, architecture = program.task, program.architecture
    means = {"loss": objectives.loss(task.output_spec(architecture), predictions, batch)}
    for name in task.metrics(architecture):
        part, _, metric = name.rpartition("/")
        compared = task.part(part, predictions, batch) if part else (predictions, batch)
        means[name] = objectives.metric(metric, *compared)
    return devices.total(means, program.num_devices)


def evaluate(program: Program, params: Params, data: Any, split: str) -> dict[str, Mean]:
    """Return the loss and the metrics over the whole of a split's evaluation pass.

    A network that reads its own outputs is fed the true ones here; where those are vectors, the same metrics
    of what it writes when running freely are added as `free_running/<metric>`.

    Args:
        program: how they are trained; over several devices, this runs inside `shard_map` over `devices.ROWS`.
        params: what is judged.
        data: the task's resident arrays.
        split: validation or test.
    """
    task, architecture, network = program.task, program.architecture, program.network
    size = program.training.evaluation_batch_size
    num_batches = -(-task.num_evaluation(split, architecture) // size)
    writes = isinstance(network, OneToMany) and not isinstance(task.output_spec(architecture), Tokens)

    def one(index: jax.Array) -> dict[str, Mean]:
        batch = task.evaluation_batch(index, size, split, architecture, data)
        batch = devices.share(batch, program.num_devices)
        means = judge(program, network.apply(params, batch), batch)
        if writes:
            written = network.generate(params, batch.inputs, batch.targets.shape[1], jax.random.key(0))
            free = judge(program, written, batch)
            means |= {f"free_running/{name}": free[name] for name in task.metrics(architecture)}
        return means

    sums = jax.lax.map(one, jnp.arange(num_batches))
    return jax.tree.map(functools.partial(jnp.sum, axis=0), sums)
