"""Run folder tracker: rows and summary, written and read back."""

import dataclasses
import json
import math
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from seqlab.tracking import RunFolder, read_rows, read_summary, write_atomically
from seqlab.types import ConfigError


def _lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def folder(info):
    folder = RunFolder(info.folder)
    folder.start(info)
    return folder


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.1, 0.1),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (np.float32(-np.inf), "-inf"),
        (np.int64(7), 7),
        (np.array([1.5, np.nan], np.float32), [1.5, "nan"]),
        ([1.0, [math.inf, 2]], [1.0, ["inf", 2]]),
        (np.array([[1.0, -np.inf]]), [[1.0, "-inf"]]),
        ((np.float32(0.5), math.nan), [0.5, "nan"]),
        (1e-35, 1e-35),
    ],
)
def test_a_row_is_a_line_of_strict_json(folder, value, written):
    folder.log({"step": 1, "train/loss": value})
    assert _lines(folder.path) == [{"step": 1, "train/loss": written}]


def test_rows_read_back_as_numbers(folder):
    rows = [
        {"step": 1, "train/loss": 0.1, "grads/through_time/log10_norm": [-1.0, -math.inf]},
        {"step": 2, "train/loss": math.inf, "params/norm": 1e-35},
    ]
    for row in rows:
        folder.log(row)
    assert read_rows(folder.path) == rows


def test_nan_reads_back_as_nan(folder):
    folder.log({"step": 1, "train/loss": [math.nan]})
    assert math.isnan(read_rows(folder.path)[0]["train/loss"][0])


def test_every_row_is_on_disk_at_once(folder):
    folder.log({"step": 1})
    assert [row["step"] for row in read_rows(folder.path)] == [1]
    folder.log({"step": 2})
    assert [row["step"] for row in read_rows(folder.path)] == [1, 2]


def test_a_value_without_a_spelling_is_refused_and_leaves_no_line(folder):
    with pytest.raises(TypeError):
        folder.log({"step": 1, "train/loss": object()})
    assert _lines(folder.path) == []


def test_no_rows_where_nothing_was_logged(tmp_path):
    assert read_rows(tmp_path) == []


def test_a_fresh_start_keeps_nothing(folder, info):
    folder.log({"step": 1})
    folder.start(info)
    assert read_rows(folder.path) == []


def test_resuming_cuts_later_rows_and_a_torn_line(folder, info):
    for step in (1, 2, 3):
        folder.log({"step": step, "train/loss": math.nan})
    with (folder.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "train/lo')
    folder.start(dataclasses.replace(info, resumed_from=2))
    folder.log({"step": 3, "train/loss": 0.5})
    assert _lines(folder.path) == [
        {"step": 1, "train/loss": "nan"},
        {"step": 2, "train/loss": "nan"},
        {"step": 3, "train/loss": 0.5},
    ]


def test_a_torn_line_is_cut_though_its_step_would_be_kept(folder, info):
    folder.log({"step": 1})
    with (folder.path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2}')  # whole, but its newline never came: the next row would be glued to it
    folder.start(dataclasses.replace(info, resumed_from=2))
    folder.log({"step": 3})
    assert _lines(folder.path) == [{"step": 1}, {"step": 3}]


def test_resuming_into_an_empty_folder(info):
    folder = RunFolder(info.folder / "new")
    folder.start(dataclasses.replace(info, resumed_from=2))
    folder.log({"step": 3})
    assert _lines(folder.path) == [{"step": 3}]


def test_summary_reads_back(folder):
    folder.finish({"status": "finished", "best": {"eval/loss": math.inf}, "steps": np.int32(5)})
    assert read_summary(folder.path) == {"status": "finished", "best": {"eval/loss": math.inf}, "steps": 5}


def test_summary_needs_no_start(tmp_path):
    RunFolder(tmp_path / "run").finish({"status": "incompatible"})
    assert read_summary(tmp_path / "run") == {"status": "incompatible"}


@pytest.mark.parametrize("summary", [{"status": "done"}, {}])
def test_summary_names_a_known_status(folder, summary):
    with pytest.raises(ValueError, match="status must be one of finished"):
        folder.finish(summary)


def test_a_started_run_does_not_look_finished(folder, info):
    folder.finish({"status": "finished"})
    folder.start(dataclasses.replace(info, resumed_from=0))
    with pytest.raises(FileNotFoundError):
        read_summary(folder.path)


def test_a_link_keeps_pointing_to_its_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_atomically(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"


def test_what_is_no_file_is_written_and_not_replaced(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write_atomically(pipe, "text")
    reader.join(10)
    assert read == ["text"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("text", ["", "[]", "null", '"a"', "{"])
def test_a_summary_that_holds_no_object_is_damaged(text, folder):
    folder.finish({"status": "finished"})
    (folder.path / "summary.json").write_text(text)
    with pytest.raises(ConfigError, match=r"summary\.json is damaged"):
        read_summary(folder.path)


def test_a_summary_that_cannot_be_encoded_changes_nothing(folder):
    folder.finish({"status": "interrupted"})
    with pytest.raises(TypeError):
        folder.finish({"status": "finished", "versions": object()})
    assert read_summary(folder.path) == {"status": "interrupted"}


def test_a_write_that_fails_midway_changes_nothing(folder, monkeypatch):
    folder.finish({"status": "interrupted"})
    write_text = Path.write_text

    def write_half(path, text, encoding):
        write_text(path, text[: len(text) // 2], encoding)
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", write_half)
        with pytest.raises(OSError, match="no space"):
            folder.finish({"status": "finished", "reason": "x" * 1000})
    assert read_summary(folder.path) == {"status": "interrupted"}
    folder.finish({"status": "failed"})
    assert sorted(path.name for path in folder.path.iterdir()) == [
        *("metrics.jsonl", "run.json", "summary.json")
    ]
