"""Steps that are not finite: the run stops, skips them, or goes back with a lower learning rate."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from kills import ADDING, assert_same_end, rows_of, whole_and_killed

from seqlab import run
from seqlab.runs import load
from seqlab.runs.restores import MOST_RESTORES
from seqlab.types import ConfigError

UNSTABLE = [
    *(*ADDING, "cell.activation=identity", "training.clip_norm=null", "optimizer=sgd"),
    *("training.steps=12", "training.checkpoint_every=1", "training.log_every=1"),
]


def test_skip_counts_the_steps_that_it_leaves_out(folder):
    rate = "optimizer.learning_rate=1.5"  # explodes after two updates, and stays so
    summary = run([*UNSTABLE, rate, "training.on_nonfinite=skip", f"hydra.run.dir={folder}"])
    assert (summary["status"], summary["steps"]) == ("finished", 12)
    shares = [row["grads/skipped"] for row in rows_of(folder) if "grads/skipped" in row]
    assert summary["skipped_steps"] == sum(shares) > 0
    assert shares[0] == 0
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(load(folder).params))


def test_skip_changes_nothing_where_all_is_finite(tmp_path):
    settings = [*ADDING, "training.steps=4"]
    for action in ("stop", "skip"):
        run([*settings, f"training.on_nonfinite={action}", f"hydra.run.dir={tmp_path / action}"])
    assert_equal_but_for_skipped(tmp_path / "stop", tmp_path / "skip")


def assert_equal_but_for_skipped(one, other):
    skipped = [{key: value for key, value in row.items() if key != "grads/skipped"} for row in rows_of(other)]
    assert rows_of(one) == skipped


@pytest.mark.runs
def test_a_run_that_skips_resumes_with_its_count(tmp_path):
    settings = [*UNSTABLE, "optimizer.learning_rate=1.5", "training.on_nonfinite=skip"]
    whole, killed = whole_and_killed(tmp_path, settings)
    summary = run([*settings, f"hydra.run.dir={killed[5]}", "resume=auto"])
    assert summary["skipped_steps"] > 0
    assert_same_end(whole, killed[5])


@pytest.mark.runs
def test_restore_goes_back_with_a_lower_rate_and_is_recorded(folder):
    settings = [*UNSTABLE, "training.on_nonfinite=restore", f"hydra.run.dir={folder}"]
    summary = run([*settings, "optimizer.learning_rate=1.5"])
    rates = [entry["learning_rate"] for entry in summary["restores"]]
    assert rates == [1.5 * 0.5**count for count in range(1, len(rates) + 1)]
    assert 1 <= len(rates) <= MOST_RESTORES
    assert all("not finite at step" in entry["reason"] for entry in summary["restores"])
    steps = [row["step"] for row in rows_of(folder) if "train/loss" in row]
    assert steps == sorted(set(steps))


@pytest.mark.runs
def test_restores_are_bounded(folder):
    settings = [*UNSTABLE, "training.on_nonfinite=restore", f"hydra.run.dir={folder}"]
    summary = run([*settings, "optimizer.learning_rate=1e9"])
    assert (summary["status"], len(summary["restores"])) == ("diverged", MOST_RESTORES)


def test_another_action_is_refused(folder):
    with pytest.raises(ConfigError, match=r"training\.on_nonfinite must be one of stop, skip, restore"):
        run([*UNSTABLE, "training.on_nonfinite=pray", f"hydra.run.dir={folder}"])


def test_debug_names_the_operation_and_its_line(folder):
    settings = [*UNSTABLE, "optimizer.learning_rate=1e9", "debug=nans", f"hydra.run.dir={folder}"]
    summary = run(settings)
    assert summary["status"] == "diverged"
    assert "encountered in" in summary["operation"]
    assert ".py:" in summary["operation"]
    with pytest.raises(ConfigError, match=r"^debug=infs.*: legal values are fast, nans, overfit, profile$"):
        run([*UNSTABLE, "debug=infs", f"hydra.run.dir={folder / 'other'}"])
