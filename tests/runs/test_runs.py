"""Whole runs: reproducible, resumable, and kept whatever ends them."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_runs import CELLS, FRAMINGS, ONE_EACH, tiny

from seqlab import run
from seqlab.metrics import Mean
from seqlab.runs import build, compose_request, evaluate, load
from seqlab.tasks import load_task
from seqlab.tracking import read_rows, read_summary
from seqlab.training.evaluation import values
from seqlab.training.rows import Rows
from seqlab.types import ConfigError

ADDING = ("adding", "many_to_one")
THREE_STEPS = tiny(*ADDING, "training.steps=3")
"""The overrides of a run that several tests train; one process compiles its programs once."""
SUMMARY_KEYS = {
    *("status", "reason", "cell", "architecture", "task", "seed", "num_params", "steps", "chance", "solved"),
    *("seconds", "compile_seconds", "steps_per_second", "versions", "git_commit", "data_fingerprint"),
}


def rows_of(folder):
    """Return the rows without what the clock says."""
    return [
        {key: value for key, value in row.items() if not key.startswith("timing/")}
        for row in read_rows(folder)
    ]


def equal_params(one, other):
    first, second = (load(folder)[1] for folder in (one, other))
    jax.tree.map(np.testing.assert_array_equal, first, second)


def kind(name, architecture):
    """Return what a run depends on: the data, or what is read, written and measured in parts."""
    task = load_task(name)
    if task.sequence_lengths is None:
        return name
    forms = type(task.input_spec(architecture)), type(task.output_spec(architecture))
    measured = task.goal(architecture).metric, *task.metrics(architecture)
    return *forms, frozenset(name.rpartition("/")[0] for name in measured)


EVERY_KIND = {kind(*pair): pair for pair in dict(reversed(FRAMINGS)).items()}.values()
"""Each task of data in its first framing; of the generated tasks one of those whose runs are alike."""


def settings_of(task, architecture):
    """Return the overrides of a run of three steps: with statistics for one task of each architecture."""
    if (task, architecture) in ONE_EACH:
        optimizer = "sam" if architecture == "many_to_one" else "adam"  # SAM calls the gradient twice
        return tiny(task, architecture, "training.steps=3", "gradients=norms", f"optimizer={optimizer}")
    return tiny(task, architecture, "training.steps=3", "cell=elman")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the summary of the run of a pair, which is trained once."""
    folder = tmp_path_factory.mktemp("trained")

    @functools.cache
    def of(*pair):
        return run([*settings_of(*pair), f"hydra.run.dir={folder / '-'.join(pair)}"])

    return of


@pytest.mark.runs
@pytest.mark.parametrize(("task", "architecture"), dict.fromkeys([*EVERY_KIND, *ONE_EACH]))
def test_same_seed_gives_the_same_run_which_tells_what_evaluate_finds(task, architecture, trained, tmp_path):
    one = Path(trained(task, architecture)["folder"])
    summary = run([*settings_of(task, architecture), f"hydra.run.dir={tmp_path / 'two'}"])
    assert rows_of(one) == rows_of(tmp_path / "two")
    equal_params(one, tmp_path / "two")
    assert set(summary) >= SUMMARY_KEYS
    assert summary["status"] == "finished"
    assert summary["metric"] in {key.partition("/")[2] for key in summary["best"]}
    assert read_summary(tmp_path / "two") == summary
    program, params = load(tmp_path / "two")
    for split, prefix, told in (("validation", "eval", "best"), ("test", "test", "test")):
        found = evaluate(program, params, split)
        reported = {key: value for key, value in summary[told].items() if key.startswith(f"{prefix}/")}
        assert len(reported) <= len(found) if split == "validation" else len(reported) == len(found)
        for key, value in reported.items():
            np.testing.assert_allclose(found[f"{split}/{key.partition('/')[2]}"], value, rtol=1e-5)


@pytest.mark.runs
@pytest.mark.parametrize(("task", "architecture"), ONE_EACH)
def test_two_devices_train_as_one(task, architecture, trained, tmp_path):
    """The statistics of gradients are compared where a network reads many steps, or has two stacks."""
    one, has_statistics = trained(task, architecture), architecture in ("many_to_one", "encoder_decoder")
    settings = [*settings_of(task, architecture), *([] if has_statistics else ["gradients=off"])]
    two = run([*settings, "training.devices=2", f"hydra.run.dir={tmp_path}"])
    assert (one["num_devices"], two["num_devices"]) == (1, 2)
    folders = one["folder"], tmp_path
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        *(load(folder)[1] for folder in folders),
    )
    for first, second in zip(*map(rows_of, folders), strict=True):
        assert first.keys() >= second.keys()
        assert first.keys() == second.keys() or not has_statistics
        for key in second:
            np.testing.assert_allclose(first[key], second[key], rtol=1e-3, atol=1e-6, err_msg=key)


