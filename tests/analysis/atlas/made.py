"""A made-up atlas: run folders with their measures, as a sweep and a collection leave them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hand_made import write_run

from seqlab.analysis.atlas import Judgement
from seqlab.tracking.encoding import to_json

JUDGEMENT = Judgement(beyond=(2.0, 4.0), examples=8)


def write_atlas_run(
    folder: Path, model: str, problem: str, seed: int, rate: float, score: float, **more: Any
) -> Path:
    """Write the folder of a run; `status` and further keys of its summary by name."""
    overrides = [f"+experiment/atlas={problem}", f"+experiment/model={model}"]
    overrides += [f"seed={seed}", f"optimizer.learning_rate={rate}", f"cell={model}", f"task={problem}"]
    timing = {"program_seconds": 30.0, "program_cpu_seconds": 40.0, "compile_seconds": 8.0}
    sizes = {"steps_per_second": 5.0, "state_size": 16}
    write_run(folder, overrides, [0.16, (0.16 + score) / 2, score], **{**timing, **sizes, **more})
    return folder


def write_measures(folder: Path, score: float, reach: int, judgement: Judgement = JUDGEMENT) -> None:
    """Write the measures of a run, in the form of `seqlab.analysis.atlas.measures`."""
    decades = [-2 * k / max(reach, 1) for k in range(32)]
    found = {
        "lengths": [64, 128],
        "scores": [score, score],
        "baselines": [0.16, 0.08],
        "thresholds": [0.01, 0.01],
        "beyond": score,
        "seconds": 1.5,
        "reach_before": 5,
        "reach_after": min(reach, 31),
        "lyapunov_before": -0.4,
        "lyapunov_after": -0.1,
        "decades_before": [-0.4 * k for k in range(32)],
        "decades_after": decades,
        "judgement": {"beyond": list(judgement.beyond), "examples": judgement.examples},
    }
    (folder / "atlas.json").write_text(to_json(json.loads(json.dumps(found))))


def write_atlas_sweep(
    folder: Path,
    models: Sequence[str],
    problems: Sequence[str],
    seeds: int,
    rates: Sequence[float],
    score: Callable[[str, str, int, float], float],
) -> Path:
    """Write a sweep whose runs have the scores that a function gives; beyond, they are 0.02 more."""
    number = 0
    for problem in problems:
        for model in models:
            for seed in range(seeds):
                for rate in rates:
                    value = score(model, problem, seed, rate)
                    run = write_atlas_run(folder / str(number), model, problem, seed, rate, value)
                    write_measures(run, value + 0.02, int(3 / (value + 0.01)))
                    number += 1
    return folder
