"""Test vectors of other libraries (tests/vectors/), from random weights and inputs.

    pip install -c constraints.txt -e '.[vectors]' && python scripts/make_vectors.py

One `.npz` for each library (onnxruntime in float32, PyTorch and Keras in float64), with arrays named
`<case>/<array>`. A case is `<network>-<direction>-<lengths>`:

    x (B, T, F), lengths (B,), h0 and c0 (D, B, H)    inputs; D is 1 or 2 directions
    weights                                           in the layout and by the names of the library
    y (B, T, D·H), h and c (D, B, H)                  outputs
    dx, dh0, dc0 and d<weight>    gradients, by PyTorch, of L = Σ y ⊙ dy + Σ h ⊙ dh + Σ c ⊙ dc

Random numbers are multiples of 1/64, so they are the same in float32 and float64.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"  # not JAX: the engine is to share nothing with ours

import keras
import numpy as np
import onnx
import onnxruntime
import torch
from keras.src.backend.common import dtypes

FOLDER = Path(__file__).parents[1] / "tests" / "vectors"
B, T, F, H = 3, 5, 2, 3
LENGTHS = {"full": (T, T, T), "ragged": (T, 1, 3)}
DIRECTIONS = ("forward", "reverse", "bidirectional")
GATES = {"rnn": 1, "lstm": 4, "gru": 3}

Arrays = dict[str, np.ndarray]


def cases(engine: str, networks: tuple[str, ...]) -> Iterator[tuple[str, str, str, Any]]:
    """Yield the name of each case, its network, direction, and a function that draws its arrays."""
    for network in networks:
        for direction in DIRECTIONS:
            for lengths in LENGTHS:
                name = f"{network}-{direction}-{lengths}"
                random = np.random.default_rng(zlib.crc32(f"{engine}/{name}".encode()))

                def draw(*shape: int, random: np.random.Generator = random) -> np.ndarray:
                    return random.integers(-64, 65, shape) / 64

                yield name, network, direction, draw


def reading(name: str, network: str, direction: str, draw: Any) -> Arrays:
    """Draw the inputs of every network."""
    lengths = np.array(LENGTHS[name.rpartition("-")[2]], np.int32)
    num_directions = 2 if direction == "bidirectional" else 1
    drawn = {"x": draw(B, T, F), "lengths": lengths, "h0": draw(num_directions, B, H)}
    return drawn | ({"c0": draw(num_directions, B, H)} if network.startswith("lstm") else {})


def by_onnxruntime() -> Iterator[tuple[str, Arrays]]:
    """Run the operators RNN, LSTM and GRU, float32."""
    operators = {
        "rnn_tanh": {"activations": ["Tanh"]},
        "rnn_relu": {"activations": ["Relu"]},
        "lstm": {},
        "gru_after": {"linear_before_reset": 1},
        "gru_before": {"linear_before_reset": 0},
    }
    for name, network, direction, draw in cases("onnxruntime", tuple(operators)):
        drawn = reading(name, network, direction, draw)
        kind, num_directions = network.partition("_")[0], len(drawn["h0"])
        width = GATES[kind] * H
        weights = {
            "W": draw(num_directions, width, F),
            "R": draw(num_directions, width, H),
            "B": draw(num_directions, 2 * width),
        }
        attributes = dict(operators[network])
        if "activations" in attributes:
            attributes["activations"] = attributes["activations"] * num_directions
        feeds = {"X": drawn["x"].swapaxes(0, 1), **weights, "initial_h": drawn["h0"]}
        if "c0" in drawn:
            feeds["initial_c"] = drawn["c0"]
        feeds = {key: value.astype(np.float32) for key, value in feeds.items()} | {
            "sequence_lens": drawn["lengths"]
        }
        states = ["Y_h", "Y_c"] if kind == "lstm" else ["Y_h"]
        inputs = [
            "X",
            "W",
            "R",
            "B",
            "sequence_lens",
            "initial_h",
            *(["initial_c"] if kind == "lstm" else []),
        ]
        node = onnx.helper.make_node(
            kind.upper(), inputs, ["Y", *states], hidden_size=H, direction=direction, **attributes
        )
        real, whole = onnx.TensorProto.FLOAT, onnx.TensorProto.INT32
        graph = onnx.helper.make_graph(
            [node],
            name,
            [
                onnx.helper.make_tensor_value_info(
                    key, real if key != "sequence_lens" else whole, feeds[key].shape
                )
                for key in inputs
            ],
            [onnx.helper.make_tensor_value_info(key, real, None) for key in node.output],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        y, *finals = session.run(None, feeds)
        outputs = {"y": y.transpose(2, 0, 1, 3).reshape(B, T, -1)}  # (T, D, B, H)
        outputs |= dict(zip("hc", finals, strict=False))
        yield name, drawn | weights | outputs


def by_torch() -> Iterator[tuple[str, Arrays]]:
    """Run `torch.nn.RNN`, `LSTM` and `GRU` and their autograd, float64."""
    modules = {
        "rnn_tanh": lambda **options: torch.nn.RNN(F, H, **options),
        "rnn_relu": lambda **options: torch.nn.RNN(F, H, nonlinearity="relu", **options),
        "lstm": lambda **options: torch.nn.LSTM(F, H, **options),
        "gru_after": lambda **options: torch.nn.GRU(F, H, **options),
    }
    for name, network, direction, draw in cases("torch", tuple(modules)):
        drawn = reading(name, network, direction, draw)
        lengths = torch.tensor(drawn["lengths"])
        module = modules[network](
            batch_first=True, bidirectional=direction == "bidirectional", dtype=torch.float64
        )
        with torch.no_grad():
            for weight in module.parameters():
                weight.copy_(torch.tensor(draw(*weight.shape)))
        leaves = {key: torch.tensor(drawn[key], requires_grad=True) for key in drawn if key != "lengths"}
        x = leaves["x"]
        if direction == "reverse":
            x = flipped(x, lengths)
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        first = (leaves["h0"], leaves["c0"]) if "c0" in leaves else leaves["h0"]
        y, final = module(packed, first)
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=T)
        if direction == "reverse":
            y = flipped(y, lengths)
        results = {"y": y, **dict(zip("hc", final if isinstance(final, tuple) else (final,), strict=False))}
        weighing = {f"d{key}": draw(*value.shape) for key, value in results.items()}
        loss = sum((results[key[1:]] * torch.tensor(value)).sum() for key, value in weighing.items())
        leaves |= dict(module.named_parameters())
        gradients = torch.autograd.grad(loss, list(leaves.values()))
        yield (
            name,
            {
                **drawn,
                **{key: value.detach().numpy() for key, value in module.named_parameters()},
                **{key: value.detach().numpy() for key, value in results.items()},
                **weighing,
                **{f"d{key}": value.numpy() for key, value in zip(leaves, gradients, strict=True)},
            },
        )


def flipped(sequences: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Reverse the real steps of each sequence `(B, T, …)`."""
    rows = [
        torch.cat([row[:length].flip(0), row[length:]])
        for row, length in zip(sequences, lengths, strict=True)
    ]
    return torch.stack(rows)


