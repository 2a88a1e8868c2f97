"""Folders of images and of sounds as rows, and one-line refusals of what cannot be read."""

from __future__ import annotations

import functools
import io

import numpy as np
import pytest
from PIL import Image
from small_corpora import write_csv, write_hub

from seqlab.data.media.images import decode_image
from seqlab.data.media.midi import Note, read_midi
from seqlab.data.media.sounds import decode_sound
from seqlab.data.reader import Reader
from seqlab.registry import import_extra
from seqlab.types import ConfigError

RATE = 8000
image = functools.partial(decode_image, height=2, width=3, channels=1)
sound = functools.partial(decode_sound, rate=RATE)
PIXELS = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
SAMPLES = np.linspace(-0.5, 0.5, 20)


def read(path):
    return Reader(str(path), None, "task=sms_spam").tables()


def put(path, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        Image.fromarray(PIXELS).save(path)
    else:
        import_extra("soundfile").write(path, SAMPLES, rate)
    return path


MEDIA = [("image", "a.png", image, PIXELS[..., None] / 255), ("audio", "a.wav", sound, SAMPLES)]
every_medium = pytest.mark.parametrize(("column", "name", "decode", "expected"), MEDIA)


@every_medium
@pytest.mark.parametrize("splits", [("",), ("train/", "test/")])
def test_a_class_is_a_folder_and_a_split_a_folder_of_them(column, name, decode, expected, splits, tmp_path):
    for split in splits:
        for label in ("left", "right"):
            put(tmp_path / split / label / name)
    tables = read(tmp_path)
    assert list(tables) == [split.rstrip("/") or "train" for split in splits]
    for table in tables.values():
        assert table.columns["label"] == ["left", "right"]
        np.testing.assert_allclose(table.decoded(column, decode), [expected] * 2, atol=1e-4)


@every_medium
def test_a_table_says_what_belongs_to_a_file(column, name, decode, expected, tmp_path):
    put(tmp_path / name)
    write_csv(tmp_path / "metadata.csv", [{"file_name": name, "text": "one"}])
    table = read(tmp_path)["train"]
    assert table.columns["text"] == ["one"]
    np.testing.assert_allclose(table.decoded(column, decode)[0], expected, atol=1e-4)


@every_medium
def test_the_hub_holds_files_as_bytes(column, name, decode, expected, tmp_path):
    import datasets

    kind = {"image": datasets.Image, "audio": datasets.Audio}[column](decode=False)
    file = {"bytes": put(tmp_path / name).read_bytes(), "path": name}
    rows = write_hub(tmp_path / "rows", {column: [file]}, {column: kind})
    np.testing.assert_allclose(read(rows)["train"].decoded(column, decode)[0], expected, atol=1e-4)


def test_images_are_brought_to_size_and_colours():
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), 255, np.uint8)).save(file, "PNG")
    value = {"bytes": file.getvalue(), "path": None}
    for channels in (1, 3):
        np.testing.assert_array_equal(decode_image(value, 2, 3, channels), np.ones((2, 3, channels)))


def test_images_of_16_bits_are_scaled_by_their_largest_value(tmp_path):
    values = np.array([[0, 65535, 257], [257 * 100, 257 * 7, 300]], np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    expected = np.floor(values / 257) / 255
    np.testing.assert_allclose(image(tmp_path / "a.png")[..., 0], expected, atol=1e-6)


def test_hidden_folders_are_no_classes(tmp_path):
    for label in ("left", "right", ".ipynb_checkpoints"):
        put(tmp_path / label / "a.png")
    assert read(tmp_path)["train"].columns["label"] == ["left", "right"]


def test_the_arrays_of_a_file_are_columns(tmp_path):
    np.savez(tmp_path / "a.npz", series=np.ones((3, 2)), label=np.array(["x", "y", "x"]))
    table = read(tmp_path / "a.npz")["train"]
    assert len(table) == 3
    assert table.labels("label") == ["x", "y", "x"]


def test_what_is_no_such_file_is_named_with_its_row_and_column(tmp_path):
    put(tmp_path / "a" / "good.wav", RATE)
    put(tmp_path / "a" / "slow.wav", 4000)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "broken.wav").write_bytes(b"RIFF")
    import_extra("soundfile").write(tmp_path / "b" / "nan.wav", np.array([0, np.nan]), RATE, "FLOAT")
    table = read(tmp_path)["train"]
    with pytest.raises(ConfigError, match=r"^.*, row 2, audio: .*slow\.wav has 4000 .* not task\.rate=8000$"):
        table.decoded("audio", sound)
    with pytest.raises(ConfigError, match=r"^.*, row 3, audio: .*broken\.wav is no sound: .*$"):
        table.take([2]).decoded("audio", sound)
    with pytest.raises(
        ConfigError, match=r"^.*, row 4, audio: .*nan\.wav has a sample that is not a finite number$"
    ):
        table.take([3]).decoded("audio", sound)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "has neither a file train .* nor a table metadata nor folders of classes .*"),
        (["a/a.png", "a/a.wav"], "has audio and image: it must have one of them"),
        (["a/a.png", "a/a/a.png"], "has frames and image: it must have one of them"),
    ],
)
def test_a_folder_of_something_else_is_refused(files, message, tmp_path):
    for name in files:
        put(tmp_path / name)
    with pytest.raises(ConfigError, match=rf"^task\.source={tmp_path} {message}$"):
        read(tmp_path)


TRACK = b"MTrk" + (12).to_bytes(4, "big") + bytes([0, 0x90, 60, 80, 96, 0x80, 60, 0, 0, 0xFF, 0x2F, 0])
HEADER = b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1, 0, 96])
LONGER = b"MThd" + (8).to_bytes(4, "big") + bytes([0, 0, 0, 1, 0, 96, 1, 2])
OTHER = b"XFIH" + (3).to_bytes(4, "big") + b"abc"


def riff(content):
    return b"RIFF" + (4 + 8 + len(content)).to_bytes(4, "little") + b"RMID" + chunk(b"data", content)


def chunk(name, content):
    return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)


@pytest.mark.parametrize(
    "content",
    [
        HEADER + TRACK,
        LONGER + TRACK,
        HEADER + OTHER + TRACK,
        riff(LONGER + TRACK + OTHER),
        HEADER + TRACK + OTHER,
    ],
)
def test_what_a_midi_file_may_have_beside_tracks_is_skipped(content, tmp_path):
    (tmp_path / "a.mid").write_bytes(content)
    assert read_midi(tmp_path / "a.mid") == [Note(60, 0.0, 1.0)]


def test_hidden_files_are_no_rows_and_other_folders_beside_training_are_refused(tmp_path):
    for name in (
        "train/left/a.png",
        "val/left/a.png",
        "train/left/._a.png",
        "__MACOSX/left/a.png",
        "train/.x/a.png",
    ):
        put(tmp_path / name)
    assert {split: len(table) for split, table in read(tmp_path).items()} == {"train": 1, "validation": 1}
    put(tmp_path / "extra/left/a.png")
    with pytest.raises(ConfigError, match=r"extra is no split: name it train, validation or test"):
        read(tmp_path)


def test_a_class_may_be_called_train(tmp_path):
    for label in ("train", "plane"):
        put(tmp_path / label / "a.png")
    assert read(tmp_path)["train"].columns["label"] == ["plane", "train"]


def test_a_table_that_names_a_missing_file_is_refused(tmp_path):
    write_csv(tmp_path / "metadata.csv", [{"file_name": "gone.png"}])
    with pytest.raises(ConfigError, match=r"^.*csv, row 1, file_name: .*gone\.png does not exist$"):
        read(tmp_path)
