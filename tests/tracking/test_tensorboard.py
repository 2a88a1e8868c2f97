"""TensorBoard tracker, checked against the event files that it writes."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import struct

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from seqlab.registry import make, settings_of
from seqlab.testing import check_tracker
from seqlab.tracking import RunFolder, TensorBoard, Trackers
from seqlab.types import ConfigError


def values_of(folder):
    """Return the step and the value of every summary in the event files of a folder.

    A file is a sequence of records: a length of 8 bytes, its checksum of 4, the record, its checksum of 4.
    """
    found = []
    for path in sorted(folder.rglob("*tfevents*")):
        data, position = path.read_bytes(), 0
        while position < len(data):
            (length,) = struct.unpack_from("<Q", data, position)
            event = Event.FromString(data[position + 12 : position + 12 + length])
            found += [(event.step, value) for value in event.summary.value]
            position += 16 + length
    return found


def scalars(folder, tag):
    return [
        (step, value.simple_value)
        for step, value in values_of(folder)
        if value.tag == tag and value.WhichOneof("value") == "simple_value"
    ]


def rows(first, last):
    return [
        {
            "step": step,
            "train/loss": np.float32(1 / step),
            "grads/nonfinite": step,
            "grads/norm": math.inf,
            "grads/through_time/log10_norm": np.linspace(-3, 0, 12),
            "recurrent/lyapunov": [0.5, -0.5],
            "gates/forget/histogram": np.arange(20),
        }
        for step in range(first, last + 1)
    ]


def track(info, rows, tracker=None):
    trackers = Trackers([RunFolder(info.folder), tracker or TensorBoard()])
    trackers.start(info)
    for row in rows:
        trackers.log(row)
    trackers.finish({"status": "finished", "steps": 3, "best": {"step": 2, "eval/accuracy": 0.75}})


def test_it_obeys_every_law(tmp_path):
    check_tracker(TensorBoard(), tmp_path)


def test_rows_are_scalars_histograms_and_a_picture(info):
    track(info, [*rows(1, 3), {"step": 3, "eval/accuracy": 0.75}])
    folder = info.folder / "tensorboard"
    assert scalars(folder, "train/loss") == [(step, pytest.approx(1 / step)) for step in (1, 2, 3)]
    assert scalars(folder, "recurrent/lyapunov/2") == [(step, -0.5) for step in (1, 2, 3)]
    assert scalars(folder, "summary/eval/accuracy") == [(3, 0.75)]
    histograms = [value for _, value in values_of(folder) if value.WhichOneof("value") == "histo"]
    assert {value.tag for value in histograms} == {"grads/through_time/log10_norm", "gates/forget/histogram"}
    assert histograms[1].histo.bucket == list(range(20))
    (image,) = [value.image for _, value in values_of(folder) if value.WhichOneof("value") == "image"]
    assert image.encoded_image_string.startswith(b"\x89PNG")
    tags = [value.tag for _, value in values_of(folder)]
    assert {"_hparams_/experiment", "_hparams_/session_start_info", "_hparams_/session_end_info"} <= set(tags)


def test_a_resumed_run_has_each_point_once(info):
    track(info, rows(1, 6))
    track(dataclasses.replace(info, resumed_from=4), rows(5, 7))
    assert [step for step, _ in scalars(info.folder / "tensorboard", "train/loss")] == [1, 2, 3, 4, 5, 6, 7]


def test_runs_have_folders_of_their_own_elsewhere(info, tmp_path):
    track(info, rows(1, 1), TensorBoard(str(tmp_path / "all")))
    assert not (info.folder / "tensorboard").exists()
    (place,) = {path.parent for path in (tmp_path / "all").rglob("*tfevents*")}
    assert place.name == info.folder.name


def test_a_missing_package_is_one_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    node = settings_of("tracking", "tensorboard")["tensorboard"]
    message = r"tensorboardX is not installed: pip install 'seqlab\[tensorboard\]'$"
    with pytest.raises(ConfigError, match=message):
        make(node, "tracking.tensorboard")
