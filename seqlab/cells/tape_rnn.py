"""The recurrent network with a tape (Tape-RNN)."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.cells.cell import Cell
from seqlab.cells.elman import Elman
from seqlab.cells.external_memory import ExternalMemoryCell
from seqlab.checks import require_positive


class TapeRNN(ExternalMemoryCell):
    """An Elman network with a tape, which it writes and then moves by a superposition of five moves.

        h_t = tanh([x_t, M_{t−1}[0]] W + h_{t−1} R + b)
        v_t = h_t V + b_v,  p_t = softmax(h_t A + b_a)
        M_t = Σ_k p_t[k] · roll(write(M_{t−1}, v_t), d_k),  d = (0, −1, 1, −J, J)

    The head is at slot 0, where v replaces what was there. Then the tape, which is a ring, moves by d slots:
    with −1 the head comes to slot 1.

    Attributes:
        jump: J, the length of a jump.

    Source: Delétang et al. 2023, "Neural networks and the Chomsky hierarchy", appendix A. Deviations: a jump
    has a fixed length, where theirs is the length of the input, which a cell does not know; v is linear in h,
    where theirs is a network of two hidden layers; tanh in place of relu.
    """

    jump: int = 10

    controller: ClassVar[type[Cell]] = Elman
    gates: ClassVar[tuple[str, ...]] = ("stay", "left", "right", "jump_left", "jump_right")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "jump")

    def moves(self, memory: jax.Array, value: jax.Array) -> list[jax.Array]:
        written = jnp.concatenate([value, memory[..., 1:, :]], axis=-2)
        return [jnp.roll(written, shift, axis=-2) for shift in (0, -1, 1, -self.jump, self.jump)]
