"""Abstract base of the cells that write to a differentiable memory beside their hidden state."""

from __future__ import annotations

import abc
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from seqlab.cells.cell import Cell
from seqlab.cells.gates import sow
from seqlab.checks import require_positive
from seqlab.types import Carry


class ExternalMemoryCell(nn.RNNCellBase):
    """A recurrent cell, the controller, that reads slot 0 of a memory M and moves M by soft actions.

        (s_t, h_t) = controller(s_{t−1}, [x_t, M_{t−1}[0]])
        v_t = h_t V + b_v
        p_t = softmax(h_t A + b_a)
        M_t = Σ_k p_t[k] · move_k(M_{t−1}, v_t)

    The moves are those of a subclass. So M is a superposition of what each action would have left. The carry
    is `(M, h)`, or `(M, c, h)` where the controller is an LSTM, with M `(B, S, W)`; the output is h `(B, H)`.
    Parameters: those of the controller, `value_kernel` V `(H, W)`, `action_kernel` A `(H, K)` and their
    biases.

    Attributes:
        features: H, the width of the hidden state.
        memory_size: S, the number of slots. What is moved beyond the last slot is lost.
        memory_width: W, the width of a slot.
        param_dtype: dtype of the parameters; by default float32, and float64 under `jax_enable_x64`.

    Raises:
        ValueError: an attribute is not a positive integer.
    """

    features: int
    memory_size: int = 30
    memory_width: int = 8
    param_dtype: DTypeLike = float

    controller: ClassVar[type[Cell]]
    """The class of the controller."""
    gates: ClassVar[tuple[str, ...]]
    """The names of the K actions, whose probabilities are sown."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "features", "memory_size", "memory_width")

    @property
    def num_feature_axes(self) -> int:
        """Number of feature axes of an input."""
        return 1

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return zeros; `rng` is part of Flax's interface and not used."""
        rows = input_shape[:-1]
        memory = jnp.zeros((*rows, self.memory_size, self.memory_width), self.param_dtype)
        state = jnp.zeros((*rows, self.features), self.param_dtype)
        return (memory, *[state] * self.controller.num_states)

    @nn.compact
    def __call__(self, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step: `carry, (B, F) -> carry, (B, H)`."""
        memory, *state = carry
        controller = self.controller(self.features, param_dtype=self.param_dtype, name="controller")
        read = jnp.concatenate([x, memory[..., 0, :]], axis=-1)
        after, h = controller(tuple(state) if len(state) > 1 else state[0], read)
        value = self._linear("value", h, self.memory_width)
        actions = jax.nn.softmax(self._linear("action", h, len(self.gates)))
        shares = jnp.split(actions, len(self.gates), axis=-1)
        sow(self, **dict(zip(self.gates, shares, strict=True)))
        moves = self.moves(memory, value[..., None, :])
        memory = sum(share[..., None] * move for share, move in zip(shares, moves, strict=True))
        return (memory, *(after if len(state) > 1 else [after])), h

    @nn.nowrap
    def zoneout_mask(self, drawn: Carry) -> Carry:
        """Return the mask of the controller's state alone: what the memory holds moves at every step.

        All are bool: `(B, T, S, W)` of the memory, and `(B, T, H)` of each part of the state.
        """
        memory, *state = drawn
        return (jnp.zeros_like(memory), *state)

    @abc.abstractmethod
    def moves(self, memory: jax.Array, value: jax.Array) -> list[jax.Array]:
        """Return what each action would leave, in the order of `gates`.

        Args:
            memory: M, `(B, S, W)`.
            value: v, `(B, 1, W)`.
        """

    def _linear(self, name: str, h: jax.Array, width: int) -> jax.Array:
        """Return h times a kernel plus a bias, two parameters of that name."""
        kernel_init = nn.initializers.lecun_normal()
        kernel = self.param(f"{name}_kernel", kernel_init, (self.features, width), self.param_dtype)
        return h @ kernel + self.param(f"{name}_bias", nn.initializers.zeros, (width,), self.param_dtype)


def pushed(memory: jax.Array, value: jax.Array) -> jax.Array:
    """Return a stack with one more slot on top; the lowest is lost."""
    return jnp.concatenate([value, memory[..., :-1, :]], axis=-2)


def popped(memory: jax.Array) -> jax.Array:
    """Return a stack without its top slot; zeros follow from below."""
    return jnp.concatenate([memory[..., 1:, :], jnp.zeros_like(memory[..., :1, :])], axis=-2)