@pytest.mark.runs
def test_another_seed_gives_another_run(tmp_path):
    for seed in (0, 1):
        run([*THREE_STEPS, f"seed={seed}", f"hydra.run.dir={tmp_path / str(seed)}"])
    assert rows_of(tmp_path / "0")[0]["train/loss"] != rows_of(tmp_path / "1")[0]["train/loss"]


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_is_updated_and_diagnosed(cell):
    """The update and the diagnostics of every cadence are traced; the laws of cells are about the values."""
    program = build(compose_request([*tiny(*ADDING, "gradients=full"), f"cell={cell}"])).program
    batch = jax.eval_shape(lambda: program.batch(jnp.uint32(0), jnp.int32(0), program.task.data))
    after, metrics = jax.eval_shape(program.step, program.shapes, batch)
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, program.shapes)
    keys = set(metrics)
    for every in program.cadences:
        keys |= jax.eval_shape(functools.partial(program.diagnose, every=every), program.shapes, batch).keys()
    assert {"grads/through_time/log10_norm", "recurrent/lyapunov"} < keys


@pytest.mark.runs
@pytest.mark.parametrize("cell", ["attention", "flax_lstm", "min_gru", "selective_ssm", "stack_lstm"])
def test_a_cell_of_each_form_trains(cell, folder):
    overrides = tiny(*ADDING, "training.steps=2", f"cell={cell}", "gradients=norms")
    summary = run([*overrides, f"hydra.run.dir={folder}"])
    assert (summary["status"], summary["cell"]) == ("finished", cell)


@pytest.mark.runs
@pytest.mark.parametrize(("cell", "level"), [("lstm", "norms"), ("flax_gru", "off")])
def test_training_is_alike_whatever_the_steps_per_call(cell, level, tmp_path):
    short = tiny(*ADDING, "training.steps=53", "training.log_every=10", f"cell={cell}", f"gradients={level}")
    for per_call in (1, 50):
        overrides = [
            *short,
            f"training.steps_per_call={per_call}",
            f"hydra.run.dir={tmp_path / str(per_call)}",
        ]
        assert run(overrides)["status"] == "finished"
    equal_params(tmp_path / "1", tmp_path / "50")
    assert rows_of(tmp_path / "1") == rows_of(tmp_path / "50")


@pytest.mark.runs
@pytest.mark.parametrize(
    ("optimizer", "elsewhere", "level"),
    [("adam", True, "norms"), ("adamw", False, "off"), ("sgd", False, "off"), ("rmsprop", False, "off")],
)
def test_resumed_run_equals_the_uninterrupted_one(optimizer, elsewhere, level, tmp_path):
    settings = [
        *tiny(*ADDING, f"optimizer={optimizer}", "architecture.num_layers=2", "architecture.dropout=0.3"),
        f"gradients={level}",
        *("training.eval_every=2", "training.checkpoint_every=3"),
    ]
    run([*settings, "training.steps=7", f"hydra.run.dir={tmp_path / 'whole'}"])
    run([*settings, "training.steps=3", f"hydra.run.dir={tmp_path / 'half'}"])
    end = tmp_path / ("other" if elsewhere else "half")
    resume = tmp_path / "half" if elsewhere else "auto"
    summary = run([*settings, "training.steps=7", f"resume={resume}", f"hydra.run.dir={end}"])
    assert summary["steps"] == 7
    equal_params(tmp_path / "whole", end)
    judged = ("train/", "grads/")
    for whole, resumed in zip(training_rows(tmp_path / "whole"), training_rows(end), strict=True):
        assert {k: v for k, v in whole.items() if k.startswith(judged)} == {
            k: v for k, v in resumed.items() if k.startswith(judged)
        }
    assert read_summary(tmp_path / "whole")["test"] == read_summary(end)["test"]


def training_rows(folder):
    return [row for row in read_rows(folder) if "train/loss" in row]


@pytest.mark.runs
def test_resuming_another_network_is_refused(tmp_path):
    run([*THREE_STEPS, f"hydra.run.dir={tmp_path}"])
    settings = [*tiny(*ADDING, "training.steps=4"), "resume=auto", f"hydra.run.dir={tmp_path}"]
    for other in ("cell=gru", "cell.features=5"):
        with pytest.raises(ConfigError, match="allow_changes=true"):
            run([*settings, other])
        with pytest.raises(ConfigError, match="does not fit this network"):
            run([*settings, other, "allow_changes=true"])


