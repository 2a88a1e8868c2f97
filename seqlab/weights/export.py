"""Export of a whole network as flat arrays, `{name: array}`, in one library's layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from seqlab.cells.portable import portable
from seqlab.recurrence import Stack
from seqlab.recurrence.stack import PLAIN
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

    A `torch.nn.Module` with an `nn.LSTM` named `recurrence`, an `nn.Linear` named `readout` and an
    `nn.Embedding` named `embedding` loads the first with `load_state_dict`. A readout that is tied to the
    embedding gets its own copy of the kernel.

    Args:
        stack: the network's recurrence.
        params: all parameters of the network.
        library: a key of `LIBRARIES`.

    Raises:
        ValueError: the library cannot represent the cell, or the network has an image encoder, blocks or a
            convolution before its layers.
    """
    if stack.block != PLAIN or stack.input_conv is not None:
        kind = stack.block.kind
        raise ValueError(
            f"a network with block={kind}, input_conv={stack.input_conv} cannot be exported: "
            "legal are plain and null"
        )
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
        layer: to_onnx(
            portable(stack.cell, "ONNX"), params[layer] if bidirectional else params[layer]["forward"]
        )
        for layer in stack.layers
    }


class Library(NamedTuple):
    """How a library holds a network.

    Attributes:
        recurrence: from the stack and its parameters.
        readout: from the kernel `(H, O)` and the bias `(O,)`.
        embedding: from the table `(size, width)`.
    """

    recurrence: Callable[[Stack, Params], Any]
    readout: Callable[[np.ndarray, np.ndarray], Any]
    embedding: Callable[[np.ndarray], Any]


LIBRARIES: Mapping[str, Library] = {
    "torch": Library(
        stack_to_torch,
        lambda kernel, bias: {"weight": kernel.T, "bias": bias},
        lambda table: {"weight": table},
    ),
    "onnx": Library(_to_onnx, lambda kernel, bias: {"B": kernel, "C": bias}, lambda table: {"data": table}),
    "keras": Library(_by_direction(to_keras), lambda kernel, bias: [kernel, bias], lambda table: [table]),
    "flax": Library(
        _by_direction(to_flax),
        lambda kernel, bias: {"kernel": kernel, "bias": bias},
        lambda table: {"embedding": table},
    ),
}


def _flat(path: str, node: Any) -> list[tuple[str, np.ndarray]]:
    if isinstance(node, np.ndarray):
        return [(path, node)]
    items = node.items() if isinstance(node, Mapping) else enumerate(node)
    return [leaf for name, child in items for leaf in _flat(f"{path}.{name}" if path else str(name), child)]
