"""State of a run: all that changes from step to step."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from seqlab.types import Params, Tree

STREAMS = ("params", "batches", "dropout", "noise")
"""The streams of random numbers of a run."""


class TrainState(NamedTuple):
    """The state after `step` updates.

    It has no data iterator and no PRNG key, because the batch and the dropout masks of a step are functions
    of `(seed, step)`.

    Attributes:
        step: int32 scalar, the number of updates made.
        seed: uint32 scalar, the seed of the run.
        params: the parameters of the network.
        optimizer_state: the state of the optax optimiser.
        carries: the recurrent carries with which the rows of a stream continue, `(B, …)` a leaf; empty where
            every batch starts from the initial carries.
    """

    step: jax.Array
    seed: jax.Array
    params: Params
    optimizer_state: optax.OptState
    carries: Tree = ()


def stream(seed: jax.Array, name: str) -> jax.Array:
    """Return the PRNG key of one of a run's independent streams: of `STREAMS`."""
    return jax.random.fold_in(jax.random.key(seed), STREAMS.index(name))


def select(flag: jax.Array, new: TrainState, old: TrainState) -> TrainState:
    """Return the new state where a bool scalar is True, else the old one."""
    return jax.tree.map(lambda new, old: jax.lax.select(flag, new, old), new, old)


def in_default_precision(params: Params) -> Params:
    """Return parameters in JAX's default floating dtype; with `JAX_ENABLE_X64=1` Flax has some in float32."""
    dtype = jnp.result_type(float)
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if jnp.isdtype(leaf.dtype, "real floating") else leaf, params
    )
