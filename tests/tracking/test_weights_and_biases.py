"""Weights & Biases tracker, checked against the files that W&B writes."""

import dataclasses
import json
import logging
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import wandb_file

from seqlab.tracking import RunFolder, Trackers, WeightsAndBiases
from seqlab.tracking.chart_values import chart_values
from seqlab.tracking.wandb_artifacts import sync_command
from seqlab.tracking.wandb_names import all_tags, group_name, run_name
from seqlab.types import Goal

FINISHED = {"status": "finished", "best": {"eval/accuracy": 0.9}}


def _rows(first, last):
    """Rows of every shape; one is larger than a block of W&B's file, and together they fill several."""
    return [
        {
            "step": step,
            "train/loss": np.float32(1.0) / np.float32(step),
            "grads/norm": [math.nan, math.inf, -math.inf, 1e-35][step % 4],
            "grads/norm/layer_0.kernel": 3.0,
            "grads/nonfinite": np.int32(step),
            "grads/through_time/log10_norm": np.linspace(-30.0, 0.0, 4000 if step == 3 else 10),
            "recurrent/lyapunov": [0.5, -0.5 * step],
            "gates/forget": [[0.5, math.nan], [1.0, -math.inf]],
        }
        for step in range(first, last + 1)
    ]


def _run(info, rows, summary=FINISHED, listener=None):
    """Track a run to its end and return the W&B file that it wrote, complete."""
    trackers = Trackers(required=[RunFolder(info.folder), listener or WeightsAndBiases()])
    earlier = set(_files(info))
    trackers.start(info)
    for row in rows:
        trackers.log(row)
    trackers.finish(summary)
    (file,) = set(_files(info)) - earlier
    wandb_file.wait_until_complete(file)
    return file


def _files(info):
    return info.folder.glob("wandb/offline-run-*/*.wandb")


def _written_rows(info):
    return [json.loads(line) for line in (info.folder / "metrics.jsonl").read_text().splitlines()]


def _heard(file):
    """The numbers of the rows that the file holds, without a row that is pictures alone."""
    rows = (
        {key: value for key, value in row.items() if not isinstance(value, dict)}
        for row in wandb_file.read_history(file)
    )
    return [row for row in rows if set(row) != {"step"}]


def _written_numbers(info):
    """The numbers of the rows of metrics.jsonl."""
    return [chart_values(row)[0] for row in _written_rows(info)]


def _said(caplog):
    return [record.message for record in caplog.records if record.name.startswith("seqlab")]


def _records(file, kind):
    return [getattr(r, kind) for r in wandb_file.read_records(file) if r.WhichOneof("record_type") == kind]


def test_the_offline_file_holds_the_rows_of_metrics_jsonl(info):
    file = _run(info, _rows(1, 40))
    assert file.stat().st_size > 2 * 32768
    assert len(_written_rows(info)) == 40
    assert _heard(file) == _written_numbers(info)
    histogram = wandb_file.read_history(file)[0]["grads/through_time/log10_norm"]
    assert histogram["_type"] == "histogram"
    assert sum(histogram["values"]) == 10


def test_a_resumed_run_keeps_its_id_and_its_newest_file_is_whole(info):
    interrupted = _run(info, _rows(1, 6), summary={"status": "interrupted"})
    for resumed_from in (4, 5):
        resumed = _run(dataclasses.replace(info, resumed_from=resumed_from), _rows(resumed_from + 1, 8))
        assert [row["step"] for row in _written_rows(info)] == [1, 2, 3, 4, 5, 6, 7, 8]
        assert _heard(resumed) == _written_numbers(info)
        assert _records(resumed, "run")[0].run_id == _records(interrupted, "run")[0].run_id


def test_a_fresh_run_in_the_same_folder_has_its_own_id(info):
    first, second = (_run(info, _rows(1, 1)) for _ in range(2))
    assert _records(first, "run")[0].run_id != _records(second, "run")[0].run_id


def test_runs_that_overlap_in_one_process_stay_apart(info):
    listeners = WeightsAndBiases(), WeightsAndBiases()
    infos = [dataclasses.replace(info, folder=info.folder / name) for name in "ab"]
    for listener, one in zip(listeners, infos, strict=True):
        one.folder.mkdir()
        listener.start(one)
    for step in (1, 2):
        for offset, listener in enumerate(listeners):
            listener.log({"step": 10 * offset + step})
    for listener in listeners:
        listener.finish(FINISHED)
    files = [file for one in infos for file in _files(one)]
    for file in files:
        wandb_file.wait_until_complete(file)
    assert [wandb_file.read_history(file) for file in files] == [
        [{"step": 1}, {"step": 2}],
        [{"step": 11}, {"step": 12}],
    ]