def by_keras() -> Iterator[tuple[str, Arrays]]:
    """Run `SimpleRNN`, `LSTM` and `GRU`, float64, with a mask for ragged lengths."""
    keras.config.set_floatx("float64")
    dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # else Keras computes its products in float32
    options = {"return_sequences": True, "return_state": True}
    layers = {
        "rnn_tanh": lambda **more: keras.layers.SimpleRNN(H, **options, **more),
        "rnn_relu": lambda **more: keras.layers.SimpleRNN(H, activation="relu", **options, **more),
        "rnn_identity": lambda **more: keras.layers.SimpleRNN(H, activation="linear", **options, **more),
        "lstm": lambda **more: keras.layers.LSTM(H, **options, **more),
        "gru_after": lambda **more: keras.layers.GRU(H, **options, **more),
        "gru_before": lambda **more: keras.layers.GRU(H, reset_after=False, **options, **more),
    }
    for name, network, direction, draw in cases("keras", tuple(layers)):
        drawn = reading(name, network, direction, draw)
        both = direction == "bidirectional"
        layer = layers[network](**({} if both else {"go_backwards": direction == "reverse"}))
        if both:
            layer = keras.layers.Bidirectional(layer)
        mask = np.arange(T) < drawn["lengths"][:, None]
        parts = [key for key in ("h0", "c0") if key in drawn]
        first = [drawn[key][d] for d in range(len(drawn["h0"])) for key in parts]
        layer.build(drawn["x"].shape)
        layer.set_weights([draw(*weight.shape) for weight in layer.get_weights()])
        full = bool(mask.all())
        y, *finals = (
            keras.ops.convert_to_numpy(value)
            for value in layer(drawn["x"], initial_state=first, mask=None if full else mask)
        )
        if direction == "reverse":
            y = y[:, ::-1]  # Keras gives the outputs in the order in which it read
        states = {part[0]: np.stack(finals[i :: len(parts)]) for i, part in enumerate(parts)}
        weights = {f"weight_{i}": weight for i, weight in enumerate(layer.get_weights())}
        yield name, drawn | weights | {"y": np.where(mask[..., None], y, 0)} | states


ENGINES = {"onnxruntime": by_onnxruntime, "torch": by_torch, "keras": by_keras}


def main() -> None:
    """Write one file for each library and print its size."""
    FOLDER.mkdir(exist_ok=True)
    for engine in sys.argv[1:] or ENGINES:
        found = list(ENGINES[engine]())
        file = FOLDER / f"{engine}.npz"
        arrays = {f"{case}/{name}": value for case, values in found for name, value in values.items()}
        np.savez_compressed(file, **arrays)
        version = {"onnxruntime": onnxruntime, "torch": torch, "keras": keras}[engine].__version__
        print(f"{engine} {version}: {len(found)} cases, {file.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
