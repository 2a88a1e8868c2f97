"""Test vectors of the selective SSM by the package mambapy (tests/vectors/mambapy.npz), float64.

    pip install mambapy torch && python scripts/make_mamba_vectors.py

Arrays: x (B, T, F), the weights of a `MambaBlock` by their names, its output y, and the gradients dx and
d<weight> of L = Σ y ⊙ dy. Random numbers are multiples of 1/64, so they are the same in float32 and float64.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from mambapy.mamba import MambaBlock, MambaConfig

PATH = Path(__file__).parents[1] / "tests" / "vectors" / "mambapy.npz"
B, T, F = 3, 9, 4


def main() -> None:
    """Write the vectors."""
    random = np.random.default_rng(0)
    block = MambaBlock(MambaConfig(d_model=F, n_layers=1, d_state=3, pscan=False)).double()
    # Its states are float32 by themselves, so the default dtype decides.
    torch.set_default_dtype(torch.float64)
    weights = dict(block.named_parameters())
    drawn = lambda *shape: torch.tensor(random.integers(-64, 65, shape) / 64)  # noqa: E731
    with torch.no_grad():
        for weight in weights.values():
            weight.copy_(drawn(*weight.shape))
    x, dy = drawn(B, T, F).requires_grad_(), drawn(B, T, F)
    block.A_log.float = lambda: block.A_log  # type: ignore[method-assign]
    block.D.float = lambda: block.D  # type: ignore[method-assign]
    y = block(x)
    (y * dy).sum().backward()
    arrays = {"x": x, "y": y, "dy": dy, "dx": x.grad, **weights}
    arrays |= {f"d{name}": weight.grad for name, weight in weights.items()}
    np.savez_compressed(PATH, **{name: array.detach().numpy() for name, array in arrays.items()})


if __name__ == "__main__":
    main()
