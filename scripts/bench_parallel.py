"""How fast is a step of a cell that reads whole sequences, next to the same model in plain JAX?

    python scripts/bench_parallel.py [--cells rg_lru …] [--shape 32,128,64,128] [--rounds 15]

One step is forward and backward pass of one layer, float32, L = Σ w ⊙ y. A model in plain JAX is a file
`scripts/plain_cells/<cell>.py` with `FORMS`: functions `(params, x) -> y` by name, on the parameters of the
cell, x `(B, T, F)` and y `(B, T, H)`. All forms and ours run in one process, in turns. They must agree to
1e-4. A row of `experiments/recurrence_speed/parallel.md` is written as it is measured; a subset of cells
replaces its own rows only.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.cli.cells import make_cell
from seqlab.cli.step_time import Shape
from seqlab.recurrence import Stack, state_size, unroll

FOLDER = Path(__file__).parents[1] / "experiments" / "recurrence_speed"
CELLS = tuple(sorted(path.stem for path in (Path(__file__).parent / "plain_cells").glob("*.py")))
SECONDS_PER_TURN = 0.2
HEADER = """# Cells that read whole sequences, next to plain JAX

    python scripts/bench_parallel.py

Milliseconds of a forward and a backward pass of one layer, median over rounds; and the ratio of ours to the
fastest form in plain JAX (`scripts/plain_cells/`), the median of the ratios of neighbouring turns.

| cell | (B, T, F, H) | state | ours, ms | plain JAX, ms | ratio |
|---|---|---|---|---|---|
"""


def measure(name: str, shape: Shape, rounds: int) -> list[str]:
    """Return a row of the table."""
    cell = make_cell(name, shape.H)
    params = Stack(cell).init(jax.random.key(0), shape.F)["layer_0"]["forward"]
    x = jax.random.normal(jax.random.key(1), (shape.B, shape.T, shape.F))
    w = jax.random.normal(jax.random.key(2), (shape.B, shape.T, shape.H)) / shape.T
    forms = {"ours": lambda params, x: unroll(cell, params, x)[1]}
    forms |= importlib.import_module(f"plain_cells.{name}").FORMS
    steps = {form: _step(forward, params, x, w) for form, forward in forms.items()}
    require_equal({form: step() for form, step in steps.items()})
    turns = {form: _turn(step) for form, step in steps.items()}
    taken = [{form: turn() for form, turn in turns.items()} for _ in range(rounds)]
    medians = {form: statistics.median(one[form] for one in taken) for form in forms}
    plain = min((form for form in forms if form != "ours"), key=medians.__getitem__)
    return [
        *(name, str(shape), f"{state_size(cell, shape.F):,}", f"{1e3 * medians['ours']:.2f}"),
        ", ".join(f"{form} {1e3 * medians[form]:.2f}" for form in forms if form != "ours"),
        f"{statistics.median(one['ours'] / one[plain] for one in taken):.2f}",
    ]


def _step(forward: Callable, params: dict, x: jax.Array, w: jax.Array) -> Callable:
    """Return a function that makes a forward and a backward pass and returns gradients and outputs."""

    def loss(params: dict, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        y = forward(params, x)
        return jnp.vdot(w, y), y

    compiled = jax.jit(jax.grad(loss, (0, 1), has_aux=True))
    return lambda: jax.block_until_ready(compiled(params, x))


def require_equal(results: dict[str, object]) -> None:
    """Raise AssertionError where a form is another model."""
    ours = results.pop("ours")
    for form, found in results.items():
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(ours), strict=True):
            scale = max(1.0, float(jnp.max(jnp.abs(other))))
            np.testing.assert_allclose(one, other, atol=1e-4 * scale, err_msg=form)


def _turn(step: Callable) -> Callable[[], float]:
    """Return a function that runs a step for a while and returns the median seconds."""
    begun = time.perf_counter()
    step()
    count = max(3, round(SECONDS_PER_TURN / (time.perf_counter() - begun)))

    def turn() -> float:
        seconds = []
        for _ in range(count):
            begun = time.perf_counter()
            step()
            seconds.append(time.perf_counter() - begun)
        return statistics.median(seconds)

    return turn


def write(row: list[str]) -> None:
    """Put a row into the table, in place of the one of the same cell and shape."""
    path = FOLDER / "parallel.md"
    lines = path.read_text().splitlines() if path.exists() else []
    rows = {
        tuple(line.split(" | ")[:2]): line for line in lines if line.startswith("| ") and "cell" not in line
    }
    line = f"| {' | '.join(row)} |"
    rows[tuple(line.split(" | ")[:2])] = line
    path.write_text(HEADER + "".join(f"{rows[key]}\n" for key in sorted(rows)))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", default=CELLS, choices=CELLS)
    parser.add_argument("--shape", type=Shape.parse, default=Shape())
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    for name in arguments.cells:
        row = measure(name, arguments.shape, arguments.rounds)
        print(*row, flush=True)
        write(row)


if __name__ == "__main__":
    main()
