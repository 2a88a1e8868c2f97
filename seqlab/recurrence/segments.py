"""Where does a recurrence start anew, and where does its gradient stop? Segments of one sequence.

A cell is wrapped so that each of its inputs tells how its step follows the one before it. The scans know
nothing of it: the wrapper takes part in those that its cell takes part in.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.recurrence.associative import Linear
from seqlab.recurrence.fused import Linearised
from seqlab.types import Carry, Params

CUT, RESET = 1, 2
"""What the last input feature says of a step: no gradient leaves it backwards; it starts anew, too."""


def segmented(
    cell: Any, inputs: jax.Array, resets: jax.Array | None, cuts: jax.Array | None
) -> tuple[Any, jax.Array]:
    """Return a cell that keeps to segments, and what it is to read: the inputs and a flag beside them.

        s_{t−1} ← s_0                       where step t resets, s_0 the cell's own initial carry
        s_{t−1} ← stop_gradient(s_{t−1})    where step t cuts

    Args:
        cell: any cell.
        inputs: `(B, T, F)`.
        resets: bool `(B, T)`, or None for none.
        cuts: bool `(T,)` or `(B, T)`, or None for none; a linear cell keeps to them in `apply` alone.
    """
    flags = jnp.zeros(inputs.shape[:2], inputs.dtype)
    flags = flags if cuts is None else jnp.where(cuts, CUT, flags)
    flags = flags if resets is None else jnp.where(resets, RESET, flags)
    if isinstance(cell, Linear):
        form = SegmentedLinear
    else:
        form = SegmentedLinearised if isinstance(cell, Linearised) else Segmented
    return form(cell), jnp.concatenate([inputs, flags[..., None]], axis=-1)


@dataclasses.dataclass(frozen=True)
class Segmented:
    """A cell that reads `[x_t, flag_t]` and has the carry and the parameters of its own cell."""

    cell: Any

    def apply(self, variables: Any, before: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step."""
        x, flag = _parts(x)
        before = jax.tree.map(lambda leaf: jnp.where(flag == CUT, jax.lax.stop_gradient(leaf), leaf), before)
        return self.cell.apply(variables, self._entered(before, flag), x)

    def _entered(self, before: Carry, flag: jax.Array) -> Carry:
        """Return the carries that steps enter with, in place of those that the steps before handed on."""
        starts = self.cell.initialize_carry(jax.random.key(0), flag.shape)
        return jax.tree.map(
            lambda start, leaf: jnp.where(flag == RESET, start.astype(leaf.dtype), leaf), starts, before
        )


class SegmentedLinearised(Segmented):
    """The same with its step taken apart; see `Linearised`."""

    def fold(self, params: Params, dtype: jnp.dtype) -> Params:
        """Return the cell's weights."""
        return self.cell.fold(params, dtype)

    def project(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return the cell's share of the input, and the flag."""
        x, flag = _parts(x)
        return self.cell.project(weights, x), flag

    def advance(self, weights: Params, carry: Carry, share: tuple) -> tuple[Carry, Any]:
        """Take one step."""
        z, flag = share
        after, kept = self.cell.advance(weights, self._entered(carry, flag), z)
        return after, (kept, flag)

    def linearise(self, before: Carry, after: Carry, kept: tuple) -> tuple[Any, jax.Array]:
        """Return the cell's coefficients, and whether a gradient goes on to the step before."""
        kept, flag = kept
        return self.cell.linearise(self._entered(before, flag), after, kept), flag == 0

    def pull(self, recurrent_T: jax.Array, coefficients: tuple, dcarry: Carry) -> tuple[Carry, Any]:
        """Take one step back."""
        coefficients, goes_on = coefficients
        dbefore, pulled = self.cell.pull(recurrent_T, coefficients, dcarry)
        return jax.tree.map(lambda leaf: jnp.where(goes_on, leaf, 0), dbefore), pulled

    def collect(
        self, weights: Params, x: jax.Array, before: Carry, coefficients: tuple, pulled: Any
    ) -> tuple[Params, jax.Array]:
        """Return the cotangents of the weights and of the input, zero for the flag."""
        x, flag = _parts(x)
        dweights, dx = self.cell.collect(weights, x, self._entered(before, flag), coefficients[0], pulled)
        return dweights, jnp.concatenate([dx, jnp.zeros_like(dx[..., :1])], axis=-1)


class SegmentedLinear(Segmented):
    """The same with its state linear, from a start of zeros; see `Linear`. Its coefficients know no cuts."""

    @property
    def scan(self) -> str:
        """How the cell is scanned."""
        return self.cell.scan

    def coefficients(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return a, zero where a step resets, and b."""
        x, flag = _parts(x)
        a, b = self.cell.coefficients(weights, x)
        return jnp.where(flag == RESET, 0, a), b

    def to_state(self, carry: Carry) -> jax.Array:
        """Return the carry as s."""
        return self.cell.to_state(carry)

    def to_carry(self, state: jax.Array) -> Carry:
        """Return s as a carry."""
        return self.cell.to_carry(state)

    def out(self, weights: Params, x: jax.Array, state: Any) -> jax.Array:
        """Return the outputs."""
        return self.cell.out(weights, _parts(x)[0], state)


def _parts(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the features `(…, F)` and the flag `(…, 1)`."""
    return x[..., :-1], x[..., -1:]
