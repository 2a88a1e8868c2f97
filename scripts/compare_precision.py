"""Runs in float32 beside runs whose matrix products have operands rounded to bfloat16.

    python scripts/compare_precision.py

Three tasks, each at three seeds: the adding problem, parity, and the classes of made texts
(`made_sources.by_order`). The first table compares the gradients of the first and of the last batch of the
float32 run: ‖g − g₁₆‖ / ‖g‖. The second has the scores on the test split at the best parameters. Written to
`experiments/precision/README.md`.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from made_sources import by_order

from seqlab.runs import build, compose_request
from seqlab.sweeps.programs import Sharing, execute_all
from seqlab.training import Checkpoints, Program

README = Path(__file__).parents[1] / "experiments" / "precision" / "README.md"
SEEDS = (0, 1, 2)
PRECISIONS = ("float32", "bfloat16")
QUIET = ["tracking.wandb.mode=disabled", "tracking.console.mode=off", "gradients=off"]
HEADER = """# bfloat16 beside float32

    python scripts/compare_precision.py

What does `training.precision=bfloat16` change? The operands of all matrix products of an update are rounded
to 8 significant bits; sums, parameters, carries and losses are float32. Measured on a CPU, so that the
figures say how near the results are, and nothing of speed.

Relative errors of the gradient, then scores on the test split at the seeds 0, 1 and 2:

"""


def tasks(folder: Path) -> dict[str, list[str]]:
    """Return the overrides of each task."""
    source = by_order(folder, np.random.default_rng(0))
    texts = [f"task.source={source}", "task.text=text", "task.label=label", "training.steps=300"]
    return {
        "adding": [
            *("task=adding", "task.length=30", "cell=gru", "cell.features=32", "training.steps=600"),
            *("optimizer.learning_rate=0.005", "training.eval_every=300"),
        ],
        "parity_check": [
            *("+experiment=parity_check", "cell.features=32", "task.length=20", "training.steps=600"),
            *("training.batch_size=32", "training.eval_every=300"),
        ],
        "texts": ["+experiment=text_classification", "cell.features=32", *texts],
    }


def trained(words: Sequence[str], folder: Path) -> list[dict]:
    """Train the runs of all seeds as one program, and return their summaries."""
    requests = [
        dataclasses.replace(compose_request([*words, *QUIET, f"seed={seed}"]), folder=folder / str(seed))
        for seed in SEEDS
    ]
    return [dict(one) for one in execute_all(requests, Sharing(vmap_size=len(SEEDS), devices=1))]


def gradient_errors(program: Program, folder: Path) -> tuple[float, float]:
    """Return the relative errors of the gradient before the first update and after the last of a run."""
    other = dataclasses.replace(program, training=dataclasses.replace(program.training, precision="bfloat16"))

    @jax.jit
    def error(state):
        batch = program.batch(state.seed, state.step, program.task.data)
        one, two = (each.objective.differentiate(state, batch).grads for each in (program, other))
        pairs = zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
        squares = [(jnp.sum((a - b) ** 2), jnp.sum(a**2)) for a, b in pairs]
        return jnp.sqrt(sum(error for error, _ in squares) / sum(size for _, size in squares))

    first = jax.jit(program.init)(jnp.uint32(SEEDS[0]), program.task.data)
    last = Checkpoints(folder / str(SEEDS[0])).restore_latest(program.shapes).state
    return float(error(first)), float(error(last))


def main() -> None:
    """Train and write the tables."""
    gradients = ["| task | first batch | last batch |", "|---|---|---|"]
    scores = ["| task | metric | float32 | bfloat16 |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, words in tasks(folder).items():
            cells, metric = [], ""
            for precision in PRECISIONS:
                place = folder / name / precision
                summaries = trained([*words, f"training.precision={precision}"], place)
                metric = summaries[0]["metric"]
                values = [f"{summary['test'][f'test/{metric}']:.4g}" for summary in summaries]
                cells.append(", ".join(values))
            program = build(compose_request([*words, *QUIET])).program
            first, last = gradient_errors(program, folder / name / "float32")
            gradients.append(f"| `{name}` | {first:.1e} | {last:.1e} |")
            scores.append(f"| `{name}` | {metric} | {' | '.join(cells)} |")
            print(gradients[-1], scores[-1], sep="\n", flush=True)
    README.write_text(HEADER + "\n".join([*gradients, "", *scores]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
