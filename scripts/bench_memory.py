"""Peak memory and time of one gradient of a layer, with every step saved and with chunks computed again.

    python scripts/bench_memory.py [--cells lstm gru] [--steps 100 1000 10000 100000]

Each case has a process of its own: one layer, B=32, F=H=64, float32, one device, loss mean(y²), gradients of
the parameters. "planned" is what XLA's `memory_analysis` counts, arguments and results included; "resident"
is how much the largest resident set of the process exceeds that before the call. A case that would not fit in
the memory that is free is compiled but not run. A run replaces its own rows of
`experiments/recurrence_speed/memory.md`.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

B, F, H = 32, 64, 64
CELLS, STEPS, MEMORY = ("lstm", "gru"), (100, 1_000, 10_000, 100_000), ("full", "chunked")
FILE = Path(__file__).parents[1] / "experiments" / "recurrence_speed" / "memory.md"
HEAD = """# Memory of the backward pass

    python scripts/bench_memory.py

One gradient of one layer by `recurrence.memory`: B=32, F=H=64, float32, one CPU device. *Planned* is what
XLA counts before the program runs, *resident* what the process took. Inputs and outputs of all steps exist in
both, and grow with T.

| cell | T | memory | planned, MiB | resident, MiB | seconds |
| --- | --- | --- | --- | --- | --- |
"""
SECONDS = 2.0
"""How long a case is repeated, beyond its first two calls."""


def resident() -> float:
    """Return the largest resident set of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, num_steps: int, memory: str) -> dict[str, float | None]:
    """Return planned and resident MiB, and seconds, of one case; None where it would not fit."""
    import jax
    import jax.numpy as jnp

    from seqlab import cells
    from seqlab.recurrence import unroll
    from seqlab.training.memory import free_memory

    cell = {"lstm": cells.LSTM, "gru": cells.GRU}[name](H)
    params = cell.init(jax.random.key(2), cell.initialize_carry(jax.random.key(0), (B, F)), jnp.zeros((B, F)))

    def loss(params: dict, x: jax.Array) -> jax.Array:
        return (unroll(cell, params, x, chunked=memory == "chunked")[1] ** 2).mean()

    x = jax.ShapeDtypeStruct((B, num_steps, F), jnp.float32)
    compiled = jax.jit(jax.grad(loss)).lower(params["params"], x).compile()
    plan = compiled.memory_analysis()
    planned = plan.temp_size_in_bytes + plan.argument_size_in_bytes + plan.output_size_in_bytes
    found: dict[str, float | None] = {"planned": planned / 2**20, "resident": None, "seconds": None}
    if planned > 0.9 * free_memory(1):
        return found
    before, x = resident(), jax.random.normal(jax.random.key(1), x.shape)
    jax.block_until_ready(compiled(params["params"], x))
    times: list[float] = []
    while len(times) < 1 or sum(times) < SECONDS:
        begun = time.perf_counter()
        jax.block_until_ready(compiled(params["params"], x))
        times.append(time.perf_counter() - begun)
    return found | {"resident": resident() - before, "seconds": statistics.median(times)}


def case(name: str, num_steps: int, memory: str) -> str:
    """Measure one case in a process of its own, and return its row of the table."""
    words = [sys.executable, __file__, "--case", name, str(num_steps), memory]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    resident_MiB = "does not fit" if found["resident"] is None else f"{found['resident']:.0f}"
    seconds = "" if found["seconds"] is None else f"{found['seconds']:.3g}"
    return f"| {name} | {num_steps} | {memory} | {found['planned']:.0f} | {resident_MiB} | {seconds} |"


def main() -> None:
    """Measure the cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=CELLS, choices=CELLS)
    parser.add_argument("--steps", nargs="+", type=int, default=STEPS)
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.case:
        name, num_steps, memory = given.case
        print(json.dumps(measure(name, int(num_steps), memory)))
        return
    rows = re.findall(r"^\| [lg].*$", FILE.read_text(), re.MULTILINE) if FILE.exists() else []
    known = {tuple(row.split(" | ", 3)[:3]): row for row in rows}
    for name in given.cells:
        for num_steps in given.steps:
            for memory in MEMORY:
                row = case(name, num_steps, memory)
                known[tuple(row.split(" | ", 3)[:3])] = row
                print(row, flush=True)
    FILE.write_text(HEAD + "\n".join(known.values()) + "\n")


if __name__ == "__main__":
    main()
