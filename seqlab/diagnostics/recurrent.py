"""Statistics of every layer of a network: its gates, and how its recurrence stretches the state."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import jax

from seqlab.architectures import Network, Recurrent
from seqlab.diagnostics.gates import gate_statistics
from seqlab.diagnostics.lyapunov import Step, lyapunov_exponents
from seqlab.diagnostics.singular_values import log10_singular_value
from seqlab.diagnostics.spectra import spectra
from seqlab.recurrence import Stack
from seqlab.recurrence.carries import from_vector, to_vector
from seqlab.recurrence.trajectory import Trajectory, trajectories
from seqlab.types import Batch, Carry, Metrics, Params

_log = logging.getLogger(__name__)

DISTANCES = (1, 10, 100)
"""The k at which ∂s_{t+k}/∂s_t is measured, where a batch has as many steps."""

LARGEST = 2**30
"""The most bytes of the states of a batch in a layer whose Jacobians are measured."""

Trajectories = dict[str, dict[str, Trajectory]]
"""The trajectory of every layer and direction: `{layer: {direction: Trajectory}}`, the lowest layer first."""


def follow(network: Network, params: Params, batch: Batch, carries: Any = None) -> Trajectories:
    """Run a network on a batch without noise and return the trajectory of every layer.

    Args:
        network: the network; one without recurrence has no trajectories.
        params: its parameters.
        batch: the batch, with its `resets`.
        carries: the carries before the first step; None for the initial ones.

    Returns:
        Trajectories by the names of `Recurrent.layer_params`.
    """
    if not isinstance(network, Recurrent):
        return {}
    parts = network.stack_inputs(params, batch, carries)
    return {
        place + layer: trajectory
        for place, part in parts.items()
        for layer, trajectory in trajectories(*part).items()
    }


def gates(found: Trajectories, axis: str | None = None) -> Metrics:
    """Return `gates/<name>/…` by `gate_statistics`, for cells that sow their gates.

    The keys of the top layer have no prefix. Those of a lower layer have `layer_<i>/` before the name, and
    those of a backward direction `backward/`.

    Args:
        found: the trajectories of every layer, by `follow`.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.
    """
    metrics: Metrics = {}
    for place, _, _, trajectory in _places(found):
        metrics |= gate_statistics(trajectory.gates, trajectory.real, axis, place)
    return metrics


def jacobians(stack: Stack, params: Params, found: Trajectories, axis: str | None = None) -> Metrics:
    """Return how the recurrence stretches the state s_t, which is the whole carry: c_t and h_t of an LSTM.

    The keys have the prefixes of `gates`. All rows of the batch count. Memory holds the trajectories and up
    to 48 vectors a row. A layer whose states take more than `LARGEST` bytes is left out, with a warning.

    Args:
        stack: the stack of layers.
        params: its parameters, `{layer: {direction: the cell's}}`.
        found: the trajectories of every layer, by `follow`.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.

    Returns:
        `recurrent/spectral_radius` and `recurrent/spectral_norm` of the recurrent matrix (`spectra`),
        `recurrent/lyapunov`, and for each k of `DISTANCES` below T `recurrent/singular_value/<k>`, the
        geometric mean over the rows, which may leave the range of floats, and its exact log10 under
        `recurrent/log10_singular_value/<k>`.
    """
    metrics: Metrics = {}
    for place, layer, direction, trajectory in _places(found):
        weights = params[layer][direction]
        metrics |= spectra(weights, place)
        num_bytes = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(trajectory.before))
        if num_bytes > LARGEST:
            _log.warning(
                "recurrent/%s… is left out: the states of a batch take %.1f GB, more than %.1f GB; "
                "training.batch_size and the cell's state decide it, and gradients=norms omits it",
                *(place, num_bytes / 1e9, LARGEST / 1e9),
            )
            continue
        along = _along(stack.cell, weights, trajectory)
        metrics[f"recurrent/{place}lyapunov"] = lyapunov_exponents(*along, axis)
        for k in DISTANCES:
            if k < len(trajectory.real):
                log10 = log10_singular_value(*along, k, axis, trajectory.resets)
                metrics[f"recurrent/{place}singular_value/{k}"] = 10**log10
                metrics[f"recurrent/{place}log10_singular_value/{k}"] = log10
    return metrics


def largest_exponents(stack: Stack, params: Params, found: Trajectories) -> Metrics:
    """Return the largest Lyapunov exponent of every layer alone, under the keys of `jacobians`, scalars.

    Args:
        stack: the stack of layers.
        params: its parameters, `{layer: {direction: the cell's}}`.
        found: the trajectories of every layer, by `follow`.
    """
    return {
        f"recurrent/{place}lyapunov": lyapunov_exponents(
            *_along(stack.cell, params[layer][direction], trajectory)
        )[0]
        for place, layer, direction, trajectory in _places(found)
    }


def _along(cell: Any, params: Params, trajectory: Trajectory) -> tuple[Step, jax.Array, jax.Array, jax.Array]:
    """Return a layer's step, and what it reads along a trajectory: states `(T, B, N)`, inputs, real steps."""
    step = _step_of(cell, params, trajectory.before)
    return step, to_vector(trajectory.before, 2), trajectory.inputs, trajectory.real


def _places(found: Trajectories) -> Iterator[tuple[str, str, str, Trajectory]]:
    """Yield `(prefix of the keys, layer, direction, trajectory)` of every layer and direction."""
    top = list(found)[-1:]
    for layer, directions in found.items():
        for direction, trajectory in directions.items():
            below = "" if [layer] == top else f"{layer}/"
            yield below + ("backward/" if direction == "backward" else ""), layer, direction, trajectory


def _step_of(cell: Any, params: Params, carry: Carry) -> Step:
    """Return a cell's step as a function of vectors `(B, N)`, for carries `(T, B, …)`, by `to_vector`."""
    like = jax.tree.map(lambda leaf: leaf[0], carry)

    def step(state: jax.Array, x: jax.Array) -> jax.Array:
        return to_vector(cell.apply({"params": params}, from_vector(state, like), x)[0])

    return step