def test_the_run_is_described(info):
    listener = WeightsAndBiases(project="memory-study", entity="lab", tags=("night",))
    (run,) = _records(_run(info, [], listener=listener), "run")
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config.items() >= {"seed": 3, "cell": {"features": 8, "name": "gru"}}.items()
    assert (run.project, run.entity, run.run_group, run.job_type) == (
        "memory-study",
        "lab",
        "memory",
        "many_to_one",
    )
    assert set(run.tags) == {"gru", "many_to_one", "parity_check", "night"}
    assert run.display_name == "gru-parity_check-seed3"


def test_runs_of_a_sweep_are_one_group_and_those_that_differ_in_seed_one_job_type(info):
    axes = ("cell=gru", "+note=" + "long" * 20, "seed=3")
    (run,) = _records(_run(dataclasses.replace(info, sweep="day/time", axes=axes), []), "run")
    assert run.run_group == "day/time"
    assert run.job_type == " ".join(axes[:2])[:64]
    assert set(run.tags) == {"gru", "many_to_one", "parity_check", "cell=gru", axes[1][:64], "seed=3"}


@pytest.mark.parametrize(("higher_is_better", "best"), [(True, "max"), (False, "min")])
def test_charts_run_over_step_and_keep_the_best_of_the_goal(info, higher_is_better, best):
    goal = Goal("loss", higher_is_better=higher_is_better)
    metrics = _records(_run(dataclasses.replace(info, goal=goal), _rows(1, 1)), "metric")
    assert [metric.step_metric for metric in metrics if metric.glob_name == "*"] == ["step"]
    (of_goal,) = [metric for metric in metrics if metric.name == "eval/loss"]
    assert [field.name for field, _ in of_goal.summary.ListFields()] == [best]


@pytest.mark.parametrize(
    ("key", "summaries"),
    [
        ("train/loss", ["min", "last"]),
        ("train/accuracy", ["max", "last"]),
        ("eval/accuracy", ["max"]),
        ("grads/norm", ["min", "max", "last"]),
        ("grads/through_time/slope", ["min", "max", "last"]),
    ],
)
def test_the_summary_keeps_the_ends_that_mean_something(info, key, summaries):
    (metric,) = [metric for metric in _records(_run(info, []), "metric") if metric.name == key]
    assert {field.name for field, _ in metric.summary.ListFields()} == set(summaries)
    assert metric.step_metric == "step"


def _flow_rows(num_rows, num_steps=5, **more):
    line = np.linspace(-30.0, 0.0, num_steps)
    return [
        {"step": step, "grads/through_time/log10_norm": line + step, "grads/through_time/slope": -1.0, **more}
        for step in range(1, num_rows + 1)
    ]


def _pictures(file):
    return [row for row in wandb_file.read_history(file) if "gradient_flow/table" in row]


def _table(file, row):
    return json.loads((file.parent / "files" / row["gradient_flow/table"]["path"]).read_text())


def test_a_run_of_one_row_has_no_picture(info):
    assert not _pictures(_run(info, _flow_rows(1)))
    assert _pictures(_run(info, _flow_rows(2)))


def test_the_flow_through_time_is_a_table_and_an_image_that_grow(info):
    train = _flow_rows(41)
    train[1]["grads/through_time/log10_norm"][0] = -math.inf
    rows = [
        *train[:20],
        {"step": 20, "eval/accuracy": 0.5},
        *train[20:40],
        {"step": 40, "eval/accuracy": 0.6},
        train[40],
    ]
    file = _run(info, rows)
    pictures = _pictures(file)
    assert [row["step"] for row in pictures] == [20, 40, 41]
    assert pictures[0]["eval/accuracy"] == 0.5
    for row, num_rows in zip(pictures, (20, 40, 41), strict=True):
        table = _table(file, row)
        assert table["columns"] == ["step", "t", "log10_norm"]
        assert table["data"] == [
            [line["step"], t, None if value == -math.inf else pytest.approx(value)]
            for line in train[:num_rows]
            for t, value in enumerate(line["grads/through_time/log10_norm"], start=1)
        ]
        image = file.parent / "files" / row["gradient_flow/image"]["path"]
        assert image.read_bytes().startswith(b"\x89PNG")


