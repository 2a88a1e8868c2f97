"""Test vectors of the package `xlstm` (tests/vectors/xlstm.npz), from random weights and inputs.

    pip install torch && pip install --no-deps xlstm==2.0.6 && python scripts/make_xlstm_vectors.py

Arrays are named `<case>/<array>`, float64. A case is a cell and its number of heads:

    x (B, T, F)               inputs
    the parameters            by our names and in our layout
    y (B, T, H)               outputs
    c, n, m                   the carry after the last step, from zeros before the first
    y_parallel                mLSTM: the outputs by the package's parallel form
    dx and d<parameter>       gradients, by PyTorch, of L = Σ y ⊙ dy

Both cells stand without the package's layers around them: convolution, projections, norm and skips.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from xlstm.blocks.mlstm.backends import parallel_stabilized_simple, recurrent_step_stabilized_simple
from xlstm.blocks.slstm.src.vanilla.slstm import slstm_forward_pointwise

FILE = Path(__file__).parents[1] / "tests" / "vectors" / "xlstm.npz"
B, T, F, H = 3, 6, 2, 6
NUM_HEADS = (1, 3)

Tensors = dict[str, torch.Tensor]


def slstm(x: torch.Tensor, weights: Tensors) -> Tensors:
    """Run the sLSTM's step of the package over time."""
    R = weights["recurrent_kernel"]
    states = torch.zeros(4, B, H, dtype=x.dtype)  # h, c, n, m
    outputs = []
    for t in range(T):
        heads = states[0].reshape(B, len(R), -1)
        recurrent = torch.einsum("bnd,ndg->bng", heads, R).reshape(B, len(R), 4, -1)
        recurrent = recurrent.transpose(1, 2).reshape(B, 4 * H)
        states, _ = slstm_forward_pointwise(
            x[:, t] @ weights["input_kernel"], recurrent, weights["bias"][None], states, {}
        )
        outputs.append(states[0])
    return {"y": torch.stack(outputs, 1), **dict(zip("cnm", states[1:], strict=True))}


def mlstm(x: torch.Tensor, weights: Tensors, num_heads: int) -> Tensors:
    """Run the mLSTM's step of the package over time, and its parallel form."""
    z = (x @ weights["input_kernel"] + weights["bias"]).transpose(0, 1)
    q, k, v, i, f, o = torch.split(z, (H, H, H, num_heads, num_heads, H), dim=-1)
    q, k, v = (a.reshape(T, B, num_heads, 1, -1) for a in (q, k, v))
    i, f = (a.reshape(T, B, num_heads, 1, 1) for a in (i, f))
    D = H // num_heads
    shapes = (B, num_heads, D, D), (B, num_heads, D, 1), (B, num_heads, 1, 1)
    carry = tuple(torch.zeros(shape, dtype=x.dtype) for shape in shapes)
    outputs = []
    for t in range(T):
        reading = (a[t].clone() for a in (q, k, v))  # it squeezes its arguments in place
        h, carry = recurrent_step_stabilized_simple(*carry, *reading, i[t], f[t], eps=0.0)
        outputs.append(h.reshape(B, H))
    at_once = parallel_stabilized_simple(*(a.movedim(0, 3)[:, :, 0] for a in (q, k, v, i, f)), eps=0.0)
    gate = torch.sigmoid(o).transpose(0, 1)
    C, n, m = carry
    return {
        "y": gate * torch.stack(outputs, 1),
        "y_parallel": gate * at_once.transpose(1, 2).reshape(B, T, H),
        "c": C,
        "n": n[..., 0],
        "m": m[..., 0, 0],
    }


def shapes_of(cell: str, num_heads: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a cell's parameters."""
    if cell == "slstm":
        blocks = (num_heads, H // num_heads, 4 * H // num_heads)
        return {"input_kernel": (F, 4 * H), "recurrent_kernel": blocks, "bias": (4 * H,)}
    width = 4 * H + 2 * num_heads
    return {"input_kernel": (F, width), "bias": (width,)}


def cases() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield the name and the arrays of each case. Random numbers are multiples of 1/64."""
    for cell in ("slstm", "mlstm"):
        for num_heads in NUM_HEADS:
            name = f"{cell}-{num_heads}"
            random = np.random.default_rng(zlib.crc32(name.encode()))
            shapes = {"x": (B, T, F), **shapes_of(cell, num_heads)}
            drawn = {key: random.integers(-128, 129, shape) / 64 for key, shape in shapes.items()}
            leaves = {key: torch.tensor(value, requires_grad=True) for key, value in drawn.items()}
            weights = {key: value for key, value in leaves.items() if key != "x"}
            found = slstm(leaves["x"], weights) if cell == "slstm" else mlstm(leaves["x"], weights, num_heads)
            dy = random.integers(-64, 65, (B, T, H)) / 64
            slopes = torch.autograd.grad((found["y"] * torch.tensor(dy)).sum(), list(leaves.values()))
            results = {key: value.detach().numpy() for key, value in found.items()}
            gradients = {f"d{key}": value.numpy() for key, value in zip(leaves, slopes, strict=True)}
            yield name, {**drawn, "dy": dy, **results, **gradients}


def main() -> None:
    """Write the file and print its size."""
    found = list(cases())
    arrays = {f"{case}/{name}": value for case, values in found for name, value in values.items()}
    np.savez_compressed(FILE, **arrays)
    print(f"{len(found)} cases, {FILE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
