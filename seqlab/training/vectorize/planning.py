"""Choice of a plan for many runs: measured where it pays, and within the free memory."""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.training.advance import prefetch
from seqlab.training.memory import SHARE_OF_MEMORY, free_memory, num_bytes, saved_bytes
from seqlab.training.program import Program
from seqlab.training.vectorize.compiled import CompiledFunctions, resident_data
from seqlab.training.vectorize.family import Family, Hyperparameters
from seqlab.training.vectorize.plan import Plan, pays_together

MEASURED_FROM = 200_000
"""The updates of all runs together from which plans are measured; each takes some five seconds to compile."""

MIDDLE_SIZE = 4
"""A vmap_size between one and all that is tried: small batched products, and most fixed costs are shared."""

SECONDS = 0.2
"""How long a plan is measured."""


def choose_plan(
    family: Family,
    num_runs: int,
    hyperparameters: Hyperparameters,
    vmap_size: int | None = None,
    num_devices: int | None = None,
) -> tuple[Plan, dict[str, float]]:
    """Choose a plan for runs of a family.

    Args:
        family: the family.
        num_runs: the number of runs; the plan may have room for a few more, for equal shares of the devices.
        hyperparameters: those of any of the runs.
        vmap_size: the number of runs that are stepped together; None to measure, or to follow a rule where
            there are few updates.
        num_devices: the number of devices; None for all.

    Returns:
        The plan, and the measured microseconds of an update by `vmap_size_<n>`; empty without measurement.
    """
    num_devices = min(num_devices or len(jax.local_devices()), num_runs)
    share = -(-num_runs // num_devices)
    if vmap_size is None and (num_runs * family.program.training.steps < MEASURED_FROM or share == 1):
        vmap_size = _likely(family.program, share)
    candidates = (1, MIDDLE_SIZE, share) if vmap_size is None else (vmap_size,)
    plans = [_plan(share, size, num_devices) for size in sorted({min(size, share) for size in candidates})]
    fitting = [
        plan
        for plan in plans
        if plan.num_runs <= most_runs(family.program, plan.vmap_size * num_devices, num_devices)
    ]
    if len(fitting) < 2:
        return (fitting or plans)[0], {}
    seconds = {plan: _seconds_per_update(family, plan, hyperparameters) for plan in fitting}
    best = min(fitting, key=seconds.__getitem__)
    return best, {f"vmap_size_{plan.vmap_size}": 1e6 * taken for plan, taken in seconds.items()}


def most_runs(program: Program, in_flight: int, num_devices: int) -> int:
    """Return how many runs fit into the memory of some devices as one program.

    It is at least one, as this is an estimate: a run that has no room by itself fails by its own error.

    Each run has three states: its own, the next, and the gradients. A run that is being stepped also has the
    residuals of its backward pass, as much again for what that computes, and its prefetched batches.
    """
    free = SHARE_OF_MEMORY * free_memory(num_devices) - in_flight * _bytes_in_flight(program)
    return max(1, int(min(free // (3 * num_bytes(program.shapes)), 1_000_000)))


def _plan(share: int, vmap_size: int, num_devices: int) -> Plan:
    """Return the plan of equal shares in whole groups, with the least room to spare."""
    return Plan(-(-share // vmap_size) * vmap_size * num_devices, vmap_size, num_devices)


def _likely(program: Program, share: int) -> int:
    """Return the vmap_size that is likely the fastest."""
    return share if pays_together(program.training.batch_size, program.network.cell.features) else 1


def _seconds_per_update(family: Family, plan: Plan, hyperparameters: Hyperparameters) -> float:
    """Measure the updates of a plan, from states of zeros."""
    functions = CompiledFunctions(family, plan)
    data = resident_data(family.program.task, plan)
    moving = {
        key: np.full(plan.num_runs, value) for key, value in functions.after_init(hyperparameters).items()
    }
    placed, active = plan.place(moving, plan.per_run), np.ones(plan.num_runs, bool)

    def seconds(num_steps: int) -> float:
        shapes = plan.stacked(family.program.shapes)
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        states = jax.block_until_ready(plan.place(zeros, plan.state))
        begun = time.perf_counter()
        span = np.array([0, num_steps], np.int32)
        jax.block_until_ready(functions.advance(states, placed, active, span, data))
        return (time.perf_counter() - begun) / num_steps

    seconds(1)
    num_steps = int(np.clip(SECONDS / seconds(1), 1, family.program.training.steps_per_call))
    return seconds(num_steps) / plan.num_runs


def _bytes_in_flight(program: Program) -> int:
    """Return the bytes of a step's residuals, twice, and of the prefetched batches."""
    state = program.shapes
    batches = jax.eval_shape(lambda *of_run: prefetch(program, *of_run), state, program.task.data)
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), batches)
    return num_bytes(batches) + 2 * saved_bytes(program, one)
