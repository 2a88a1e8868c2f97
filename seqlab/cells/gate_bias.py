"""Initial biases of gates: chrono initialisation and the forget gate's bias."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from seqlab.checks import require_number


class Gated(Protocol):
    """What `gate_bias` reads of a cell."""

    gates: ClassVar[tuple[str, ...]]
    """Letters of the gates, in the order of the blocks of the bias."""
    keeping: ClassVar[Mapping[str, int]]
    """Gates that keep the state (1) and gates that write it (−1)."""

    @property
    def features(self) -> int:
        """H."""
        ...

    @property
    def param_dtype(self) -> DTypeLike:
        """Dtype of the bias."""
        ...

    @property
    def chrono(self) -> float | None:
        """T_max of the chrono initialisation; None turns it off."""
        ...


def gate_bias(cell: Gated, key: jax.Array, forget: float | jax.Array | None = None) -> jax.Array:
    """Return the initial bias of a cell, `(G·H,)`.

    With `cell.chrono` = T_max, chrono initialisation. A unit whose gate keeps σ(b) of its state at every step
    forgets within 1 / (1 − σ(b)) = 1 + exp(b) steps. Chrono initialisation spreads that time over [2, T_max]:

        b = ±ln u,  u ~ U[1, T_max − 1]

    There is one u for each unit. The sign is + for a gate that keeps the state when open, and − for a gate
    that writes it: b_f = ln u and b_i = −ln u in the LSTM. All other biases are zero.

    Args:
        cell: the cell.
        key: PRNG key.
        forget: the bias of the forget gate f without chrono initialisation; None for zero.

    Source: Tallec & Ollivier 2018, "Can recurrent neural networks warp time?". Deviation: the signs follow
    the equation of each cell; the z of our GRU keeps the state.
    """
    H = cell.features
    blocks = dict.fromkeys(cell.gates, jnp.zeros(H, cell.param_dtype))
    if cell.chrono is not None:
        log_u = jnp.log(jax.random.uniform(key, (H,), cell.param_dtype, 1.0, cell.chrono - 1.0))
        blocks |= {gate: sign * log_u for gate, sign in cell.keeping.items()}
    elif forget is not None:
        blocks["f"] = jnp.full(H, forget, cell.param_dtype)
    return jnp.concatenate(list(blocks.values()))


def require_chrono(cell: Gated) -> None:
    """Raise ValueError where a cell's `chrono` is neither None nor a finite number, at least 2."""
    if cell.chrono is not None:
        require_number(cell, "chrono", 2.0)
