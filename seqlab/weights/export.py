"""How does a whole network leave? As flat arrays, `{name: array}`, in one library's layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from seqlab.recurrence import Stack
from seqlab.types import Params
from seqlab.weights.flax import to_flax
from seqlab.weights.keras import to_keras
from seqlab.weights.onnx import to_onnx
from seqlab.weights.torch import stack_to_torch


def export(stack: Stack, params: Params, library: str) -> dict[str, np.ndarray]:
    """Return a network's parameters by the names of a library, joined by dots.

    | library | recurrence | readout | embedding |
    |---|---|---|---|
    | torch | `recurrence.weight_ih_l0` … | `readout.weight` `readout.bias` | `embedding.weight` |
    | onnx | `recurrence.layer_0.W` `.R` `.B` | `readout.B` `readout.C` of Gemm | `embedding.data` of Gather |
    | keras | `recurrence.layer_0.forward.0` … | `readout.0` `readout.1` | `embedding.0` |
    | flax | `recurrence.layer_0.forward.ii.kernel` | `readout.kernel` `readout.bias` | `embedding.embedding`|

    So a `torch.nn.Module` that holds an `nn.LSTM` as `recurrence`, an `nn.Linear` as `readout` and an
    `nn.Embedding` as `embedding` loads the first with `load_state_dict`. A readout that is tied to the
    embedding has a kernel of its own there.

    Args:
        stack: the network's recurrence.
        params: the network's parameters, with its ends.
        library: a key of `LIBRARIES`.

    Raises:
        ValueError: a cell that the library cannot represent, or an encoder of images.
    """
    recurrence, readout, embedding = LIBRARIES[library]
    table = params.get("embedding", {}).get("embedding")
    if "embedding" in params and table is None:
        raise ValueError("a network that reads images by convolutions cannot be exported")
    tied = "kernel" not in params["readout"]
    kernel = table.T if tied else params["readout"]["kernel"]
    tree = {
        "recurrence": recurrence(stack, params["recurrence"]),
        "readout": readout(np.asarray(kernel), np.asarray(params["readout"]["bias"])),
    }
    if table is not None:
        tree["embedding"] = embedding(np.asarray(table))
    return dict(_flat("", tree))


def _by_direction(convert: Callable[[Any, Params], Any]) -> Callable[[Stack, Params], dict[str, Any]]:
    def convert_all(stack: Stack, params: Params) -> dict[str, Any]:
        return {
            layer: {name: convert(stack.cell, params[layer][name]) for name in stack.directions}
            for layer in stack.layers
        }

    return convert_all


def _to_onnx(stack: Stack, params: Params) -> dict[str, Any]:
    bidirectional = len(stack.directions) == 2
    return {
        layer: to_onnx(stack.cell, params[layer] if bidirectional else params[layer]["forward"])
        for layer in stack.layers
    }


LIBRARIES: Mapping[str, tuple[Callable, Callable, Callable]] = {
    "torch": (
        stack_to_torch,
        lambda kernel, bias: {"weight": kernel.T, "bias": bias},
        lambda table: {"weight": table},
    ),
    "onnx": (_to_onnx, lambda kernel, bias: {"B": kernel, "C": bias}, lambda table: {"data": table}),
    "keras": (_by_direction(to_keras), lambda kernel, bias: [kernel, bias], lambda table: [table]),
    "flax": (
        _by_direction(to_flax),
        lambda kernel, bias: {"kernel": kernel, "bias": bias},
        lambda table: {"embedding": table},
    ),
}
"""How each library holds the recurrence, the readout and the embedding."""


def _flat(path: str, node: Any) -> list[tuple[str, np.ndarray]]:
    if isinstance(node, np.ndarray):
        return [(path, node)]
    items = node.items() if isinstance(node, Mapping) else enumerate(node)
    return [leaf for name, child in items for leaf in _flat(f"{path}.{name}" if path else str(name), child)]
