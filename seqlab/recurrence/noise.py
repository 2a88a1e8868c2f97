"""How is a recurrence regularised in training? By masks on its weights, its state, or its steps.

All masks are functions of a key, so a resumed or replicated run draws the same; without a key nothing here
acts.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.types import Carry, Params


def drop(key: jax.Array, values: jax.Array, rate: float) -> jax.Array:
    """Zero each element with probability `rate`; divide the rest by `1 − rate` (Srivastava et al. 2014)."""
    kept = jax.random.bernoulli(key, 1.0 - rate, values.shape)
    return jnp.where(kept, values / (1.0 - rate), 0.0)


def drop_weights(key: jax.Array, params: Params, rate: float) -> Params:
    """Drop elements of R, one mask for all sequences and steps.

    Source: Merity et al. 2018, "Regularizing and optimizing LSTM language models", section 2 (DropConnect).
    """
    return {**params, "recurrent_kernel": drop(key, params["recurrent_kernel"], rate)}


@dataclasses.dataclass(frozen=True, eq=False)
class Noisy:
    """A cell with noise in its step, for one pass over a batch.

        h_{t−1} ← h_{t−1} ⊙ mask                                recurrent dropout: one mask for all t
        s_t ← k_t ⊙ s_{t−1} + (1 − k_t) ⊙ cell(s_{t−1}, x_t)    zoneout: masks k_t of each step's own

    It reads `[x_t, k_t]` as its input, made by `noisy`, and has the cell's carry and parameters.

    Source: Gal & Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural
    networks", for the first; Krueger et al. 2017, "Zoneout", for the second. Deviations: one rate for c and
    h; in evaluation there is no noise, where Krueger et al. take the step's expectation.

    Attributes:
        cell: the cell.
        num_inputs: F, how many of the input's features are the cell's.
        mask: `(B, H)`, 0 or 1 / (1 − rate); None for no recurrent dropout.
        zones_out: whether the input carries k_t, H features for each leaf of the carry.
    """

    cell: Any
    num_inputs: int
    mask: jax.Array | None
    zones_out: bool

    def initialize_carry(self, key: jax.Array, shape: tuple[int, ...]) -> Carry:
        """Return the cell's initial carry."""
        return self.cell.initialize_carry(key, shape)

    def apply(self, variables: Any, before: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one noisy step."""
        x, kept = x[..., : self.num_inputs], x[..., self.num_inputs :]
        *further, h = jax.tree.leaves(before)
        form = jax.tree.structure(before)
        read = before if self.mask is None else form.unflatten([*further, h * self.mask])
        after, y = self.cell.apply(variables, read, x)
        if not self.zones_out:
            return after, y
        leaves = jax.tree.leaves(after)
        keeps = jnp.split(kept, len(leaves), axis=-1)
        mixed = [
            jnp.where(keep > 0, old, new)
            for keep, old, new in zip(keeps, jax.tree.leaves(before), leaves, strict=True)
        ]
        outputs = [new for leaf, new in zip(leaves, mixed, strict=True) if leaf is y]
        return form.unflatten(mixed), outputs[0] if outputs else y


def noisy(
    key: jax.Array, cell: Any, inputs: jax.Array, recurrent_dropout: float, zoneout: float
) -> tuple[Any, jax.Array]:
    """Return a cell with noise drawn for inputs `(B, T, F)`, and what it is to read.

    Where both rates are zero, the cell and the inputs as they are.
    """
    if not recurrent_dropout and not zoneout:
        return cell, inputs
    key_mask, key_zones = jax.random.split(key)
    batch, num_steps, num_inputs = inputs.shape
    mask = None
    if recurrent_dropout:
        mask = drop(key_mask, jnp.ones((batch, cell.features), inputs.dtype), recurrent_dropout)
    if zoneout:
        num_leaves = len(jax.tree.leaves(cell.initialize_carry(key, (1, num_inputs))))
        shape = batch, num_steps, num_leaves * cell.features
        kept = jax.random.bernoulli(key_zones, zoneout, shape).astype(inputs.dtype)
        inputs = jnp.concatenate([inputs, kept], axis=-1)
    return Noisy(cell, num_inputs, mask, bool(zoneout)), inputs


def refuse_masking(cell: Any) -> None:
    """Raise ValueError where masking h is not masking what a cell's recurrent kernel reads."""
    if getattr(cell, "passes_h_on", True):
        legal = "elman, irnn, lstm, peephole_lstm, cifg, layer_norm_lstm"
        raise ValueError(
            f"recurrent_dropout must be 0 for {type(cell).__name__}, which reads h past R: legal are {legal}"
        )


def refuse_weight_drop(cell: Any) -> None:
    """Raise ValueError where a cell has no recurrent kernel to drop."""
    if not hasattr(cell, "recurrent_init"):
        raise ValueError(f"weight_drop must be 0 for {type(cell).__name__}: it has no recurrent_kernel")
