"""What is common to all layouts? Gates side by side in some order, and two biases where one is enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seqlab.cells import GRU, LSTM, Elman
from seqlab.types import Params

KINDS = {Elman: "RNN", LSTM: "LSTM", GRU: "GRU"}
"""The cells that other libraries have too, and what most of them call these."""


class Layout(NamedTuple):
    """One cell's weights, G gates side by side in a library's order.

    Attributes:
        W: `(F, G·H)`, what multiplies the input.
        R: `(H, G·H)`, what multiplies the hidden state.
        input_bias: `(G·H,)`, None for zeros.
        recurrent_bias: `(G·H,)`, None for zeros.
    """

    W: np.ndarray
    R: np.ndarray
    input_bias: np.ndarray | None
    recurrent_bias: np.ndarray | None


def kind_of(cell: Any, library: str) -> str:
    """Return what most libraries call a cell: RNN, LSTM or GRU.

    Raises:
        ValueError: another cell, which `library` cannot represent.
    """
    if type(cell) not in KINDS:
        legal = ", ".join(kind.__name__ for kind in KINDS)
        raise ValueError(f"{type(cell).__name__} has no counterpart in {library}: legal cells are {legal}")
    return KINDS[type(cell)]


def to_params(cell: Any, layout: Layout, order: Sequence[str]) -> dict[str, np.ndarray]:
    """Return a cell's parameters.

    The two biases of a gate are summed, but for the candidate's of a GRU that resets after the product:

        n = tanh(x W_n + b_n + r ⊙ (h R_n + b_Rn))

    There they differ, and both are kept.

    Args:
        cell: an Elman, an LSTM or a GRU.
        layout: its weights.
        order: the gates' letters in the layout's order.

    Raises:
        ValueError: an array whose shape does not fit the cell.
    """
    H, width = cell.features, len(cell.gates) * cell.features
    W, R = np.asarray(layout.W), np.asarray(layout.R)
    if W.ndim != 2 or W.shape[1] != width:
        raise ValueError(f"input weights of {type(cell).__name__}({H}) must be (F, {width}), got {W.shape}")
    require_shape(cell, "recurrent weights", R, (H, width))
    input_bias, recurrent_bias = (
        np.zeros(width, W.dtype) if bias is None else np.asarray(bias) for bias in layout[2:]
    )
    require_shape(cell, "input bias", input_bias, (width,))
    require_shape(cell, "recurrent bias", recurrent_bias, (width,))
    W, R, b, c = (reorder(array, order, cell.gates) for array in (W, R, input_bias, recurrent_bias))
    params = {"input_kernel": W, "recurrent_kernel": R, "bias": b + c}
    if keeps_two_biases(cell):
        params["bias"] = np.concatenate([(b + c)[: 2 * H], b[2 * H :]])
        params["candidate_bias"] = c[2 * H :]
    return params


def from_params(cell: Any, params: Params, order: Sequence[str]) -> Layout:
    """Return a cell's weights with the gates in `order`; the recurrent bias is zero where one is enough.

    Raises:
        ValueError: parameters that are not the cell's.
    """
    names = ["input_kernel", "recurrent_kernel", "bias"]
    further = ["candidate_bias"] if keeps_two_biases(cell) else []
    if set(params) != {*names, *further}:
        raise ValueError(f"{type(cell).__name__} has parameters {names + further}, got {list(params)}")
    W, R, b = (np.asarray(params[name]) for name in names)
    c = np.zeros_like(b)
    if keeps_two_biases(cell):
        c[2 * cell.features :] = np.asarray(params["candidate_bias"])
    layout = Layout(*(reorder(array, cell.gates, order) for array in (W, R, b, c)))
    to_params(cell, layout, order)  # refuses mismatched shapes
    return layout


def keeps_two_biases(cell: Any) -> bool:
    """Say whether a cell's candidate has a bias of its own on the recurrent side."""
    return isinstance(cell, GRU) and cell.reset_after


def reorder(array: np.ndarray, source: Sequence[str], target: Sequence[str]) -> np.ndarray:
    """Rearrange the gates' blocks along the last axis, from one order of letters to another."""
    blocks = dict(zip(source, np.split(array, len(source), axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in target], axis=-1)


def require_shape(cell: Any, what: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise ValueError where an array does not have the shape that the cell gives it."""
    if array.shape != shape:
        raise ValueError(
            f"{what} of {type(cell).__name__}({cell.features}) must be {shape}, got {array.shape}"
        )
