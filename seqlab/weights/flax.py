"""Weights from and to Flax's `SimpleCell`, `LSTMCell`, `OptimizedLSTMCell` and `GRUCell`.

Each gate has two dense layers: `ii` reads the input of gate i, `hi` reads the hidden state. Each gate has one
bias: in `h…` for the LSTM, in `i…` for the others; the GRU's `hn` has a second one.

Source: the code of Flax 0.12, `linen/recurrent.py`.
"""

from __future__ import annotations

import numpy as np

from seqlab.cells.portable import Portable
from seqlab.types import Params
from seqlab.weights.layout import Layout, counterpart, from_params, has_two_biases, to_params


def from_flax(cell: Portable, params: Params) -> dict[str, np.ndarray]:
    """Return a cell's parameters from those of its counterpart in Flax.

    Args:
        cell: the cell; a GRU must have `reset_after`.
        params: `{dense: {"kernel": …, "bias": …}}`.

    Raises:
        ValueError: the cell cannot represent the weights, or names or shapes do not fit.
    """
    sides = _sides(cell)
    names = {name for side in sides for name in side}
    if set(params) != names:
        raise ValueError(f"{type(cell).__name__} reads {sorted(names)}, got {sorted(params)}")
    kernels = [np.concatenate([np.asarray(params[name]["kernel"]) for name in side], 1) for side in sides]
    biases = [np.concatenate([_bias(params[name]) for name in side]) for side in sides]
    return to_params(cell, Layout(*kernels, *biases), cell.gates)


def to_flax(cell: Portable, params: Params) -> dict[str, dict[str, np.ndarray]]:
    """Return the parameters of a cell's counterpart in Flax."""
    sides = _sides(cell)
    layout = from_params(cell, params, cell.gates)
    num_gates = len(cell.gates)
    dense: dict[str, dict[str, np.ndarray]] = {
        name: {"kernel": block}
        for side, kernel in zip(sides, layout[:2], strict=True)
        for name, block in zip(side, np.split(kernel, num_gates, axis=1), strict=True)
    }
    holders = sides[1] if counterpart(cell, "Flax").kind == "LSTM" else sides[0]
    for name, bias in zip(holders, np.split(layout.input_bias, num_gates), strict=True):
        dense[name]["bias"] = bias
    if has_two_biases(cell):
        dense["hn"]["bias"] = np.split(layout.recurrent_bias, num_gates)[-1]
    return dense


def _sides(cell: Portable) -> tuple[list[str], list[str]]:
    """Return the names of the dense layers of the input, and those of the hidden state."""
    form = counterpart(cell, "Flax")
    if form.kind == "RNN":
        return ["i"], ["h"]
    if form.kind == "GRU" and not form.reset_after:
        raise ValueError("Flax's GRUCell resets after the product: it cannot hold reset_after=False")
    return [f"i{gate}" for gate in cell.gates], [f"h{gate}" for gate in cell.gates]


def _bias(dense: Params) -> np.ndarray:
    kernel = np.asarray(dense["kernel"])
    return np.asarray(dense["bias"]) if "bias" in dense else np.zeros(kernel.shape[-1], kernel.dtype)
