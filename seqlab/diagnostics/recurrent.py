"""What is told of the recurrence itself? Gates, spectra and how the state is stretched, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.architectures import Network, Recurrent
from seqlab.diagnostics.gates import gate_statistics
from seqlab.diagnostics.lyapunov import Step, lyapunov_exponents
from seqlab.diagnostics.singular_values import log10_singular_value
from seqlab.diagnostics.spectra import spectra
from seqlab.recurrence import Stack
from seqlab.recurrence.trajectory import Trajectory, trajectories
from seqlab.types import Batch, Carry, Metrics, Params

DISTANCES = (1, 10, 100)
"""The k at which ∂s_{t+k}/∂s_t is measured, where a batch has as many steps."""

Met = dict[str, dict[str, Trajectory]]


def follow(network: Network, params: Params, batch: Batch, carries: Any = None) -> Met:
    """Return what every layer meets on a batch, without noise; nothing where nothing recurs.

    Args:
        network: whose layers they are.
        params: the network's.
        batch: its `resets` are obeyed.
        carries: those before the first step, as in `Recurrent.apply_with_carries`.

    Returns:
        `{layer: {direction: Trajectory}}`, by the names of `Recurrent.layer_params`.
    """
    if not isinstance(network, Recurrent):
        return {}
    parts = network.stack_inputs(params, batch, carries)
    return {place + layer: met for place, part in parts.items() for layer, met in trajectories(*part).items()}


def gates(met: Met, axis: str | None = None) -> Metrics:
    """Return `gates/<name>/…` by `gate_statistics`, of the cells that tell their gates.

    The keys are those of the top layer; those of a layer below have `layer_<i>/` before the name, and those
    of a backward direction `backward/`.

    Args:
        met: what every layer met, by `follow`.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.
    """
    metrics: Metrics = {}
    for place, _, _, trajectory in _places(met):
        metrics |= gate_statistics(trajectory.gates, trajectory.real, axis, place)
    return metrics


def jacobians(stack: Stack, params: Params, met: Met, axis: str | None = None) -> Metrics:
    """Return how the recurrence stretches the state, s_t being all of a carry: c_t and h_t of an LSTM.

    The keys stand for layers and directions as those of `gates` do. All rows count; what is held meanwhile
    are the states met, `(T, B)` of each carry, and two or four vectors a row.

    Args:
        stack: whose steps they are.
        params: the stack's.
        met: what every layer met, by `follow`.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.

    Returns:
        `recurrent/spectral_radius` and `recurrent/spectral_norm` of the recurrent matrix (`spectra`),
        `recurrent/lyapunov`, and for each k of `DISTANCES` below T `recurrent/singular_value/<k>`, the
        geometric mean over the rows, which may leave the range of floats, and its exact log10 under
        `recurrent/log10_singular_value/<k>`.
    """
    metrics: Metrics = {}
    for place, layer, direction, trajectory in _places(met):
        own = params[layer][direction]
        step = _step_of(stack.cell, own, trajectory.before)
        along = step, _joined(trajectory.before), trajectory.inputs, trajectory.real
        metrics |= spectra(own, place)
        metrics[f"recurrent/{place}lyapunov"] = lyapunov_exponents(*along, axis)
        for k in DISTANCES:
            if k < len(trajectory.real):
                log10 = log10_singular_value(*along, k, axis, trajectory.resets)
                metrics[f"recurrent/{place}singular_value/{k}"] = 10**log10
                metrics[f"recurrent/{place}log10_singular_value/{k}"] = log10
    return metrics


def _places(met: Met) -> Iterator[tuple[str, str, str, Trajectory]]:
    """Yield every layer and direction, and what stands for it in a key."""
    top = list(met)[-1:]
    for layer, directions in met.items():
        for direction, trajectory in directions.items():
            below = "" if [layer] == top else f"{layer}/"
            yield below + ("backward/" if direction == "backward" else ""), layer, direction, trajectory


def _step_of(cell: Any, params: Params, carry: Carry) -> Step:
    """Return a cell's step as a function of its carry, of the form given, laid side by side."""
    leaves, form = jax.tree.flatten(carry)

    def step(state: jax.Array, x: jax.Array) -> jax.Array:
        carry = form.unflatten(jnp.split(state, len(leaves), axis=-1))
        return _joined(cell.apply({"params": params}, carry, x)[0])

    return step


def _joined(carry: Carry) -> jax.Array:
    """Lay the leaves of a carry side by side, `(…, N)`."""
    return jnp.concatenate(jax.tree.leaves(carry), axis=-1)
