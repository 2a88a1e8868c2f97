"""How do linear steps become time in parallel? They compose, and a tree of compositions has depth log T."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from seqlab.recurrence.fused import where_real
from seqlab.types import Carry, Params


@runtime_checkable
class Linear(Protocol):
    """A cell that is linear in its state, elementwise: s_t = a_t ⊙ s_{t−1} + b_t."""

    scan: str

    def coefficients(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return a and b."""

    def to_state(self, carry: Carry) -> jax.Array:
        """Return the carry as s."""

    def to_carry(self, state: jax.Array) -> Carry:
        """Return s as a carry."""

    def out(self, weights: Params, x: jax.Array, state: Any) -> jax.Array:
        """Return the outputs."""


def associative(
    cell: Linear, params: Params, inputs_TBF: jax.Array, real_TB: jax.Array | None, carry: Carry
) -> tuple[Carry, jax.Array]:
    """Run a linear cell over time; the arguments are those of `fused`.

        (a, b) then (a′, b′)  =  (a′ ⊙ a, a′ ⊙ b + b′)

    which is associative, so all prefixes are made in log T rounds; then s_t = A_t ⊙ s_0 + B_t. A step that is
    not real is (1, 0).

    Source: Blelloch 1990, "Prefix sums and their applications"; `jax.lax.associative_scan`.
    """
    a, b = cell.coefficients(params, inputs_TBF)
    a = jnp.broadcast_to(a, b.shape)
    if real_TB is not None:
        a, b = where_real(real_TB, (a, b), (jnp.ones_like(a), jnp.zeros_like(b)))

    def then(first: tuple, second: tuple) -> tuple[jax.Array, jax.Array]:
        return second[0] * first[0], second[0] * first[1] + second[1]

    A, B = jax.lax.associative_scan(then, (a, b))
    states = A * cell.to_state(carry) + B
    return cell.to_carry(states[-1]), cell.out(params, inputs_TBF, states)
