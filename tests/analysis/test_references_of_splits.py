"""Baselines and thresholds: scores of a split are compared with those of the same split."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_runs import TINY

from seqlab import run
from seqlab.analysis.groups import group_runs
from seqlab.analysis.sweep_figures import gradient_slope, learning_curves
from seqlab.analysis.sweep_runs import read_sweep
from seqlab.data.encoded import Encoded
from seqlab.tasks.series.google_stock import GoogleStock

LENGTH = 4


@pytest.fixture(scope="module")
def calm_validation(tmp_path_factory):
    """Train a run, which hardly learns, on returns that are small in validation and large in test."""
    rng, scales = np.random.default_rng(0), {"train": 1.0, "validation": 0.3, "test": 1.5}
    returns = {split: scale * rng.standard_normal(60) for split, scale in scales.items()}
    made = Encoded({split: {"returns": found.astype(np.float32)} for split, found in returns.items()})
    folder = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GoogleStock, "encoded", made)
        overrides = [
            *TINY,
            "gradients=norms",
            "task=google_stock",
            f"task.length={LENGTH}",
            "architecture=many_to_one",
        ]
        rate = ["training.steps=2", "training.eval_every=1", "optimizer.learning_rate=1e-9"]
        run([*overrides, *rate, f"hydra.run.dir={folder / '0'}"])
    (found,) = read_sweep(folder)
    return found, {split: float(np.mean(values[LENGTH:] ** 2)) for split, values in returns.items()}


@pytest.mark.runs
def test_a_run_counts_as_solved_by_the_threshold_of_the_split_of_its_scores(calm_validation):
    found, errors = calm_validation
    assert found.summary["chance"] == pytest.approx(errors["test"], rel=1e-5)
    assert found.validation["chance"] == pytest.approx(errors["validation"], rel=1e-5)
    assert (found.scores < found.summary["solved_at"]).all()  # a threshold of the test split is no measure
    assert found.summary["solved"] is False
    assert found.steps_to_solved is None


@pytest.mark.runs
@pytest.mark.parametrize(("figure", "split"), [(learning_curves, "validation"), (gradient_slope, "test")])
def test_figures_show_the_baseline_of_the_split_of_their_scores(calm_validation, figure, split):
    found, errors = calm_validation
    (ax,) = figure(group_runs([found], [])).axes
    lines = {line.get_label(): line.get_ydata()[0] for line in ax.get_lines() if line.get_linestyle() != "-"}
    assert lines["baseline"] == pytest.approx(errors[split], rel=1e-5)
    assert lines["solved at"] == pytest.approx(0.95 * errors[split], rel=1e-5)