def test_pictures_grow_rarer_and_no_larger(info):
    rows = [row | {"eval/accuracy": 0.5} for row in _flow_rows(50, num_steps=300)]
    file = _run(info, rows)
    pictures = _pictures(file)
    assert [row["step"] for row in pictures] == [20, 30, 45, 50]
    assert len(_table(file, pictures[-1])["data"]) == 50 * 50


def test_a_run_writes_into_its_own_folder_alone(info, monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    _run(info, _flow_rows(2))
    assert not (tmp_path / "home").exists()
    assert "WANDB_DATA_DIR" not in os.environ


def test_counts_become_histograms_over_the_unit_interval(info):
    counts = np.arange(20)
    (row,) = wandb_file.read_history(_run(info, [{"step": 1, "gates/forget/histogram": counts}]))
    histogram = row["gates/forget/histogram"]
    assert histogram["_type"] == "histogram"
    assert histogram["values"] == counts.tolist()
    np.testing.assert_allclose(histogram["bins"], np.linspace(0, 1, 21))


@pytest.mark.parametrize(("status", "exit_code"), [("finished", 0), ("diverged", 1), ("failed", 1)])
def test_the_end_is_recorded(info, status, exit_code):
    file = _run(info, _rows(1, 2), summary={"status": status, "best": {"eval/accuracy": np.float32(0.5)}})
    assert _records(file, "exit")[0].exit_code == exit_code
    summary = wandb_file.read_summary_updates(file)
    assert summary["status"] == status
    assert summary["best"] == {"eval/accuracy": 0.5}


def test_only_the_sync_command_is_said(info, capfd, caplog):
    with caplog.at_level(logging.INFO, logger="seqlab"):
        file = _run(info, _rows(1, 3))
    assert _said(caplog) == [f"to upload this run: wandb sync {file.parent}"]
    assert capfd.readouterr() == ("", "")


def test_disabled_never_imports_wandb(info, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)  # importing it now raises
    listener = WeightsAndBiases(mode="disabled")
    listener.start(info)
    listener.log({"step": 1})
    listener.finish(FINISHED)
    assert list(info.folder.iterdir()) == []


def test_importing_the_room_does_not_import_wandb():
    check = "import sys, seqlab.tracking; sys.exit('wandb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_online_without_a_key_does_not_end_the_run(info, monkeypatch, tmp_path, caplog):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setattr("seqlab.tracking.weights_and_biases.why_unreachable", lambda url: None)
    trackers = Trackers(required=[RunFolder(info.folder)], optional=[WeightsAndBiases(mode="online")])
    trackers.start(info)
    trackers.log({"step": 1})
    trackers.finish(FINISHED)
    (warning,) = _said(caplog)
    assert warning.startswith("W&B is offline for this run: No API key")
    assert list(info.folder.glob("wandb/offline-run-*"))
    assert _written_rows(info) == [{"step": 1}]


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode must be one of offline, online, disabled, got 'dryrun'"):
        WeightsAndBiases(mode="dryrun")


def test_what_the_config_leaves_open_is_that_of_the_environment(info, tmp_path, monkeypatch):
    """A name of the config counts; W&B's folder elsewhere is found again when the run is resumed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for key, value in {
        "NAME": "mine",
        "PROJECT": "other",
        "NOTES": "why",
        "DIR": str(elsewhere),
        "ENTITY": "lab",
    }.items():
        monkeypatch.setenv(f"WANDB_{key}", value)
    named = dataclasses.replace(info, config={"name": "ours", "notes": "because"})
    runs = []
    for one in (info, named, dataclasses.replace(info, resumed_from=1)):
        before = set(elsewhere.glob("wandb/offline-run-*/*.wandb"))
        _log(one)
        (file,) = set(elsewhere.glob("wandb/offline-run-*/*.wandb")) - before
        wandb_file.wait_until_complete(file)
        runs += _records(file, "run")[:1]
    assert [(run.display_name, run.notes, run.project) for run in runs] == [
        ("mine", "why", "other"),
        ("ours", "because", "other"),
        ("mine", "why", "other"),
    ]
    assert {run.entity for run in runs} == {"lab"}
    assert runs[2].run_id == runs[1].run_id
    assert not list(info.folder.glob("wandb/offline-run-*"))


def _log(info):
    trackers = Trackers(required=[RunFolder(info.folder)], optional=[WeightsAndBiases()])
    trackers.start(info)
    trackers.finish(FINISHED)


def test_the_mode_may_be_that_of_the_environment(info, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    _log(info)
    assert not list(info.folder.glob("wandb/*"))
    monkeypatch.setenv("WANDB_MODE", "dryrun")
    with pytest.raises(ValueError, match="WANDB_MODE must be one of offline, online, disabled, got dryrun"):
        WeightsAndBiases()


@pytest.mark.parametrize(
    ("axes", "name", "expected"),
    [
        ((), None, "gru-parity_check-seed3"),
        (
            ("cell=gru", "optimizer.learning_rate=0.004430375245218269", "seed=3"),
            None,
            "gru-parity_check-learning_rate=0.00443-seed3",
        ),
        (("architecture=many_to_one", "seed=3"), None, "gru-parity_check-architecture=many_to_one-seed3"),
        ((), "mine", "mine"),
        (("cell=gru", "seed=3"), "mine", "mine-cell=gru-seed=3"),
    ],
)
def test_names_tell_the_runs_of_a_sweep_apart(info, axes, name, expected):
    assert run_name(dataclasses.replace(info, axes=axes, config={"name": name})) == expected


def test_group_and_tags_may_be_those_of_the_environment(info, monkeypatch):
    monkeypatch.setenv("WANDB_RUN_GROUP", "theirs")
    monkeypatch.setenv("WANDB_TAGS", "night,gru")
    assert (group_name("ours", "sweep"), group_name(None, "sweep")) == ("ours", "theirs")
    assert all_tags(info, ["day"]) == ["gru", "many_to_one", "parity_check", "day", "night"]


def _artifacts(file):
    """The artifacts that the file logs, by their type."""
    return {record.type: record for record in _records(file, "artifact")}


@pytest.mark.parametrize("wanted", [True, False])
def test_the_best_checkpoint_and_the_figures_are_artifacts(info, wanted):
    for step in (5, 20):
        (info.folder / "checkpoints" / "best" / str(step)).mkdir(parents=True)
        (info.folder / "checkpoints" / "best" / str(step) / "array").write_bytes(bytes([step]))
    (info.folder / "report.html").write_text("report")
    file = _run(info, _flow_rows(3), listener=WeightsAndBiases(model=wanted, figures=wanted))
    found = _artifacts(file)
    assert (found.keys() >= {"model", "figures"}) == wanted
    if wanted:
        assert [entry.path for entry in found["model"].manifest.contents] == ["checkpoints/best/20/array"]
        paths = {entry.path for entry in found["figures"].manifest.contents}
        assert "report.html" in paths
        assert any(path.endswith(".png") for path in paths)


def test_a_sweep_is_a_run_with_its_table_and_figures(tmp_path, caplog):
    sweep = tmp_path / "day" / "time"
    sweep.mkdir(parents=True)
    (sweep / "sweep.csv").write_text("cell")
    rows = [{"cell": "gru", "test": 0.5, "reason": None}, {"cell": "lstm", "test": None, "reason": "why"}]
    with caplog.at_level(logging.INFO, logger="seqlab"):
        WeightsAndBiases().finish_sweep(sweep, rows)
    (file,) = sweep.glob("wandb/offline-run-*/*.wandb")
    wandb_file.wait_until_complete(file)
    WeightsAndBiases().finish_sweep(sweep, rows)
    assert {path.stem for path in sweep.glob("wandb/offline-run-*/*.wandb")} == {file.stem}
    run = _records(file, "run")[0]
    assert (run.display_name, run.run_group, run.job_type) == ("sweep day/time", "day/time", "sweep")
    assert [entry.path for entry in _artifacts(file)["sweep"].manifest.contents] == ["sweep.csv"]
    (row,) = wandb_file.read_history(file)
    assert row["sweep/table"]["nrows"] == 2
    assert _said(caplog) == []
    assert sync_command(sweep) == f"wandb sync {sweep}/wandb/offline-run-*"


def test_one_command_uploads_all_runs_of_a_sweep(tmp_path):
    for name in ("0", "1", "deep/2"):
        (tmp_path / name / ".hydra").mkdir(parents=True)
        (tmp_path / name / "wandb" / f"offline-run-20260101_120000-{name[-1]}").mkdir(parents=True)
    pattern = "wandb/offline-run-*"
    assert sync_command(tmp_path) == f"wandb sync {tmp_path}/*/{pattern} {tmp_path}/*/*/{pattern}"
    assert sync_command(tmp_path / "none") is None
