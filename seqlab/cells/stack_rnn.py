"""The recurrent network with a stack (Stack-RNN)."""

from __future__ import annotations

from typing import ClassVar

import jax

from seqlab.cells.cell import Cell
from seqlab.cells.elman import Elman
from seqlab.cells.external_memory import ExternalMemoryCell, popped, pushed


class StackRNN(ExternalMemoryCell):
    """An Elman network with a stack, which it changes by a superposition of push, pop and stay.

        h_t = tanh([x_t, M_{t−1}[0]] W + h_{t−1} R + b)
        v_t = h_t V + b_v,  p_t = softmax(h_t A + b_a)
        M_t = p_t[0] · push(M_{t−1}, v_t) + p_t[1] · pop(M_{t−1}) + p_t[2] · M_{t−1}

    Slot 0 is the top. A push moves every slot down by one and writes v to the top; a pop moves every slot up.

    Source: Joulin & Mikolov 2015, "Inferring algorithmic patterns with stack-augmented recurrent nets", in
    the form of Delétang et al. 2023, "Neural networks and the Chomsky hierarchy", appendix A: h reads the top
    as a part of its input, and v is linear in h. Deviation: tanh in place of relu.
    """

    controller: ClassVar[type[Cell]] = Elman
    gates: ClassVar[tuple[str, ...]] = ("push", "pop", "stay")

    def moves(self, memory: jax.Array, value: jax.Array) -> list[jax.Array]:
        return [pushed(memory, value), popped(memory), memory]
