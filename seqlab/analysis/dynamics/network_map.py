"""The recurrent layers of a network as a map on vectors, and the states that it visits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import Network, Recurrent
from seqlab.diagnostics.recurrent import follow
from seqlab.recurrence.carries import from_vector, to_vector
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Params, Tokens

MOST_NUMBERS = 2048
"""The largest state whose Jacobians fit in memory."""


class NetworkMap:
    """The recurrent layers of a network as one map in float64, s_t = F(s_{t−1}, x_t).

    The state s is a vector of the N numbers in the carries of all layers, the lowest layer first.
    """

    def __init__(self, network: Network, params: Params) -> None:
        """Take the network and its parameters.

        Raises:
            ConfigError: the network does not run forwards in time alone, or its state is too large.
        """
        self.network = network = _forwards(network)
        with jax.enable_x64(True):
            self.params = jax.tree.map(_wide, params)
            example = jnp.zeros((1, 1, network.num_inputs))
            self._carries = network.stack.initial_carries(self.params["recurrence"], example)
        if self.size > MOST_NUMBERS:
            raise ConfigError(
                f"the state of the run's network holds {self.size} numbers: legal are up to {MOST_NUMBERS}"
            )

    @property
    def size(self) -> int:
        """N."""
        return sum(leaf.size for leaf in jax.tree.leaves(self._carries))

    def step(self, states: jax.Array, inputs: jax.Array) -> jax.Array:
        """Return F(s, x), `(B, N), (B, F) -> (B, N)`."""
        return self._run(states, inputs)[0]

    def outputs(self, states: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Return what the readout says after a step from each state, `(B, N), (B, F) -> (B, O)`."""
        with jax.enable_x64(True):
            hidden = self._run(jnp.asarray(states), jnp.asarray(inputs))[1]
            return np.asarray(self.network.read_out(self.params, hidden))

    def _run(self, states: jax.Array, inputs: jax.Array) -> tuple[jax.Array, jax.Array]:
        stack, weights = self.network.stack, self.params["recurrence"]
        carries, hidden = stack.apply(weights, inputs[:, None], carries=from_vector(states, self._carries))
        return to_vector(carries), hidden[:, 0]

    def visited(self, batch: Batch) -> Visited:
        """Return the states that the network visits on a batch."""
        with jax.enable_x64(True):
            batch = jax.tree.map(_wide, batch)
            found = jax.jit(lambda params, batch: follow(self.network, params, batch))(self.params, batch)
            before = {
                layer: {direction: one.before for direction, one in directions.items()}
                for layer, directions in found.items()
            }
            inputs, real = next((one.inputs, one.real) for one in found["layer_0"].values())
            return Visited(np.asarray(to_vector(before, num_axes=2)), np.asarray(inputs), np.asarray(real))


class Visited(NamedTuple):
    """The steps of a network on a batch, time-major.

    Attributes:
        states: s_{t−1}, the state that step t reads, float64 `(T, B, N)`.
        inputs: x_t, what the lowest layer reads, float64 `(T, B, F)`.
        real: bool `(T, B)`, False after a sequence's end.
    """

    states: np.ndarray
    inputs: np.ndarray
    real: np.ndarray


def read_constant_input(
    task: Task, network: Recurrent, params: Params, given: str | Sequence[float] | None
) -> np.ndarray:
    """Return the constant input of the lowest layer, float64 `(F,)`.

    Args:
        task: reads a symbol.
        network: says what an input is.
        params: of the network, for a learned encoding.
        given: None for zeros; a symbol or its number, where the network reads tokens; otherwise F numbers,
            as a list or as a text with commas.

    Raises:
        ConfigError: it is none of these.
    """
    if given is None:
        return np.zeros(network.num_inputs)
    if isinstance(network.inputs, Tokens) and network.framing != "one_to_many":
        return _symbol(task, network, params, given)
    try:
        numbers = np.array([float(one) for one in (given.split(",") if isinstance(given, str) else given)])
    except ValueError:
        numbers = np.zeros(0)
    if numbers.shape != (network.num_inputs,) or not np.isfinite(numbers).all():
        raise ConfigError(
            f"constant_input={given}: legal are the {network.num_inputs} numbers that a step reads"
        )
    return numbers


def _symbol(task: Task, network: Recurrent, params: Params, given: Any) -> np.ndarray:
    """Return the encoding of one symbol, which is given as the task shows it or by its number."""
    size = network.inputs.size
    try:
        tokens = np.atleast_1d(task.read_input(given, network.framing))
    except ConfigError:  # it is no symbol, or the task has no written form of its symbols
        tokens = np.array([int(given)] if str(given).isdecimal() and int(given) < size else [], int)
    if tokens.shape != (1,):
        raise ConfigError(f"constant_input={given}: legal is one symbol, or its number from 0 to {size - 1}")
    return np.asarray(network.encode(params, jnp.asarray(tokens)), float)[0]


def _forwards(network: Network) -> Recurrent:
    """Return the network, if the state after a step depends on earlier steps alone."""
    if not isinstance(network, Recurrent) or network.framing == "encoder_decoder":
        raise ConfigError(
            f"architecture={network.framing} does not map one state to the next: legal are "
            "one_to_many, many_to_one, many_to_many"
        )
    if network.bidirectional:
        raise ConfigError(
            "architecture.bidirectional=true does not map one state to the next, as it reads later inputs: "
            "legal value is false"
        )
    return network


def _wide(leaf: Any) -> Any:
    is_float = jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.floating)
    return jnp.asarray(leaf, jnp.float64) if is_float else jnp.asarray(leaf)
