"""Base class of the cells that are linear in their state, whose steps can be composed in parallel."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from seqlab.cells.gates import sow
from seqlab.checks import require_choice, require_positive
from seqlab.types import Carry, Params

SCANS = ("sequential", "associative")


class LinearCell(nn.RNNCellBase):
    """A recurrent cell linear in its state, elementwise.

        s_t = a_t ⊙ s_{t−1} + b_t,  y_t = out(x_t, s_t)

    where a_t and b_t depend on x_t only. The state is one array `(B, …)`, by default `(B, H)`.

    Attributes:
        features: H, the width of the output, and by default of the state.
        scan: "sequential", one step after another, or "associative", all steps in a tree of depth log T
            (`seqlab.recurrence.linear`). Both compute the same function, with sums in a different order.
        param_dtype: dtype of the parameters; by default float32, and float64 under `jax_enable_x64`.
            Computations promote it with the dtype of the input.

    Raises:
        ValueError: an attribute is outside its legal values.
    """

    features: int
    scan: str = "sequential"
    param_dtype: DTypeLike = float

    gates: ClassVar[tuple[str, ...]] = ()
    """Letters of the gates, in the order of the blocks of the input kernel."""
    sigmoid_gates: ClassVar[tuple[str, ...]] = ()
    """Letters of the gates with a sigmoid activation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "features")
        require_choice(self, "scan", SCANS)

    @property
    def num_feature_axes(self) -> int:
        """Number of feature axes of an input."""
        return 1

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return zeros, `(*input_shape[:-1], H)`; `rng` is part of Flax's interface and not used."""
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
        """Return a and b of the state's shape, a possibly broadcasting to it, for inputs `(…, F)`."""

    @nn.nowrap
    def to_state(self, carry: Carry) -> jax.Array:
        """Return the carry as one array s; a carry `(Re s, Im s)` as a complex one."""
        return jax.lax.complex(*carry) if isinstance(carry, tuple) else carry

    @nn.nowrap
    def to_carry(self, state: jax.Array) -> Carry:
        """Return s as a carry of real arrays: `(Re s, Im s)` of a complex s."""
        return (state.real, state.imag) if jnp.iscomplexobj(state) else state

    @nn.nowrap
    def read_carry(self, params: Params, x: jax.Array, before: Carry, after: Carry) -> jax.Array:
        """Return the output of a step that left the carry `after`."""
        return self.out(params, x, self.to_state(after))

    @nn.nowrap
    def zoneout_mask(self, drawn: Carry) -> Carry:
        """Return one mask for both parts of a complex number, bool `(B, T, …)` with the axes of the state."""
        return (drawn[0], drawn[0]) if isinstance(drawn, tuple) else drawn

    @nn.nowrap
    def out(self, weights: Params, x: jax.Array, state: Any) -> jax.Array:
        """Return the outputs `(…, H)`: s itself, unless a subclass overrides this."""
        return state
