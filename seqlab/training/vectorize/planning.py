"""Which plan is the fastest for many runs, and how many fit? Measured where it pays, and within memory."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.diagnostics import Settings
from seqlab.training.program import Program
from seqlab.training.vectorize.family import Family, Functions, Numbers
from seqlab.training.vectorize.plan import Plan

MEASURED_FROM = 200_000
"""How many updates, over all runs, make it worth measuring plans: each costs some five seconds to compile."""

SMALL = 256
"""B·H up to which runs step together on CPUs where nothing is measured: XLA's fixed cost a step outweighs
what batched small matrix products lose. See experiments/vectorised_sweeps."""

MIDDLE_BLOCK = 4
"""A block between one and all, worth trying: small batched products, most of the fixed costs shared."""

SECONDS = 0.2
"""How long a plan is measured."""

SHARE_OF_MEMORY = 0.5
"""How much of the free memory the runs of one program may take."""


def choose_plan(
    family: Family,
    num_runs: int,
    numbers: Numbers,
    block: int | None = None,
    num_devices: int | None = None,
) -> tuple[Plan, dict[str, float]]:
    """Return a plan for runs of a family, and what was measured.

    Args:
        family: whose runs.
        num_runs: how many; the plan may have room for a few more, so that devices have equal shares.
        numbers: those of any of the runs.
        block: how many step together; None lets a measurement decide, or a rule where there are few updates.
        num_devices: over how many devices; None for all there are.

    Returns:
        The plan, and the microseconds of an update by the block, of the plans that were measured.
    """
    num_devices = min(num_devices or len(jax.local_devices()), num_runs)
    share = -(-num_runs // num_devices)
    if block is None and (num_runs * family.program.training.steps < MEASURED_FROM or share == 1):
        block = _likely(family.program, share)
    sizes = {min(size, share) for size in ((1, MIDDLE_BLOCK, share) if block is None else (block,))}
    plans = [_plan(share, size, num_devices) for size in sorted(sizes)]
    fitting = [plan for plan in plans if plan.num_runs <= most_runs(family.program, plan.block * num_devices)]
    if len(fitting) < 2:
        return (fitting or plans)[0], {}
    seconds = {plan: _seconds_per_update(family, plan, numbers) for plan in fitting}
    best = min(fitting, key=seconds.__getitem__)
    return best, {f"block_{plan.block}": 1e6 * taken for plan, taken in seconds.items()}


def most_runs(program: Program, in_flight: int) -> int:
    """Return how many runs fit into memory as one program, at least one.

    Each has three states (its own, the next, and its gradients); those that are in flight have besides what
    the loss saves for its backward pass, with as much again for what that makes, and the batches drawn ahead.
    """
    free = SHARE_OF_MEMORY * _free_memory() - in_flight * _bytes_in_flight(program)
    return max(1, int(min(free // (3 * _num_bytes(program.shapes)), 1_000_000)))


def _plan(share: int, block: int, num_devices: int) -> Plan:
    """Return the plan of equal shares in whole blocks that holds them with the least padding."""
    return Plan(-(-share // block) * block * num_devices, block, num_devices)


def _likely(program: Program, share: int) -> int:
    """Return the block that is likely the fastest."""
    if jax.default_backend() != "cpu":
        return share
    return share if program.training.batch_size * program.network.cell.features <= SMALL else 1


def _seconds_per_update(family: Family, plan: Plan, numbers: Numbers) -> float:
    """Measure a plan on states of zeros, nothing being told of gradients."""

    def quiet(program: Program) -> Program:
        return dataclasses.replace(program, gradients=Settings("off", 1))

    probe = dataclasses.replace(
        family,
        key=("probe", family.key),
        program=quiet(family.program),
        at=lambda given: quiet(family.at(given)),
    )
    functions = Functions(probe, plan)
    data = plan.place(family.program.task.data)
    moving = {
        key: np.full(plan.num_runs, value) for key, value in numbers.items() if key not in family.starts
    }
    own = plan.place(moving, plan.own), np.ones(plan.num_runs, bool)

    def seconds(num_steps: int) -> float:
        states = jax.tree.map(
            lambda leaf: jnp.zeros((plan.num_runs, *leaf.shape), leaf.dtype), family.program.shapes
        )
        states = jax.block_until_ready(plan.place(states, plan.state))
        begun = time.perf_counter()
        jax.block_until_ready(functions.advance(states, own, np.array([0, num_steps], np.int32), data))
        return (time.perf_counter() - begun) / num_steps

    seconds(1)
    num_steps = int(np.clip(SECONDS / seconds(1), 1, family.program.training.steps_per_call))
    return seconds(num_steps) / plan.num_runs


def _num_bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _bytes_in_flight(program: Program) -> int:
    """Return what a step saves for its way back, twice, and the batches drawn ahead, in bytes."""
    state = program.shapes
    ahead = jax.eval_shape(program.batches, state, program.task.data)
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), ahead)

    def saved(params: Any, batch: Any) -> Any:
        return jax.vjp(lambda params: program.network.apply(params, batch), params)[1]

    return _num_bytes(ahead) + 2 * _num_bytes(jax.eval_shape(saved, state.params, one))


def _free_memory() -> float:
    """Return the bytes that are free where the runs will lie; no bound where nobody tells."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return (stats["bytes_limit"] - stats["bytes_in_use"]) * len(jax.local_devices())
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return float("inf")