@pytest.mark.runs
def test_divergence_names_step_and_parameter_and_keeps_finite_parameters(folder):
    overrides = tiny(*ADDING, "cell=elman", "cell.activation=identity", "optimizer=sgd", "training.steps=200")
    overrides += ["optimizer.learning_rate=1e9", "training.clip_norm=null", "training.eval_every=1"]
    summary = run([*overrides, f"hydra.run.dir={folder}"])
    assert summary["status"] == "diverged"
    assert f"is not finite at step {summary['steps'] + 1}" in summary["reason"]
    assert "the gradient of " in summary["reason"]
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(load(folder)[1]))
    last = training_rows(folder)[-1]
    assert last["step"] == summary["steps"] + 1
    assert last["grads/nonfinite"] > 0 or not np.isfinite(last["train/loss"])


@pytest.mark.runs
def test_clipping_is_reported_and_obeyed(folder):
    run([*THREE_STEPS, "training.clip_norm=0.01", f"hydra.run.dir={folder}"])
    for row in training_rows(folder):
        assert row["grads/clipped"] == (row["grads/norm"] > 0.01)
        np.testing.assert_allclose(row["grads/norm_clipped"], min(row["grads/norm"], 0.01), rtol=1e-5)


@pytest.mark.runs
def test_clipping_by_value_comes_before_clipping_by_norm(tmp_path):
    settings = ["optimizer=sgd", "optimizer.learning_rate=1", "training.clip_value=0.01"]
    limit = 0.02
    settings += ["training.steps=1", f"training.clip_norm={limit}", "gradients=norms"]
    for name, further in (("both", []), ("loose", ["training.clip_norm=1"])):
        run([*tiny(*ADDING), *settings, *further, f"hydra.run.dir={tmp_path / name}"])
    both, loose = (training_rows(tmp_path / name)[0] for name in ("both", "loose"))
    assert both["grads/norm"] == loose["grads/norm"] > 1
    assert (both["grads/clipped"], loose["grads/clipped"]) == (1, 0)
    assert loose["grads/norm_clipped"] > limit
    for row in (both, loose):
        np.testing.assert_allclose(row["updates/norm"], row["grads/norm_clipped"], rtol=1e-5)
    np.testing.assert_allclose(both["updates/norm"], limit, rtol=1e-5)


@pytest.mark.runs
def test_gradients_off_leaves_the_global_norm_alone(folder):
    run([*THREE_STEPS, f"hydra.run.dir={folder}"])
    keys = {key for row in training_rows(folder) for key in row if not key.startswith(("train/", "timing/"))}
    assert keys == {"step", "grads/norm", "grads/norm_clipped", "grads/clipped", "grads/nonfinite"}


@pytest.mark.runs
def test_best_is_the_best_by_validation(folder):
    summary = run(
        [*tiny(*ADDING, "training.steps=12", "training.eval_every=1"), "optimizer.learning_rate=0.3",
         f"hydra.run.dir={folder}"]
    )  # fmt: skip
    losses = {row["step"]: row["eval/mse"] for row in read_rows(folder) if "eval/mse" in row}
    assert len(losses) == 12
    assert summary["best"]["eval/mse"] == min(losses.values())
    assert summary["best"]["step"] == min(losses, key=losses.get)
    assert summary["final"]["step"] == 12


@pytest.mark.runs
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_keeps_what_was_learnt(number, folder):
    # Minutes of steps: none goes on for ever, should the tests themselves be killed.
    overrides = tiny(*ADDING, "training.steps=300000", "training.steps_per_call=5", f"hydra.run.dir={folder}")
    process = subprocess.Popen(
        [sys.executable, "-m", "seqlab.train", *overrides], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    deadline = time.monotonic() + 120
    while len(read_rows(folder)) < 20 and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(process.pid, number)
    try:
        output = process.communicate(timeout=60)[0].decode()
    finally:
        process.kill()
    assert process.returncode == 130, output
    summary = read_summary(folder)
    assert summary["status"] == "interrupted"
    assert summary["steps"] >= 20
    assert load(folder)


def test_a_mean_over_nothing_is_not_a_number():
    rows = Rows()
    rows.add({"train/accuracy": Mean(np.zeros(1), np.zeros(1))}, 1)
    assert np.isnan(rows.row(1)["train/accuracy"])
    assert np.isnan(values({"accuracy": Mean(0, 0)}, "eval")["eval/accuracy"])


def test_rows_average_since_the_last_row():
    rows, steps = Rows(), np.arange(1.0, 7.0)
    metrics = {"train/loss": Mean(steps * 2, np.full(6, 2.0)), "grads/norm": steps}
    rows.add(metrics, 3)
    rows.add(metrics, 1)
    assert rows.row(4) == {
        "step": 4, "train/loss": np.mean([1, 2, 3, 1]), "grads/norm": 1.0, "grads/nonfinite": 0,
    }  # fmt: skip
    rows.add(metrics, 3)
    assert rows.row(7, nonfinite=5) == {
        "step": 7, "train/loss": np.mean([1, 2, 3]), "grads/norm": 3.0, "grads/nonfinite": 5,
    }  # fmt: skip
