"""Weights of one cell in the layouts of other libraries: orders of gates, and two biases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seqlab.cells.portable import Counterpart, Portable, portable
from seqlab.types import Params


class Layout(NamedTuple):
    """Weights of one cell, its G gates side by side in a library's order.

    Attributes:
        W: input kernel, `(F, G·H)`.
        R: recurrent kernel, `(H, G·H)`.
        input_bias: `(G·H,)`.
        recurrent_bias: `(G·H,)`.
    """

    W: np.ndarray
    R: np.ndarray
    input_bias: np.ndarray
    recurrent_bias: np.ndarray


def layout_of(
    W: np.ndarray, R: np.ndarray, input_bias: np.ndarray | None, recurrent_bias: np.ndarray | None
) -> Layout:
    """Return weights as a layout; a bias of None is zero."""
    W, R = np.asarray(W), np.asarray(R)
    zeros = np.zeros(W.shape[-1:], W.dtype)
    return Layout(
        W,
        R,
        zeros if input_bias is None else np.asarray(input_bias),
        zeros if recurrent_bias is None else np.asarray(recurrent_bias),
    )


def counterpart(cell: object, library: str) -> Counterpart:
    """Return a cell's counterpart in a library; raise as `portable`."""
    return portable(cell, library).counterpart


def to_params(cell: Portable, layout: Layout, order: Sequence[str]) -> dict[str, np.ndarray]:
    """Return a cell's parameters.

    The two biases of a gate are added. Only the candidate of a GRU with `reset_after` has two:

        n = tanh(x W_n + b_n + r ⊙ (h R_n + b_Rn))

    Args:
        cell: the cell.
        layout: its weights.
        order: letters of the gates in the layout's order.

    Raises:
        ValueError: an array whose shape does not fit the cell.
    """
    H, width = cell.features, len(cell.gates) * cell.features
    W, R, input_bias, recurrent_bias = layout
    if W.ndim != 2 or W.shape[1] != width:
        raise ValueError(f"input weights of {type(cell).__name__}({H}) must be (F, {width}), got {W.shape}")
    require_shape(cell, "recurrent weights", R, (H, width))
    require_shape(cell, "input bias", input_bias, (width,))
    require_shape(cell, "recurrent bias", recurrent_bias, (width,))
    W, R, b, c = (reorder(array, order, cell.gates) for array in (W, R, input_bias, recurrent_bias))
    params = {"input_kernel": W, "recurrent_kernel": R, "bias": b + c}
    if has_two_biases(cell):
        params["bias"] = np.concatenate([(b + c)[: 2 * H], b[2 * H :]])
        params["candidate_bias"] = c[2 * H :]
    return params


def from_params(cell: Portable, params: Params, order: Sequence[str]) -> Layout:
    """Return a cell's weights with the gates in `order`; a second bias that the cell does not have is zero.

    Raises:
        ValueError: the parameters are not those of the cell.
    """
    names = ["input_kernel", "recurrent_kernel", "bias"]
    further = ["candidate_bias"] if has_two_biases(cell) else []
    if set(params) != {*names, *further}:
        raise ValueError(f"{type(cell).__name__} has parameters {names + further}, got {list(params)}")
    W, R, b = (np.asarray(params[name]) for name in names)
    c = np.zeros_like(b)
    if has_two_biases(cell):
        c[2 * cell.features :] = np.asarray(params["candidate_bias"])
    layout = Layout(*(reorder(array, cell.gates, order) for array in (W, R, b, c)))
    to_params(cell, layout, order)  # refuses mismatched shapes
    return layout


def has_two_biases(cell: Portable) -> bool:
    """Return whether the candidate of a cell has a second bias on the recurrent side."""
    return cell.counterpart.reset_after


def reorder(array: np.ndarray, source: Sequence[str], target: Sequence[str]) -> np.ndarray:
    """Rearrange the blocks of gates along the last axis, from one order of letters to another."""
    blocks = dict(zip(source, np.split(array, len(source), axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in target], axis=-1)


def require_shape(cell: Portable, what: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise ValueError if an array does not have the shape that the cell requires."""
    if array.shape != shape:
        raise ValueError(
            f"{what} of {type(cell).__name__}({cell.features}) must be {shape}, got {array.shape}"
        )
