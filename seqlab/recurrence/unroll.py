"""How do steps become time? The only scan over T."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from seqlab.types import Carry, Params


def unroll(
    cell: Any,
    params: Params,
    inputs: jax.Array,
    lengths: jax.Array | None = None,
    carry: Carry | None = None,
    reverse: bool = False,
) -> tuple[Carry, jax.Array]:
    """Run a cell over a batch of sequences.

        (carry_t, y_t) = cell(carry_{t−1}, x_t),  t = 1 … length

    A sequence's outputs after its end are zero, and its final carry is the one at its last real step.

    Args:
        cell: a `flax.linen.RNNCellBase` without its own variables beyond `params`.
        params: the cell's parameters.
        inputs: `(B, T, F)`, floating point.
        lengths: int32 `(B,)`, the real steps of each sequence, at most T; None for T each.
        carry: the carry before the first step; the cell's own (zeros) by default.
        reverse: whether each sequence is read from its last real step to its first. The outputs stand in the
            original order.

    Returns:
        The final carry, and the outputs `(B, T, H)`.

    Source: ONNX operators RNN, GRU and LSTM, `sequence_lens`, for the rule on padding.
    """
    if carry is None:
        carry = initial_carry(cell, params, inputs)
    if reverse:
        inputs = flip(inputs, lengths)
    steps_TBF = jnp.swapaxes(inputs, 0, 1)
    if lengths is None:
        carry, outputs_TBH = jax.lax.scan(
            lambda carry, x: cell.apply({"params": params}, carry, x), carry, steps_TBF
        )
    else:
        carry, outputs_TBH = jax.lax.scan(
            lambda carry, step: _masked_step(cell, params, carry, *step),
            carry,
            (steps_TBF, real_steps(lengths, inputs.shape[1]).T),
        )
    outputs = jnp.swapaxes(outputs_TBH, 0, 1)
    return carry, flip(outputs, lengths) if reverse else outputs


def initial_carry(cell: Any, params: Params, inputs: jax.Array) -> Carry:
    """Return the cell's initial carry for inputs `(B, T, F)`, in the dtype that a step returns."""
    dtype = jnp.result_type(inputs, *jax.tree.leaves(params))
    carry = cell.initialize_carry(jax.random.key(0), (inputs.shape[0], inputs.shape[-1]))
    return jax.tree.map(lambda leaf: leaf.astype(dtype), carry)


def real_steps(lengths: jax.Array, num_steps: int) -> jax.Array:
    """Return bool `(B, T)`: whether step t of each sequence is before its end."""
    return jnp.arange(num_steps) < lengths[:, None]


def flip(sequences: jax.Array, lengths: jax.Array | None) -> jax.Array:
    """Reverse the real steps of each sequence `(B, T, …)`, the padding staying behind them."""
    if lengths is None:
        return jnp.flip(sequences, axis=1)
    t = jnp.arange(sequences.shape[1])
    source = jnp.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)
    return jnp.take_along_axis(sequences, source.reshape(source.shape + (1,) * (sequences.ndim - 2)), axis=1)


def _masked_step(cell: Any, params: Params, carry: Carry, x: jax.Array, real: jax.Array) -> tuple:
    """Take a step where bool `real` `(B,)`; elsewhere keep the carry and put out zeros."""
    stepped, y = cell.apply({"params": params}, carry, x)
    keep = lambda new, old: jnp.where(real.reshape(real.shape + (1,) * (new.ndim - 1)), new, old)  # noqa: E731
    return jax.tree.map(keep, stepped, carry), keep(y, jnp.zeros_like(y))
