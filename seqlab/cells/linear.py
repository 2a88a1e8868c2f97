"""What do cells that are linear in their state share? Steps that compose, so time can be run in parallel."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells.gates import sow
from seqlab.checks import require_choice, require_positive
from seqlab.types import Carry, Params

SCANS = ("sequential", "associative")


class LinearCell(nn.RNNCellBase):
    """A recurrent cell linear in its state, elementwise.

        s_t = a_t ⊙ s_{t−1} + b_t,  y_t = out(x_t, s_t)

    where a_t and b_t depend on x_t alone.

    Attributes:
        features: H, the width of the state and of the output.
        scan: "sequential", a step after another, or "associative", all steps in a tree of depth log T
            (`seqlab.recurrence.linear`). The same function, in another order of sums.
        param_dtype: the parameters' dtype; the computation promotes it with the input's.

    Raises:
        ValueError: an attribute outside its legal values.
    """

    features: int
    scan: str = "sequential"
    param_dtype: jnp.dtype = jnp.float32

    gates: ClassVar[tuple[str, ...]] = ()
    """The gates' letters, in the order of the input kernel's blocks."""
    sigmoid_gates: ClassVar[tuple[str, ...]] = ()
    """Those of them that a sigmoid squashes."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "features")
        require_choice(self, "scan", SCANS)

    @property
    def num_feature_axes(self) -> int:
        """The number of trailing axes of an input that hold its features: one."""
        return 1

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return zeros, `(*input_shape[:-1], H)`; `rng` is taken for Flax's sake and not used."""
        return jnp.zeros((*input_shape[:-1], self.features), self.param_dtype)

    @nn.compact
    def __call__(self, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step: `carry, (B, F) -> carry, (B, H)`."""
        weights = self.declare(x)
        a, b = self.coefficients(weights, x)
        if self.sigmoid_gates:
            sow(self, forget=a)
        state = a * self.to_state(carry) + b
        return self.to_carry(state), self.out(weights, x, state)

    def declare(self, x: jax.Array) -> Params:
        """Declare the parameters for an input `x` of `(…, F)` and return them by name."""
        width = len(self.gates) * self.features
        kernel = self.param(
            "input_kernel", nn.initializers.lecun_normal(), (x.shape[-1], width), self.param_dtype
        )
        return {
            "input_kernel": kernel,
            "bias": self.param("bias", nn.initializers.zeros, (width,), self.param_dtype),
        }

    @abc.abstractmethod
    def coefficients(self, weights: Params, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return a and b, `(…, H)` each or broadcasting to it, for inputs `(…, F)`."""

    @nn.nowrap
    def to_state(self, carry: Carry) -> jax.Array:
        """Return the carry as one array s."""
        return carry

    @nn.nowrap
    def to_carry(self, state: jax.Array) -> Carry:
        """Return s as a carry of real arrays."""
        return state

    @nn.nowrap
    def out(self, weights: Params, x: jax.Array, state: Any) -> jax.Array:
        """Return the outputs `(…, H)`: s itself, unless a cell says otherwise."""
        return state
