"""Hidden states, carries and gates of a trained network over time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import EncoderDecoder, Network, OneToMany, Recurrent
from seqlab.diagnostics.recurrent import follow
from seqlab.recurrence.steps import flip, mask_rows
from seqlab.recurrence.trajectory import Trajectory
from seqlab.types import Batch, ConfigError, Params

AXES = ("batch", "time", "feature")
"""The names of the axes of every array of `LayerStates`, but for `real`, which has the first two."""


@dataclasses.dataclass(frozen=True)
class LayerStates:
    """What one layer did in one direction, in the order of time of its inputs.

    Attributes:
        inputs: x_t, float32 `(B, T, F)`.
        hidden: h_t, the output of the layer, `(B, T, H)`.
        carry: the parts of the carry after step t that are not h_t, by name, `(B, T, …)`: "cell" for c_t of
            an LSTM or for a matrix, "cell_0", "cell_1" and so on where there are several.
        gates: the gates of step t by name, in [0, 1], `(B, T, …)`.
        real: bool `(B, T)`, False after a sequence's end, where the other arrays are zero.
    """

    inputs: np.ndarray
    hidden: np.ndarray
    carry: Mapping[str, np.ndarray]
    gates: Mapping[str, np.ndarray]
    real: np.ndarray


def states(network: Network, params: Params, batch: Batch) -> dict[str, LayerStates]:
    """Return the states of every layer on a batch, the lowest first.

    Args:
        network: the network.
        params: its parameters.
        batch: the examples. A decoder and a network of one input read its targets.

    Returns:
        States by `layer_0`, `layer_1` and so on. Those of a backward direction are under `layer_0/backward`,
        those of an encoder under `encoder/layer_0`, and those of its decoder under `layer_0`.

    Raises:
        ConfigError: the network has no recurrence.
    """
    if not isinstance(network, Recurrent):
        raise ConfigError(f"architecture={network.framing} has no recurrent states")
    weights = network.layer_params(params)
    return {
        layer + ("/backward" if direction == "backward" else ""): _layer_states(
            network, weights[layer][direction], trajectory, direction
        )
        for layer, directions in follow(network, params, batch).items()
        for direction, trajectory in directions.items()
    }


def reads_targets(network: Network) -> bool:
    """Return whether the states of a network depend on the targets of a batch."""
    return isinstance(network, (EncoderDecoder, OneToMany))


def _layer_states(network: Recurrent, weights: Params, trajectory: Trajectory, direction: str) -> LayerStates:
    """Return the states of a layer, from what each of its steps read."""
    step = jax.vmap(lambda carry, x: network.stack.cell.apply({"params": weights}, carry, x))
    carry, hidden = step(trajectory.before, trajectory.inputs)
    others = [leaf for leaf in jax.tree.leaves(carry) if not np.array_equal(leaf, hidden)]
    names = ["cell"] if len(others) == 1 else [f"cell_{index}" for index in range(len(others))]
    real_BT = trajectory.real.T
    lengths = jnp.sum(real_BT, axis=1)

    def in_order(time_major: jax.Array) -> np.ndarray:
        array = mask_rows(real_BT, jnp.swapaxes(time_major, 0, 1))
        return np.asarray(flip(array, lengths) if direction == "backward" else array)

    return LayerStates(
        inputs=in_order(trajectory.inputs),
        hidden=in_order(hidden),
        carry=dict(zip(names, map(in_order, others), strict=True)),
        gates={name: in_order(gate) for name, gate in trajectory.gates.items()},
        real=np.asarray(real_BT),
    )
