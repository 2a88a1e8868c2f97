"""How do weights come from and go to the weight lists of Keras's `SimpleRNN`, `LSTM` and `GRU`?

`[kernel (F, G·H), recurrent_kernel (H, G·H), bias]`; an LSTM's gates in the order i f g o, a GRU's z r n. The
bias is `(G·H,)`, or `(2, 3·H)` = [W's, R's] for a GRU that resets after the product; it is missing where
`use_bias=False`.

Source: the documentation and code of Keras 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqlab.types import Params
from seqlab.weights.layout import Layout, from_params, keeps_two_biases, kind_of, to_params

ORDERS = {"RNN": ("h",), "LSTM": ("i", "f", "g", "o"), "GRU": ("z", "r", "n")}


def from_keras(cell: Any, weights: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Return a cell's parameters from `layer.get_weights()`.

    Args:
        cell: an Elman, an LSTM or a GRU.
        weights: two arrays, or three with the bias.

    Raises:
        ValueError: a bias of the other form of the GRU, or shapes that do not fit.
    """
    kind = kind_of(cell, "Keras")
    if len(weights) not in (2, 3):
        raise ValueError(f"weights must be [kernel, recurrent_kernel, bias], got {len(weights)} arrays")
    biases: Any = (None, None)
    if len(weights) == 3:
        bias = np.asarray(weights[2])
        if kind == "GRU" and (bias.ndim == 2) != cell.reset_after:
            raise ValueError(f"a bias of shape {bias.shape} needs reset_after={not cell.reset_after}")
        biases = tuple(bias) if bias.ndim == 2 else (bias, None)
    return to_params(cell, Layout(*weights[:2], *biases), ORDERS[kind])


def to_keras(cell: Any, params: Params) -> list[np.ndarray]:
    """Return what `layer.set_weights` takes."""
    layout = from_params(cell, params, ORDERS[kind_of(cell, "Keras")])
    bias = np.stack(layout[2:]) if keeps_two_biases(cell) else layout.input_bias
    return [layout.W, layout.R, bias]
