"""Noise that regularises a recurrence in training: masks on its weights, its state or its steps.

All masks are functions of a key, so a resumed or replicated run draws the same. Without a key there is no
noise.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from seqlab.recurrence.carries import from_vector, state_size
from seqlab.recurrence.protocols import MasksZoneout, RecurrentCell
from seqlab.types import Carry, Params


class Noise(NamedTuple):
    """Noise in the steps of one layer and direction, for one pass over a batch.

        h_{t−1} ← h_{t−1} ⊙ mask                                  recurrent dropout, one mask for all t
        s_t ← hold_t ⊙ s_{t−1} + (1 − hold_t) ⊙ cell(s_{t−1}, x_t)    zoneout, one mask for each t

    Attributes:
        mask: `(B, H)`, 0 or 1 / (1 − rate); None for no recurrent dropout.
        hold: bool `(B, T, …)` in the tree of the carry, to which it broadcasts; None for no zoneout.

    Source: Gal & Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural
    networks", for the first; Krueger et al. 2017, "Zoneout", for the second. Deviations: one rate for c and
    h; in evaluation there is no noise, where Krueger et al. take the step's expectation.
    """

    mask: jax.Array | None = None
    hold: Carry | None = None


def draw_noise(
    key: jax.Array, cell: RecurrentCell, inputs: jax.Array, recurrent_dropout: float, zoneout: float
) -> Noise | None:
    """Draw the noise for inputs `(B, T, F)`; None where both rates are zero."""
    if not recurrent_dropout and not zoneout:
        return None
    key_mask, key_hold = jax.random.split(key)
    num_rows, num_steps, num_inputs = inputs.shape
    mask, hold = None, None
    if recurrent_dropout:
        mask = drop(key_mask, jnp.ones((num_rows, cell.features), inputs.dtype), recurrent_dropout)
    if zoneout:
        shape = num_rows, num_steps, state_size(cell, num_inputs)
        drawn = jax.random.bernoulli(key_hold, zoneout, shape)
        hold = zoneout_mask(cell, from_vector(drawn, cell.initialize_carry(key, (1, num_inputs))))
    return Noise(mask, hold)


def zoneout_mask(cell: RecurrentCell, drawn: Carry) -> Carry:
    """Return which elements of a carry keep their old values, given what was drawn for every element."""
    return cell.zoneout_mask(drawn) if isinstance(cell, MasksZoneout) else drawn


def drop(key: jax.Array, values: jax.Array, rate: float) -> jax.Array:
    """Zero each element with probability `rate`; divide the rest by `1 − rate` (Srivastava et al. 2014)."""
    stays = jax.random.bernoulli(key, 1.0 - rate, values.shape)
    return jnp.where(stays, values / (1.0 - rate), 0.0)


def drop_sequences(key: jax.Array, values: jax.Array, rate: float) -> jax.Array:
    """Zero each sequence of `(B, T, …)` with probability `rate`; divide the rest by `1 − rate`."""
    stays = jax.random.bernoulli(key, 1.0 - rate, (len(values), *[1] * (values.ndim - 1)))
    return jnp.where(stays, values / (1.0 - rate), 0.0)


def drop_weights(key: jax.Array, params: Params, rate: float) -> Params:
    """Drop elements of R, with one mask for all sequences and steps.

    Source: Merity et al. 2018, "Regularizing and optimizing LSTM language models", section 2 (DropConnect).
    """
    return {**params, "recurrent_kernel": drop(key, params["recurrent_kernel"], rate)}


def mask_hidden(carry: Carry, mask: jax.Array | None) -> Carry:
    """Return a carry whose last leaf h is multiplied by a mask; None for no mask."""
    if mask is None:
        return carry
    *others, h = jax.tree.leaves(carry)
    return jax.tree.unflatten(jax.tree.structure(carry), [*others, h * mask])


def require_maskable(cell: RecurrentCell) -> None:
    """Raise ValueError where masking h is not the same as masking what the recurrent kernel reads."""
    if getattr(cell, "passes_h_on", True):
        legal = "elman, irnn, lstm, peephole_lstm, cifg, layer_norm_lstm, slstm"
        raise ValueError(
            f"recurrent_dropout must be 0 for {type(cell).__name__}, which reads h past R: legal are {legal}"
        )


def require_recurrent_kernel(cell: RecurrentCell) -> None:
    """Raise ValueError where a cell has no recurrent kernel to drop."""
    if not hasattr(cell, "recurrent_init"):
        raise ValueError(f"weight_drop must be 0 for {type(cell).__name__}: it has no recurrent_kernel")


def require_zoneout(cell: RecurrentCell) -> None:
    """Raise ValueError where no element of a cell's carry may keep its old value."""
    carry = jax.eval_shape(lambda key: cell.initialize_carry(key, (1, 1)), jax.random.key(0))
    jax.eval_shape(lambda drawn: zoneout_mask(cell, drawn), carry)
