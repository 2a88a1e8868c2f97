"""Clips of every form, and a corpus whose class only motion shows."""

from __future__ import annotations

import io
import json

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from small_corpora import write_clip, write_hub

from seqlab.data.corpora.moving_digits import HEADINGS, images_of, moving_digits
from seqlab.data.media.clips import decode_clip
from seqlab.tasks import load_task
from seqlab.types import ConfigError

H, W, LABELS, ENDS = 3, 4, ["left", "right"] * 15, [1 + index % 3 for index in range(30)]
CLIPS = np.random.default_rng(0).integers(0, 256, (30, 3, H, W, 3), np.uint8)


def frames(source, **fields):
    return load_task("frames", source=str(source), **{"length": 5, "height": H, "width": W} | fields)


def as_arrays(path, clips=CLIPS, **columns):
    columns = {"frames": clips, "label": np.array(LABELS), "ends": np.array(ENDS)} | columns
    np.savez(path / "clips.npz", **columns)
    return frames(path / "clips.npz", lengths="ends", channels=clips.shape[-1])


def as_folder(path):
    for index, (clip, label, end) in enumerate(zip(CLIPS, LABELS, ENDS, strict=True)):
        write_clip(path / "clips" / label / f"{index:02}", clip[:end])
    return frames(path / "clips", channels=3)


def as_hub(path):
    from datasets import Image as Kind
    from datasets import List, Value

    def file(frame):
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "PNG")
        return {"bytes": buffer.getvalue(), "path": None}

    rows = [[file(frame) for frame in clip[:end]] for clip, end in zip(CLIPS, ENDS, strict=True)]
    kinds = {"frames": List(Kind(decode=False)), "label": Value("string")}
    return frames(write_hub(path / "clips", {"frames": rows, "label": LABELS}, kinds), channels=3)


@pytest.mark.parametrize("written", [as_arrays, as_folder, as_hub])
def test_arrays_folders_and_columns_of_images_are_read_alike(written, tmp_path):
    task, met = written(tmp_path), set()
    for part in task.encoded.arrays.values():
        for clip, end, label in zip(part["frames"], part["lengths"], part["labels"], strict=True):
            pixels = np.round(255 * clip[:end]).astype(np.uint8)
            met.add((pixels.tobytes(), task.encoded.artifacts["classes"][label]))
            assert not clip[end:].any()
    rows = zip(CLIPS, ENDS, LABELS, strict=True)
    assert met == {(clip[:end].tobytes(), label) for clip, end, label in rows}


def test_the_frames_of_a_clip_are_the_channels_of_one_image(tmp_path):
    task = as_arrays(tmp_path)
    many, one = (task.gather(jnp.arange(4), "train", framing, task.data) for framing in task.framings)
    assert one.inputs.shape[1:] == task.input_spec("one_to_one").shape
    for t in range(3):
        np.testing.assert_array_equal(one.inputs[..., 3 * t : 3 * t + 3], many.inputs[:, t])


def test_arrays_are_resized_as_files_are(tmp_path):
    files = decode_clip(write_clip(tmp_path / "clip", CLIPS[0]), 2, 2, 3)
    np.testing.assert_allclose(decode_clip(CLIPS[0], 2, 2, 3), files, atol=1 / 255)


BROKEN = [
    ({"clips": CLIPS[..., :2]}, r"row 1, frames: it must be .* with 3 channels, got \(3, 3, 4, 2\)"),
    ({"clips": CLIPS[:, :0]}, "row 1, frames: it has no frame"),
    ({"clips": CLIPS * np.nan}, "row 1, frames: it must .* 0 to 1, got nan in frame 1"),
    ({"clips": CLIPS.astype(str)}, "row 1, frames: it must hold bytes, or numbers from 0 to 1, got <U3"),
    ({"clips": CLIPS.astype(np.float32)}, r"row 1, frames: it must .* 0 to 1, got \d+\.0 in frame 1"),
    ({"ends": np.array([1, 0] * 15)}, "row 2, ends: must be an integer from 1 to 3, got 0"),
    ({"label": np.array(["left"] * 30)}, "label must have at least two classes in training, got left"),
]


