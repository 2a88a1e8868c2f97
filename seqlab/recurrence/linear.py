"""Scans of cells that are linear in their state: sequential, or in parallel in a tree of depth log T."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.recurrence.probes import probe
from seqlab.recurrence.protocols import Linear
from seqlab.recurrence.steps import Steps, mask_rows, where_rows
from seqlab.types import Carry, Params


def linear(cell: Linear, params: Params, steps: Steps, carry: Carry) -> tuple[Carry, jax.Array]:
    """Run a linear cell over time.

        (a, b) then (a′, b′)  =  (a′ ⊙ a, a′ ⊙ b + b′)

    This composition is associative, so all prefixes are computed in log T rounds; then s_t = A_t ⊙ s_0 + B_t.
    A step that is padding is (1, 0), and at a reset a is 0. As ∂s_t/∂b_t = 1, the cotangent of b_t is that of
    s_t, through y_t and through all later steps: the probes are on b.

    Args:
        cell: the cell.
        params: the cell's parameters.
        steps: what the steps read; `cut` and `hold` must be None.
        carry: the carry before the first step.

    Returns:
        The final carry, and the outputs `(T, B, H)`.

    Source: Blelloch 1990, "Prefix sums and their applications"; `jax.lax.associative_scan`.
    """
    a, b = cell.coefficients(params, steps.x)
    if steps.probes is not None:
        b = cell.to_state(jax.tree.map(probe, cell.to_carry(b), steps.probes))
    scan = _associative if cell.scan == "associative" else _sequential
    states = scan(a, b, cell.to_state(carry), steps)
    return cell.to_carry(states[-1]), cell.out(params, steps.x, states)


_Now = tuple[jax.Array | None, jax.Array, jax.Array | None, jax.Array | None]
"""a_t or None where it does not change, b_t, and the flags of a step."""


def _associative(a: jax.Array, b: jax.Array, first: jax.Array, steps: Steps) -> jax.Array:
    """Return s_t for all t."""
    a = jnp.broadcast_to(a, b.shape)
    if steps.reset is not None:
        a = mask_rows(~steps.reset, a)
    a, b = where_rows(steps.real, (a, b), (jnp.ones_like(a), jnp.zeros_like(b)))

    def compose(first: tuple[jax.Array, ...], second: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        return second[0] * first[0], second[0] * first[1] + second[1]

    A, B = jax.lax.associative_scan(compose, (a, b))
    return A * first + B


def _sequential(a: jax.Array, b: jax.Array, first: jax.Array, steps: Steps) -> jax.Array:
    """Return s_t for all t; an a without T and B is the same at every step."""

    def step(state: jax.Array, now: _Now) -> tuple[jax.Array, jax.Array]:
        factor, term, real, reset = now
        start = state if reset is None else mask_rows(~reset, state)
        after = (a if factor is None else factor) * start + term
        after = where_rows(real, after, state)
        return after, after

    each_step = a if a.ndim == b.ndim else None, b, steps.real, steps.reset
    return jax.lax.scan(step, first, each_step)[1]
