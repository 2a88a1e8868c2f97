"""Weights from and to the weight lists of Keras's `SimpleRNN`, `LSTM` and `GRU`.

A list is `[kernel (F, G·H), recurrent_kernel (H, G·H), bias]`. The order of gates is i f g o in an LSTM and z
r n in a GRU. The bias is `(G·H,)`, or `(2, 3·H)`, that of W and that of R, for a GRU with `reset_after`.
There is no bias with `use_bias=False`.

Source: the documentation and code of Keras 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.cells.portable import Portable
from seqlab.types import Params
from seqlab.weights.layout import counterpart, from_params, has_two_biases, layout_of, to_params

ORDERS = {"RNN": ("h",), "LSTM": ("i", "f", "g", "o"), "GRU": ("z", "r", "n")}


def from_keras(cell: Portable, weights: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Return a cell's parameters from `layer.get_weights()`.

    Args:
        cell: the cell.
        weights: two arrays, or three with the bias.

    Raises:
        ValueError: the bias is that of the other form of the GRU, or shapes do not fit.
    """
    form = counterpart(cell, "Keras")
    if len(weights) not in (2, 3):
        raise ValueError(f"weights must be [kernel, recurrent_kernel, bias], got {len(weights)} arrays")
    biases: tuple[np.ndarray | None, np.ndarray | None] = (None, None)
    if len(weights) == 3:
        bias = np.asarray(weights[2])
        if form.kind == "GRU" and (bias.ndim == 2) != form.reset_after:
            raise ValueError(f"a bias of shape {bias.shape} needs reset_after={not form.reset_after}")
        biases = (bias[0], bias[1]) if bias.ndim == 2 else (bias, None)
    return to_params(cell, layout_of(weights[0], weights[1], *biases), ORDERS[form.kind])


def to_keras(cell: Portable, params: Params) -> list[np.ndarray]:
    """Return the list that `layer.set_weights` takes."""
    layout = from_params(cell, params, ORDERS[counterpart(cell, "Keras").kind])
    bias = np.stack(layout[2:]) if has_two_biases(cell) else layout.input_bias
    return [layout.W, layout.R, bias]