@pytest.mark.parametrize(("columns", "message"), BROKEN, ids=lambda value: str(value)[:30])
def test_arrays_that_are_no_clips_are_refused_in_one_line(columns, message, tmp_path):
    as_arrays(tmp_path, **columns)
    with pytest.raises(ConfigError, match=rf"^.*clips\.npz.*{message}$"):
        _ = frames(tmp_path / "clips.npz", lengths="ends", channels=3).encoded


@pytest.mark.parametrize(
    ("spoil", "fields", "message"),
    [
        (lambda clip: next(clip.iterdir()).unlink(), {}, "row 1, frames: .*left/00 has no frame"),
        (
            lambda clip: (clip / "0000.png").write_bytes(b"\x89PNG"),
            {},
            r"row 1, frames: .*left/00 has a frame 0000\.png that is no image: .*",
        ),
        (lambda clip: (clip.parents[1] / "up").mkdir(), {}, "the class 'up' is empty"),
        (
            lambda clip: None,
            {"channels": 2},
            "row 1, frames: .*left/00 is made of images, which .*1 or 3, not 2",
        ),
    ],
    ids=["no frame", "broken", "empty class", "channels"],
)
def test_a_folder_of_what_is_no_clip_is_refused_in_one_line(spoil, fields, message, tmp_path):
    as_folder(tmp_path)
    spoil(tmp_path / "clips" / "left" / "00")
    with pytest.raises(ConfigError, match=rf"^(task\.source=)?{tmp_path}/clips[,:] {message}$"):
        _ = frames(tmp_path / "clips", **{"channels": 3} | fields).encoded


def test_a_class_that_training_did_not_have_is_refused(tmp_path):
    (tmp_path / "vocabulary.json").write_text(json.dumps({"classes": ["left", "up"]}))
    as_arrays(tmp_path)
    task = frames(tmp_path / "clips.npz", vocabulary=str(tmp_path / "vocabulary.json"), channels=3)
    with pytest.raises(ConfigError, match=r"^.*, label: 'right' is not a class of .*: left, up$"):
        _ = task.data


def test_of_the_baselines_only_the_change_tells_a_clip_from_its_reverse(tmp_path):
    draw = np.random.default_rng(0)
    for split in ("train", "validation", "test"):
        pairs = draw.integers([[[[0]]], [[[100]]]], [[[[100]]], [[[200]]]], (20, 2, 2, 2, 1)).astype(np.uint8)
        both, labels = np.concatenate([pairs, pairs[:, ::-1]]), np.repeat(["rise", "fade"], 20)
        np.savez(tmp_path / f"{split}.npz", frames=both, label=labels)
    accuracies = frames(tmp_path, height=2, width=2).baselines("test", "many_to_one")
    assert [*accuracies.values()] == [0.5, 1.0]


def test_digits_move_the_way_their_class_says():
    clips = moving_digits("test")
    again = moving_digits("test")
    np.testing.assert_array_equal(clips["frames"][7], again["frames"][7])
    assert {len(clip) for clip in clips["frames"]} == set(range(8, 13))

    def agreement(clip, heading):
        """Sum the products of every frame with the one before, moved one step on."""
        return np.sum(np.roll(clip[:-1], heading, axis=(1, 2)) * clip[1:])

    seen = [clip / 255 for clip in clips["frames"]]
    found = [max(HEADINGS, key=lambda name: agreement(clip, HEADINGS[name])) for clip in seen]
    assert np.mean(np.array(found) == clips["label"]) > 0.99


def test_no_image_of_a_digit_moves_in_two_splits():
    parts = [images_of(part, 1797) for part in ("train", "validation", "test")]
    assert sorted(np.concatenate(parts)) == list(range(1797))
    assert len(parts[0]) == 1438
