"""Weights from and to the state dicts of `torch.nn.RNN`, `LSTM` and `GRU`.

The names are `weight_ih_l{layer}` `(G·H, F)`, `weight_hh_l{layer}` `(G·H, H)`, `bias_ih_l{layer}` and
`bias_hh_l{layer}` `(G·H,)`, with the suffix `_reverse` for the backward direction. The order of gates is i f
g o in an LSTM and r z n in a GRU.

Source: the documentation of PyTorch 2.13.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seqlab.cells.portable import Portable, portable
from seqlab.recurrence import Stack
from seqlab.types import Params
from seqlab.weights.layout import counterpart, from_params, layout_of, to_params

ORDERS = {"RNN": ("h",), "LSTM": ("i", "f", "g", "o"), "GRU": ("r", "z", "n")}
SUFFIXES = {"forward": "", "backward": "_reverse"}


def from_torch(
    cell: Portable, state_dict: Mapping[str, Any], layer: int = 0, direction: str = "forward"
) -> dict[str, np.ndarray]:
    """Return the parameters of one layer and direction.

    Args:
        cell: an Elman (tanh or relu), an LSTM or a GRU (`reset_after`).
        state_dict: arrays by PyTorch's names; without biases if the module has none.
        layer: index of the layer.
        direction: forward or backward.

    Raises:
        ValueError: the cell cannot represent the weights, a name is missing, or shapes do not fit.
    """
    kind, suffix = _kind(cell), _suffix(layer, direction)
    if f"weight_hr{suffix}" in state_dict:
        raise ValueError(f"{type(cell).__name__} has no projection (weight_hr{suffix})")
    if missing := {f"weight_ih{suffix}", f"weight_hh{suffix}"} - set(state_dict):
        raise ValueError(f"{min(missing)} is not in the state dict: it has {', '.join(state_dict)}")
    W, R = (np.asarray(state_dict[f"weight_{name}{suffix}"]).T for name in ("ih", "hh"))
    biases = (state_dict.get(f"bias_{name}{suffix}") for name in ("ih", "hh"))
    return to_params(cell, layout_of(W, R, *biases), ORDERS[kind])


def to_torch(
    cell: Portable, params: Params, layer: int = 0, direction: str = "forward"
) -> dict[str, np.ndarray]:
    """Return the part of a state dict that is one layer and direction."""
    kind, suffix = _kind(cell), _suffix(layer, direction)
    layout = from_params(cell, params, ORDERS[kind])
    return {
        f"weight_ih{suffix}": layout.W.T,
        f"weight_hh{suffix}": layout.R.T,
        f"bias_ih{suffix}": layout.input_bias,
        f"bias_hh{suffix}": layout.recurrent_bias,
    }


def stack_from_torch(stack: Stack, state_dict: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the parameters of all layers and directions, `{layer: {direction: the cell's}}`.

    Raises:
        ValueError: as `from_torch`; or the state dict has layers or directions that the stack does not have.
    """
    params: dict[str, dict[str, Any]] = {}
    cell, read = portable(stack.cell, "PyTorch"), set[str]()
    for index, layer in enumerate(stack.layers):
        params[layer] = {name: from_torch(cell, state_dict, index, name) for name in stack.directions}
        read |= {
            f"{kind}_{side}{_suffix(index, name)}"
            for name in stack.directions
            for kind in ("weight", "bias")
            for side in ("ih", "hh")
        }
    if further := sorted(set(state_dict) - read):
        raise ValueError(f"{further[0]} has no place in {stack.num_layers} layers of {stack.directions}")
    return params


def stack_to_torch(stack: Stack, params: Params) -> dict[str, np.ndarray]:
    """Return the state dict of `torch.nn.RNN`, `LSTM` or `GRU` for a whole stack."""
    cell, found = portable(stack.cell, "PyTorch"), dict[str, np.ndarray]()
    for index, layer in enumerate(stack.layers):
        for name in stack.directions:
            found |= to_torch(cell, params[layer][name], index, name)
    return found


def _kind(cell: Portable) -> str:
    form = counterpart(cell, "PyTorch")
    if form.kind == "RNN" and form.activation == "identity":
        raise ValueError("PyTorch's RNN has no activation identity: legal are tanh, relu")
    if form.kind == "GRU" and not form.reset_after:
        raise ValueError("PyTorch's GRU resets after the product: it cannot hold reset_after=False")
    return form.kind


def _suffix(layer: int, direction: str) -> str:
    if direction not in SUFFIXES:
        raise ValueError(f"direction must be one of {', '.join(SUFFIXES)}, got {direction!r}")
    return f"_l{layer}{SUFFIXES[direction]}"
