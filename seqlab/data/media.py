"""How are images, clips, sounds and scores read? Those of a folder as rows, a file of them as an array."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.data.files import SUFFIXES, read_file
from seqlab.data.splits import SHARES
from seqlab.data.table import Table
from seqlab.registry import import_extra
from seqlab.types import ConfigError

KINDS = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"), "image"),
    **dict.fromkeys((".wav", ".flac", ".ogg", ".mp3"), "audio"),
    **dict.fromkeys((".mid", ".midi"), "notes"),
}
"""The column that a file goes into, by its ending."""


def read_media(folder: Path) -> dict[str, Table]:
    """Read a folder of images, sounds or scores in the layout of `datasets`.

    Each file is a row, in a column of its kind. Either the folder contains a table `metadata`, whose column
    `file_name` names each file, or it contains one folder a class, whose name is the `label` of its files. A
    folder of images in place of a file is a clip. MIDI files may stand in the folder itself. Splits are the
    folders `train`, `validation` and `test`.

    Returns:
        The splits that the folder has, "train" alone where it has no folder of that name. A value of the
        column `image`, `audio`, `notes` or `frames` is a path.

    Raises:
        ConfigError: there are no such files, a class has none, or one that the table names is missing.
    """
    if not (folder / "train").is_dir():
        return {"train": _read_split(folder)}
    return {split: _read_split(folder / split) for split in SHARES if (folder / split).is_dir()}


def _read_split(folder: Path) -> Table:
    for path in sorted(folder.glob("metadata.*")):
        if path.suffix in SUFFIXES:
            return _named(read_file(path), folder)
    paths = sorted(path for path in folder.glob("*/*") if _kind(path))
    paths += sorted(path for path in folder.glob("*") if _kind(path) == "notes")
    if not paths:
        raise ConfigError(
            f"task.source={folder} has neither a file train ({' '.join(SUFFIXES)}) nor a table metadata nor "
            f"folders of classes with images, clips, sounds or scores ({' '.join(KINDS)})"
        )
    labels = [path.parent.name for path in paths]
    for path in sorted(folder.iterdir()):
        if _kind(path) == "frames" and path.name not in labels:
            raise ConfigError(f"task.source={folder}: the class {path.name!r} is empty")
    return Table(str(folder), {_one_kind(paths, folder): paths, "label": labels}, range(1, len(paths) + 1))


def _named(table: Table, folder: Path) -> Table:
    """Return a table with the files that its column `file_name` names."""
    table.require(file_name="file_name")
    paths = [folder / name for name in table.texts("file_name")]
    for index, path in enumerate(paths):
        if path.suffix.lower() not in KINDS:
            raise table.refusal(index, "file_name", f"{path} is no image, sound or score: {' '.join(KINDS)}")
        if not path.is_file():
            raise table.refusal(index, "file_name", f"{path} does not exist")
    rest = {name: values for name, values in table.columns.items() if name != "file_name"}
    return Table(table.name, {_one_kind(paths, folder): paths, **rest}, table.rows, table.names)


def _kind(path: Path) -> str | None:
    """Return the column that a file, or a folder of frames, goes into; None for none."""
    if path.is_dir():
        return None if path.name.startswith(".") else "frames"
    return KINDS.get(path.suffix.lower())


def _one_kind(paths: Sequence[Path], folder: Path) -> str:
    kinds = sorted({_kind(path) for path in paths})
    if len(kinds) > 1:
        raise ConfigError(f"task.source={folder} has {' and '.join(kinds)}: it must have one of them")
    return kinds[0]


def decode_image(value: Any, height: int, width: int, channels: int) -> np.ndarray:
    """Return an image as float32 `(height, width, channels)` in [0, 1], resized where it is of another size.

    Args:
        value: a path, or `{"bytes": …, "path": …}` as the hub holds it.
        height: in pixels.
        width: in pixels.
        channels: 1 for grey, 3 for red, green and blue.

    Raises:
        ValueError: it is no image; the message says what is wrong, not which.
    """
    from PIL import Image

    try:
        with Image.open(_file(value)) as image:
            pixels = image.convert({1: "L", 3: "RGB"}[channels])
            if pixels.size != (width, height):
                pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, SyntaxError) as error:  # SyntaxError is Pillow's word for a broken PNG
        raise ValueError(f"is no image: {error}") from error
    return np.asarray(pixels, np.float32).reshape(height, width, channels) / 255


def decode_sound(value: Any, rate: int) -> np.ndarray:
    """Return a sound as float32 `(N,)` in [−1, 1], the mean of its channels.

    Args:
        value: as in `decode_image`.
        rate: samples a second that it must have, Hz.

    Raises:
        ValueError: it is no sound, an empty one, one of another rate, or one that is not finite.
    """
    soundfile = import_extra("soundfile")
    try:
        samples, own = soundfile.read(_file(value), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"is no sound: {error.error_string}") from error
    if own != rate:
        raise ValueError(f"has {own} samples a second, not task.rate={rate}")
    if not len(samples):
        raise ValueError("is a sound without samples")
    if not np.isfinite(samples).all():
        raise ValueError("has a sample that is no finite number")
    return samples.mean(axis=1)


def _file(value: Any) -> Path | io.BytesIO:
    """Return what a value's file is opened by."""
    if isinstance(value, Mapping):
        if value["bytes"] is not None:
            return io.BytesIO(value["bytes"])
        value = value["path"]
    if not isinstance(value, (str, Path)):
        raise ValueError(f"must be a file, got {value!r:.60}")
    if not Path(value).is_file():
        raise ValueError("does not exist")
    return Path(value)
