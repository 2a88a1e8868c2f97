"""Weights from and to the ONNX operators RNN, GRU and LSTM.

W is `(D, G·H, F)`, R is `(D, G·H, H)`, and B is `(D, 2·G·H)`, the bias of W followed by that of R. D is 1 or
2 directions. The order of gates is i o f g in an LSTM and z r n in a GRU.

Source: ONNX operator specification, RNN-22, GRU-22, LSTM-22.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.cells.portable import Portable
from seqlab.types import Params
from seqlab.weights.layout import counterpart, from_params, layout_of, to_params

ORDERS = {"RNN": ("h",), "LSTM": ("i", "o", "f", "g"), "GRU": ("z", "r", "n")}
ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "identity": "Affine"}
DIRECTIONS = ("forward", "backward")


def from_onnx(
    cell: Portable,
    W: np.ndarray,
    R: np.ndarray,
    B: np.ndarray | None = None,
    P: np.ndarray | None = None,
    *,
    activations: Sequence[str] | None = None,
    linear_before_reset: int | None = None,
    clip: float | None = None,
    input_forget: int = 0,
) -> Params:
    """Return a cell's parameters from an ONNX operator's inputs.

    Args:
        cell: the cell.
        W: `(D, G·H, F)`.
        R: `(D, G·H, H)`.
        B: `(D, 2·G·H)`; None for zeros.
        P: peepholes of an LSTM; refused.
        activations: attribute of the operator, its functions for each direction; None is not checked.
        linear_before_reset: attribute of a GRU; None is not checked.
        clip: attribute of the operator; refused.
        input_forget: attribute of an LSTM; refused unless 0.

    Returns:
        The parameters if D = 1, `{"forward": …, "backward": …}` if D = 2.

    Raises:
        ValueError: the cell cannot represent the operator, or shapes do not fit.
    """
    form = counterpart(cell, "ONNX")
    W, R = np.asarray(W), np.asarray(R)
    if W.ndim != 3 or W.shape[0] not in (1, 2):
        raise ValueError(f"W must be (D, G·H, F) with D 1 or 2, got {W.shape}")
    for name, array, rank in (("R", R, 3), ("B", B, 2)):
        if array is not None and (np.ndim(array) != rank or len(array) != len(W)):
            raise ValueError(f"{name} must have {rank} axes and {len(W)} directions, got {np.shape(array)}")
    _refuse(P is not None, cell, "peepholes (P)")
    _refuse(clip is not None, cell, f"clip={clip}")
    _refuse(bool(input_forget), cell, "coupled gates (input_forget=1)")
    given = linear_before_reset is not None
    if given and form.kind == "GRU" and bool(linear_before_reset) != form.reset_after:
        raise ValueError(
            f"linear_before_reset={linear_before_reset} needs reset_after={not form.reset_after}"
        )
    expected = activations_of(cell) * len(W)
    if activations is not None and [name.lower() for name in activations] != [a.lower() for a in expected]:
        raise ValueError(f"activations of {cell_name(cell)} must be {expected}, got {list(activations)}")
    found: list[Params] = []
    for d in range(len(W)):
        biases = (None, None) if B is None else _halves(cell, np.asarray(B)[d])
        found.append(to_params(cell, layout_of(W[d].T, R[d].T, *biases), ORDERS[form.kind]))
    return found[0] if len(found) == 1 else dict(zip(DIRECTIONS, found, strict=True))


def to_onnx(cell: Portable, params: Params) -> dict[str, np.ndarray]:
    """Return an ONNX operator's inputs W, R and B.

    Args:
        cell: the cell.
        params: the cell's parameters, or `{"forward": …, "backward": …}`.
    """
    order = ORDERS[counterpart(cell, "ONNX").kind]
    both = [params[name] for name in DIRECTIONS] if set(params) == set(DIRECTIONS) else [params]
    layouts = [from_params(cell, one, order) for one in both]
    return {
        "W": np.stack([layout.W.T for layout in layouts]),
        "R": np.stack([layout.R.T for layout in layouts]),
        "B": np.stack([np.concatenate(layout[2:]) for layout in layouts]),
    }


def onnx_attributes(cell: Portable, num_directions: int = 1) -> Mapping[str, Any]:
    """Return the attributes with which the ONNX operator equals the cell, without `direction`."""
    attributes: dict[str, Any] = {
        "hidden_size": cell.features,
        "activations": activations_of(cell) * num_directions,
    }
    if (form := counterpart(cell, "ONNX")).kind == "GRU":
        attributes["linear_before_reset"] = int(form.reset_after)
    return attributes


def activations_of(cell: Portable) -> list[str]:
    """Return the functions of a cell by their ONNX names, in the operator's order."""
    form = counterpart(cell, "ONNX")
    if form.kind == "RNN":
        return [ACTIVATIONS[form.activation]]
    return ["Sigmoid", "Tanh"] if form.kind == "GRU" else ["Sigmoid", "Tanh", "Tanh"]


def cell_name(cell: Portable) -> str:
    """Return a cell's name and, if it has a choice, its activation."""
    form = cell.counterpart
    return type(cell).__name__ + (f"({form.activation})" if form.kind == "RNN" else "")


def _halves(cell: Portable, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    width = len(cell.gates) * cell.features
    if bias.shape != (2 * width,):
        raise ValueError(f"B must be (D, {2 * width}) for {type(cell).__name__}, got (D, {bias.shape[0]})")
    return bias[:width], bias[width:]


def _refuse(given: bool, cell: Portable, what: str) -> None:
    if given:
        raise ValueError(f"{type(cell).__name__} has no {what}")
