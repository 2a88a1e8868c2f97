"""The LSTM with a stack (Stack-LSTM)."""

from __future__ import annotations

from typing import ClassVar

import jax

from seqlab.cells.cell import Cell
from seqlab.cells.external_memory import ExternalMemoryCell, popped, pushed
from seqlab.cells.lstm import LSTM


class StackLSTM(ExternalMemoryCell):
    """An LSTM with a stack, which it changes by a superposition of push, pop and stay.

        (c_t, h_t) = LSTM((c_{t−1}, h_{t−1}), [x_t, M_{t−1}[0]])
        v_t = h_t V + b_v,  p_t = softmax(h_t A + b_a)
        M_t = p_t[0] · push(M_{t−1}, v_t) + p_t[1] · pop(M_{t−1}) + p_t[2] · M_{t−1}

    The stack is that of `StackRNN`; the LSTM is the one of `seqlab.cells.LSTM`.

    Source: Delétang et al. 2023, "Neural networks and the Chomsky hierarchy", appendix A, after Joulin &
    Mikolov 2015.
    """

    controller: ClassVar[type[Cell]] = LSTM
    gates: ClassVar[tuple[str, ...]] = ("push", "pop", "stay")

    def moves(self, memory: jax.Array, value: jax.Array) -> list[jax.Array]:
        return [pushed(memory, value), popped(memory), memory]
