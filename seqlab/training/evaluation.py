"""How good are predictions, and parameters over the whole of a split? The loss and the metrics."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from seqlab import metrics
from seqlab.generation.decoding import free_run
from seqlab.metrics import Mean
from seqlab.training import devices
from seqlab.types import Batch, Params

if TYPE_CHECKING:
    from seqlab.training.program import Program


def judge(program: Program, predictions: jax.Array, batch: Batch) -> dict[str, Mean]:
    """Return the loss and the metrics of this device's rows of a batch."""
    task, architecture = program.task, program.architecture
    means = {"loss": metrics.loss(task.output_spec(architecture), predictions, batch)}
    for name in task.metrics(architecture):
        part, _, metric = name.rpartition("/")
        compared = task.part(part, predictions, batch) if part else (predictions, batch)
        means[name] = metrics.metric(metric, *compared)
    return means


def evaluate(program: Program, params: Params, data: Any, split: str) -> dict[str, Mean]:
    """Return the loss and the metrics over the whole of a split's evaluation pass.

    A network that reads its own outputs is fed the true ones here; where what it writes when running
    freely is judged too (`Network.free_running`), that is added as `free_running/<metric>`.

    Args:
        program: how they are trained; over several devices, this runs inside `shard_map` over `devices.ROWS`.
        params: what is judged.
        data: the task's resident arrays.
        split: validation or test.
    """
    task, architecture, network = program.task, program.architecture, program.network
    size = program.training.evaluation_batch_size
    num_batches = -(-task.num_evaluation(split, architecture) // size)

    def one(index: jax.Array) -> dict[str, Mean]:
        batch = task.evaluation_batch(index, size, split, architecture, data)
        batch = devices.share(batch, program.num_devices)
        means = judge(program, network.apply(params, batch), batch)
        if network.free_running:
            free = judge(program, free_run(network, params, batch), batch)
            means |= {f"free_running/{name}": mean for name, mean in free.items()}
        return means

    sums = jax.lax.map(one, jnp.arange(num_batches))
    return devices.total(jax.tree.map(functools.partial(jnp.sum, axis=0), sums), program.num_devices)
