"""How do weights come from and go to Flax's `SimpleCell`, `LSTMCell`, `OptimizedLSTMCell` and `GRUCell`?

A dense layer a gate and side: `ii` reads the input for gate i, `hi` the hidden state. One bias a gate:
the LSTM's stands with `h`, the others' with `i`, and the GRU's `hn` has one more.

Source: the code of Flax 0.12, `linen/recurrent.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from seqlab.types import Params
from seqlab.weights.layout import Layout, from_params, keeps_two_biases, kind_of, to_params


def from_flax(cell: Any, params: Params) -> dict[str, np.ndarray]:
    """Return a cell's parameters from those of its counterpart in Flax.

    Args:
        cell: an Elman, an LSTM or a GRU (reset after).
        params: `{dense: {"kernel": …, "bias": …}}`.

    Raises:
        ValueError: what the cell cannot represent, names or shapes that do not fit.
    """
    sides = _sides(cell)
    names = {name for side in sides for name in side}
    if set(params) != names:
        raise ValueError(f"{type(cell).__name__} reads {sorted(names)}, got {sorted(params)}")
    kernels = [np.concatenate([np.asarray(params[name]["kernel"]) for name in side], 1) for side in sides]
    biases = [np.concatenate([_bias(params[name]) for name in side]) for side in sides]
    return to_params(cell, Layout(*kernels, *biases), cell.gates)


def to_flax(cell: Any, params: Params) -> dict[str, dict[str, np.ndarray]]:
    """Return the parameters of a cell's counterpart in Flax."""
    sides = _sides(cell)
    layout = from_params(cell, params, cell.gates)
    num_gates = len(cell.gates)
    dense = {
        name: {"kernel": block}
        for side, kernel in zip(sides, layout[:2], strict=True)
        for name, block in zip(side, np.split(kernel, num_gates, axis=1), strict=True)
    }
    holders = sides[1] if kind_of(cell, "Flax") == "LSTM" else sides[0]
    for name, bias in zip(holders, np.split(layout.input_bias, num_gates), strict=True):
        dense[name]["bias"] = bias
    if keeps_two_biases(cell):
        dense["hn"]["bias"] = np.split(layout.recurrent_bias, num_gates)[-1]
    return dense


def _sides(cell: Any) -> tuple[list[str], list[str]]:
    """Return the names of the dense layers that read the input, and of those that read the hidden state."""
    kind = kind_of(cell, "Flax")
    if kind == "RNN":
        return ["i"], ["h"]
    if kind == "GRU" and not cell.reset_after:
        raise ValueError("Flax's GRUCell resets after the product: it cannot hold reset_after=False")
    return [f"i{gate}" for gate in cell.gates], [f"h{gate}" for gate in cell.gates]


def _bias(dense: Params) -> np.ndarray:
    kernel = np.asarray(dense["kernel"])
    return np.asarray(dense["bias"]) if "bias" in dense else np.zeros(kernel.shape[-1], kernel.dtype)
