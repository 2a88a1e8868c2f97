"""How do linear steps become time? One after another, or composed in parallel, in a tree of depth log T."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from seqlab.recurrence.fused import where_real
from seqlab.recurrence.probes import probe
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


def linear(
    cell: Linear,
    params: Params,
    inputs_TBF: jax.Array,
    real_TB: jax.Array | None,
    carry: Carry,
    probes_TB: Carry | None = None,
) -> tuple[Carry, jax.Array]:
    """Run a linear cell over time; the arguments are those of `fused`.

        (a, b) then (a′, b′)  =  (a′ ⊙ a, a′ ⊙ b + b′)

    which is associative, so all prefixes are made in log T rounds; then s_t = A_t ⊙ s_0 + B_t. A step that is
    not real is (1, 0). As ∂s_t/∂b_t = 1, the cotangent of b_t is that of s_t, through y_t and through all
    later steps: b is what the probes are on.

    Source: Blelloch 1990, "Prefix sums and their applications"; `jax.lax.associative_scan`.
    """
    a, b = cell.coefficients(params, inputs_TBF)
    a = jnp.broadcast_to(a, b.shape)
    if probes_TB is not None:
        b = cell.to_state(jax.tree.map(probe, cell.to_carry(b), probes_TB))
    if real_TB is not None:
        a, b = where_real(real_TB, (a, b), (jnp.ones_like(a), jnp.zeros_like(b)))
    scan = _associative if cell.scan == "associative" else _sequential
    states = scan(a, b, cell.to_state(carry))
    return cell.to_carry(states[-1]), cell.out(params, inputs_TBF, states)


def _associative(a: jax.Array, b: jax.Array, first: jax.Array) -> jax.Array:
    def then(first: tuple, second: tuple) -> tuple[jax.Array, jax.Array]:
        return second[0] * first[0], second[0] * first[1] + second[1]

    A, B = jax.lax.associative_scan(then, (a, b))
    return A * first + B


def _sequential(a: jax.Array, b: jax.Array, first: jax.Array) -> jax.Array:
    def step(state: jax.Array, now: tuple) -> tuple[jax.Array, jax.Array]:
        state = now[0] * state + now[1]
        return state, state

    return jax.lax.scan(step, first, (a, b))[1]
