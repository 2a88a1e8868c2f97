"""How does a test have a sweep without training? Folders as runs leave them, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from seqlab.tracking import RunFolder
from seqlab.tracking.encoding import to_json

SOLVED_AT, CHANCE = 0.01, 1 / 6


def write_run(
    folder: Path,
    overrides: Sequence[str] = (),
    scores: Sequence[float] = (),
    slopes: Sequence[float] = (),
    status: str | None = "finished",
    **summary: Any,
) -> Path:
    """Write a run folder: an evaluation a score at steps 10, 20, …, and the test score that of the last.

    Args:
        folder: where.
        overrides: as Hydra records them; cell, architecture, task and seed are read off them too.
        scores: the validation metric of the evaluations.
        slopes: the gradient's slope, a row each.
        status: how it ended; None for no summary.
        summary: further keys of the summary, or other values.
    """
    chosen = dict(override.split("=", 1) for override in overrides)
    identity = {"cell": "gru", "architecture": "many_to_one", "task": "adding"}
    identity = {key: chosen.get(key, value) for key, value in identity.items()}
    seed = int(chosen.get("seed", 0))
    hydra = folder / ".hydra"
    hydra.mkdir(parents=True)
    OmegaConf.save(OmegaConf.create(list(overrides)), hydra / "overrides.yaml")
    OmegaConf.save(OmegaConf.create({"hydra": {"runtime": {"choices": identity}}}), hydra / "hydra.yaml")
    OmegaConf.save(OmegaConf.create({"seed": seed}), hydra / "config.yaml")
    rows = [{"step": 5 * i, "grads/through_time/slope": slope} for i, slope in enumerate(slopes, 1)]
    rows += [{"step": 10 * i, "eval/mse": score} for i, score in enumerate(scores, 1)]
    (folder / "metrics.jsonl").write_text("".join(f"{to_json(row)}\n" for row in rows))
    told: dict[str, Any] = {"status": status, "reason": None, **identity, "seed": seed}
    if status in ("finished", "diverged"):
        told |= {
            "metric": "mse",
            "higher_is_better": False,
            "chance": CHANCE,
            "solved_at": SOLVED_AT,
            "num_params": 7,
            "seconds": 2.0,
        }
    if scores:
        last = {"step": rows[-1]["step"], "eval/mse": scores[-1]}
        test = {"step": last["step"], "test/mse": scores[-1]}
        told |= {"steps": last["step"], "final": last, "best": last, "test": test}
        told["solved"] = scores[-1] <= SOLVED_AT
    if status is not None:
        RunFolder(folder).finish({**told, **summary})
    return folder
