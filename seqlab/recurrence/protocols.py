"""Protocols of cells: what every scan needs, and what the faster scans need in addition."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from seqlab.types import Carry, Params, Tree


class RecurrentCell(Protocol):
    """A `flax.linen.RNNCellBase` whose only variables are `params`, or anything with its methods."""

    @property
    def features(self) -> int:
        """H, the width of the output."""
        ...

    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return the carry before the first step for inputs of a shape `(B, F)`.

        A carry is a tree of real arrays `(B, …)`, each with one axis or more after B. Its shapes do not
        depend on F. The last leaf is the one that is called h: the output where it is part of the carry.
        """
        ...

    def init(self, rngs: Any, *args: Any, **kwargs: Any) -> Any:
        """Return new variables: `init(key, carry, x) -> {"params": params}`."""
        ...

    def apply(self, variables: Any, *args: Any, **kwargs: Any) -> Any:
        """Take one step: `apply({"params": params}, carry, x) -> (carry, y)`."""
        ...


@runtime_checkable
class Linearised(RecurrentCell, Protocol):
    """A cell that offers the parts of a hand-written backward pass. Its output is the last leaf of its carry.

    Throughout, δv is the cotangent ∂L/∂v of the loss L.
    """

    def fold(self, params: Params, dtype: jnp.dtype) -> dict[str, jax.Array]:
        """Return the weights that the other methods read, R among them as `recurrent_kernel`."""
        ...

    def project(self, weights: Params, x: jax.Array) -> jax.Array:
        """Return the input's share of many steps, `(T, B, F) -> (T, B, …)`."""
        ...

    def advance(self, weights: Params, carry: Carry, z: jax.Array) -> tuple[Carry, Tree]:
        """Take one step from its share of the input. Return the carry and the residuals to save."""
        ...

    def linearise(self, before: Carry, after: Carry, residuals: Tree) -> Tree:
        """Return the coefficients of `pull` for many steps. Where they are 0, `pull` returns 0."""
        ...

    def pull(self, recurrent_T: jax.Array, coefficients: Tree, dcarry: Carry) -> tuple[Carry, Tree]:
        """Take one step back, linear in δs_t. Return δs_{t−1} and what `collect` needs."""
        ...

    def collect(
        self, weights: Params, x: jax.Array, before: Carry, coefficients: Tree, pulled: Tree
    ) -> tuple[dict[str, jax.Array], jax.Array]:
        """Return the cotangents of the weights and of x, summed over many steps."""
        ...


@runtime_checkable
class ReadsCarry(RecurrentCell, Protocol):
    """A cell that tells its output from what a step read and the carry that it left.

    So the output follows what replaces that carry: a probe, zoneout or a clipped cotangent. Without this, it
    follows only where the output is a leaf of the carry.
    """

    def read_carry(self, params: Params, x: jax.Array, before: Carry, after: Carry) -> jax.Array:
        """Return the output `(B, H)` of a step that read x `(B, F)` and `before`, and left `after`."""
        ...


@runtime_checkable
class MasksZoneout(RecurrentCell, Protocol):
    """A cell some of whose carry's elements keep their old values together under zoneout, or not at all.

    Without this, every element keeps its old value or not for itself.
    """

    def zoneout_mask(self, drawn: Carry) -> Carry:
        """Return which elements keep their old values.

        Args:
            drawn: bool `(B, T, …)` in the tree of the carry, drawn for every element.

        Returns:
            The same tree; each leaf broadcasts to the leaf of the carry.

        Raises:
            ValueError: no element may keep its old value.
        """
        ...


@runtime_checkable
class Parallel(RecurrentCell, Protocol):
    """A cell that offers its whole sequence at once, in another order of the same sums."""

    @property
    def is_parallel(self) -> bool:
        """Whether `unroll` calls `parallel`, and does not take one step after another."""
        ...

    def parallel(
        self,
        params: Params,
        x: jax.Array,
        real: jax.Array | None,
        reset: jax.Array | None,
        carry: Carry,
    ) -> tuple[Carry, jax.Array]:
        """Return the final carry, and the outputs `(T, B, H)`.

        Args:
            params: the cell's parameters.
            x: the inputs, `(T, B, F)`.
            real: bool `(T, B)`, False after a sequence's end, where the carry stays; None where all are real.
            reset: bool `(T, B)`, where the carry is set to the initial one before the step; None for nowhere.
            carry: before the first step.
        """
        ...


@runtime_checkable
class Windowed(RecurrentCell, Protocol):
    """A cell whose step reads the last steps alone."""

    window: int
    """The number of steps that a step reads, itself included."""


@runtime_checkable
class Linear(RecurrentCell, Protocol):
    """A cell with s_0 = 0 that is linear in its state, elementwise: s_t = a_t ⊙ s_{t−1} + b_t.

    Its state is one array of any shape `(B, …)`. The arguments and results of its methods may have T in
    front.
    """

    scan: str
    """"sequential" or "associative"."""

    def coefficients(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return a and b; an a that is the same at every step has neither T nor B."""
        ...

    def to_state(self, carry: Carry) -> jax.Array:
        """Return the carry as s."""
        ...

    def to_carry(self, state: jax.Array) -> Carry:
        """Return s as a carry."""
        ...

    def out(self, weights: Params, x: jax.Array, state: jax.Array) -> jax.Array:
        """Return the outputs."""
        ...


def reads_whole_sequences(cell: RecurrentCell) -> bool:
    """Return whether a cell offers a form that reads a whole sequence at once."""
    return isinstance(cell, (Linear, Parallel))


def window_of(cell: RecurrentCell) -> int | None:
    """Return the number of steps that a step of a cell reads, itself included; None where it reads all."""
    return cell.window if isinstance(cell, Windowed) else None
