"""Gradient control: clipping inside the recurrence, and a regulariser that keeps the gradient's norm.

Neither changes what a recurrence computes; both change what flows back. Throughout, δs_bt = ∂L/∂s_bt, where
s_t is the whole carry after step t, and L the batch-mean loss.
"""

from __future__ import annotations

from typing import NamedTuple, NoReturn

import jax
import jax.numpy as jnp

from seqlab.recurrence.norms import row_norms
from seqlab.recurrence.protocols import Linearised, RecurrentCell
from seqlab.types import Carry, IncompatibleError, Tree


class GradientControl(NamedTuple):
    """What acts on the backward pass of a recurrence; None, the default, does nothing.

    Attributes:
        clip: the largest norm of a sequence's δs_t that is let through (`clip_carry`).
        omega: the factor on the regulariser Ω (`regulariser`), summed over sequences. The derivative of a
            loss with respect to it is Ω.
    """

    clip: float | jax.Array | None = None
    omega: float | jax.Array | None = None


NO_CONTROL = GradientControl()


def clip_carry(dcarry: Carry, limit: float | jax.Array) -> Carry:
    """Scale each sequence's cotangent of a carry down to norm `limit` where it is longer.

        δs_bt ← δs_bt · min(1, limit / ‖δs_bt‖₂)

    The norm is over all axes but B and over all leaves of the carry, so c and h of an LSTM keep their
    proportion. It is exact over the whole range of floats. A cotangent that is not longer is returned bit for
    bit, and one that is not finite stays so.

    Args:
        dcarry: `(B, …)` a leaf.
        limit: a positive scalar.

    Source: Graves 2013, "Generating sequences with recurrent neural networks", section 2.1, for clipping
    inside the recurrence. Deviation: he bounds each element of the derivative with respect to the gates'
    inputs; here the norm is bounded, as in Pascanu et al. 2013, algorithm 1, which keeps the direction.
    """
    rows = jax.tree.map(lambda leaf: leaf.reshape(len(leaf), -1), dcarry)
    scale, relative = row_norms(rows)
    limit = jnp.asarray(limit, scale.dtype)
    over = relative * scale > limit
    shorter = limit / jnp.where(over, relative, 1)
    clipped = jax.tree.map(lambda row: jnp.where(over, row / scale * shorter, row), rows)
    return jax.tree.map(lambda row, leaf: row.reshape(leaf.shape), clipped, dcarry)


@jax.custom_vjp
def clip_cotangent(carry: Carry, limit: float | jax.Array) -> Carry:
    """Return a carry unchanged; the backward pass clips its cotangent by `clip_carry`."""
    return carry


clip_cotangent.defvjp(
    lambda carry, limit: (carry, limit),
    lambda limit, dcarry: (clip_carry(dcarry, limit), None),
)


def regulariser(cell: Linearised, recurrent_T: jax.Array, coefficients: Tree, dcarry: Carry) -> jax.Array:
    """Return Ω, which is 0 where every step back keeps the gradient's norm.

        Ω = Σ_b Σ_t (‖δs_bt · ∂s_bt/∂s_b,t−1‖ / ‖δs_bt‖ − 1)²

    The sum is over the steps where δs_bt is not zero. Pascanu et al. use only the immediate part of its
    derivative: states and δs count as constants, and R is varied only in ∂s_t/∂s_{t−1} (eq. 10). For this R
    is a separate argument, and a cell must be `Linearised`.

    Args:
        cell: offers `pull`.
        recurrent_T: Rᵀ.
        coefficients: as the cell's `linearise` returns them.
        dcarry: δs_t, `(…, H)` a leaf.

    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", eq. 9. Deviation:
    their state is what tanh squashes, ours what it returns; the sum is over the sequences of a batch too.
    """
    scale, relative = row_norms(dcarry)
    flows = relative > 0
    direction = jax.tree.map(lambda leaf: leaf / scale / jnp.where(flows, relative, 1), dcarry)
    before, _ = cell.pull(recurrent_T, coefficients, direction)
    squared = sum(jnp.sum(leaf * leaf, axis=-1, keepdims=True) for leaf in jax.tree.leaves(before))
    ratio = jnp.sqrt(jnp.where(squared > 0, squared, 1)) * (squared > 0)
    return jnp.sum(jnp.where(flows, (ratio - 1) ** 2, 0))


def refuse_regulariser(cell: RecurrentCell) -> NoReturn:
    """Raise IncompatibleError: the regulariser needs the fused backward pass without resets or cuts."""
    legal = (
        "elman, identity_elman, irnn, lstm, gru, without recurrent_dropout, zoneout, bptt_window or stream"
    )
    raise IncompatibleError(f"training.omega must be null for {type(cell).__name__}: legal are {legal}")
