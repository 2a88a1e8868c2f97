"""The table of `bench_recurrence` on a GPU or TPU: every cell and shape, next to PyTorch, Flax and cuDNN.

    python scripts/bench_accelerator.py [--cells lstm …] [--shapes 32,100,64,128 …] [--rounds 9]

Written to `experiments/recurrence_speed/accelerator.md`, with what JAX says of the device. A library that
does not run is named with its reason. Without an accelerator the script refuses to write; `--form` measures
what it can there, and prints the table instead.
"""

from __future__ import annotations

import argparse
import os
import sys

import bench_recurrence as bench

PEERS = (bench.OURS, "seqlab_cudnn", "plain", "torch", "torch_compile", "linen", "nnx")


def device() -> str:
    """Return the name of JAX's device, asked in this process, which measures nothing."""
    import jax

    return f"{jax.device_count()} x {jax.devices()[0].device_kind} ({jax.default_backend()})"


def main() -> None:
    """Measure, and write or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=bench.CELLS, choices=bench.CELLS)
    parser.add_argument("--shapes", nargs="+", default=bench.SHAPES, help="B,T,F,H")
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--form", action="store_true", help="print the table, on any device")
    options = parser.parse_args()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # the processes share one device
    name = device()
    if name.endswith("(cpu)") and not options.form:
        sys.exit("bench_accelerator.py needs a GPU or TPU, got cpu: --form prints what runs here")
    peers = [bench.OURS, *(peer for peer in options.peers if peer != bench.OURS)]
    cases = [
        bench.measure(cell, shape, peers, options.rounds)
        for cell in options.cells
        for shape in options.shapes
    ]
    text = bench.table({"machine": {"device": name, **bench.machine()}, "cases": cases})
    if options.form:
        print(text)
        return
    title = "# A training step on an accelerator\n\n    python scripts/bench_accelerator.py\n\n"
    (bench.FOLDER / "accelerator.md").write_text(f"{title}{text}\n")


if __name__ == "__main__":
    main()
