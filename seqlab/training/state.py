"""What changes from step to step? Everything a run needs to go on, and nothing else."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import optax

from seqlab.types import Params


class TrainState(NamedTuple):
    """The state after `step` updates.

    The batch and the dropout masks of a step are functions of (seed, step), so there is neither an iterator
    nor a key to carry.

    Attributes:
        step: int32 scalar, how many updates have been made.
        seed: uint32 scalar, the run's seed.
        params: the network's parameters.
        optimizer_state: optax's.
        carries: the recurrent carries that each row of a stream goes on from, `(B, H)` a leaf; empty where
            every batch starts anew.
    """

    step: jax.Array
    seed: jax.Array
    params: Params
    optimizer_state: optax.OptState
    carries: Any = ()


def stream(seed: jax.Array, name: str) -> jax.Array:
    """Return the PRNG key of one of a run's independent streams: "params", "batches" or "dropout"."""
    return jax.random.fold_in(jax.random.key(seed), ("params", "batches", "dropout").index(name))
