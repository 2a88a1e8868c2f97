"""Reader of folders: files of splits, or images, clips, sounds or scores as `datasets` lays them out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from seqlab.data.media.files import COLUMN_OF_SUFFIX, is_hidden
from seqlab.data.readers.files import ending, read_file, stem, suffixes
from seqlab.data.splits import SHARES, split_name
from seqlab.data.table import Table
from seqlab.types import ConfigError

_SEPARATOR = re.compile("[_.-]")
"""What sets off the words of a name."""
_REMARKS = (
    *("readme", "license", "licence", "citation", "notice", "changelog", "vocabulary"),
    *("dataset_info", "dataset_infos", "dataset_dict"),
)
"""The names of files that describe a folder, and are no data."""


def read_folder(folder: Path) -> dict[str, Table]:
    """Read a folder with files `train`, `validation` (or `dev`, `val`, …) and `test`, or of media.

    What all names have in common, as in `GunPoint_TRAIN` and `GunPoint_TEST`, does not matter. Hidden files
    (`data.media.files`) and remarks, such as `README.txt`, are left out.

    Raises:
        ConfigError: the folder holds neither, or a file whose name is not that of a split; or as `read_file`
            and `read_media`.
    """
    files = [
        path
        for path in _visible(folder)
        if path.is_file() and ending(path) in suffixes() and stem(path).lower() not in _REMARKS
    ]
    names = dict(zip(files, _distinct_parts([stem(path) for path in files]), strict=True))
    has_splits = any(split_name(name) in SHARES for name in names.values())
    has_media = not files or any(_kind(path) in ("frames", "notes") for path in _visible(folder))
    if "metadata" in names.values() or (has_media and not has_splits):
        return read_media(folder)
    splits = _by_split(folder, names)
    return {split: read_file(path) for split, path in splits.items()}


def read_media(folder: Path) -> dict[str, Table]:
    """Read a folder of images, sounds or scores: each file is a row, in the column of its kind.

    Either the folder holds a table `metadata`, whose column `file_name` names the files, or there is a folder
    for each class, whose name is the `label` of its files. A clip is a folder of images in the place of a
    file. Scores (MIDI files) may stand in the folder itself. Splits are folders `train`, `validation` (or
    `dev`, `val`, …) and `test`. What is hidden is left out.

    Returns:
        The splits that the folder has, "train" alone where it has no folder of that name. A value of the
        column `image`, `audio`, `notes` or `frames` is a path.

    Raises:
        ConfigError: there are no such files, a class has none, a folder beside `train` has not the name of a
            split, or a file that the table names is missing.
    """
    folders = [path for path in _visible(folder) if path.is_dir()]
    if not any(split_name(path.name) == "train" and _holds_a_split(path) for path in folders):
        return {"train": _read_split(folder)}
    splits = _by_split(folder, {path: path.name for path in folders})
    return {split: _read_split(path) for split, path in splits.items()}


def _distinct_parts(names: Sequence[str]) -> list[str]:
    """Return names without the words, set off by _ - or a point, with which all of them begin or end."""
    words = [_SEPARATOR.split(name) for name in names]
    while words and all(len(name) > 1 for name in words) and len({name[0] for name in words}) == 1:
        words = [name[1:] for name in words]
    while len(words) > 1 and all(len(name) > 1 for name in words) and len({name[-1] for name in words}) == 1:
        words = [name[:-1] for name in words]
    return ["_".join(name) for name in words]


def _visible(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if not is_hidden(path)]


def _by_split(folder: Path, names: dict[Path, str]) -> dict[str, Path]:
    """Return the path of each split, by the names of paths.

    Raises:
        ConfigError: a name is not that of a split, or two are that of one.
    """
    found: dict[str, Path] = {}
    for path, name in names.items():
        split = split_name(name)
        if split not in SHARES:
            raise ConfigError(
                f"task.source={folder}: {path.name} is no split: name it train, validation or test, put it "
                f"elsewhere, or set task.source={path}"
            )
        if split in found:
            both = f"{found[split].name} and {path.name}"
            raise ConfigError(f"task.source={folder}: {both} are both the split {split}")
        found[split] = path
    return {split: found[split] for split in SHARES if split in found}


def _holds_a_split(folder: Path) -> bool:
    """Say whether a folder `train` holds more than the images of a class that has this name."""
    kinds = {_kind(path) for path in _visible(folder)}
    return "frames" in kinds or "notes" in kinds or any(path.stem == "metadata" for path in folder.iterdir())


def _read_split(folder: Path) -> Table:
    for path in _visible(folder):
        if path.is_file() and ending(path) in suffixes() and stem(path) == "metadata":
            return _with_files(read_file(path), folder)
    classes = [path for path in _visible(folder) if path.is_dir()]
    paths = [path for inner in classes for path in _visible(inner) if _kind(path)]
    paths += [path for path in _visible(folder) if _kind(path) == "notes"]
    if not paths:
        raise ConfigError(
            f"task.source={folder} has neither a file train ({' '.join(suffixes())}) nor a table metadata "
            f"nor folders of classes with images, clips, sounds or scores ({' '.join(COLUMN_OF_SUFFIX)})"
        )
    labels = [path.parent.name for path in paths]
    for path in classes:
        if path.name not in labels:
            raise ConfigError(f"task.source={folder}: the class {path.name!r} is empty")
    return Table.of(str(folder), {_only_kind(paths, folder): paths, "label": labels})


def _with_files(table: Table, folder: Path) -> Table:
    """Return a table with the files that its column `file_name` names."""
    table.require(file_name="file_name")
    paths = [folder / name for name in table.texts("file_name")]
    for index, path in enumerate(paths):
        if path.suffix.lower() not in COLUMN_OF_SUFFIX:
            complaint = f"{path} is not an image, sound or score: {' '.join(COLUMN_OF_SUFFIX)}"
            raise table.refusal(index, "file_name", complaint)
        if not path.is_file():
            raise table.refusal(index, "file_name", f"{path} does not exist")
    rest = {name: values for name, values in table.columns.items() if name != "file_name"}
    return Table(table.name, {_only_kind(paths, folder): paths, **rest}, table.rows, table.names)


def _kind(path: Path) -> str | None:
    """Return the column of a file, or of a folder of frames; None for any other file."""
    return "frames" if path.is_dir() else COLUMN_OF_SUFFIX.get(path.suffix.lower())


def _only_kind(paths: Iterable[Path], folder: Path) -> str:
    kinds: Sequence[str] = sorted({_kind(path) or "other files" for path in paths})
    if len(kinds) > 1:
        raise ConfigError(f"task.source={folder} has {' and '.join(kinds)}: it must have one of them")
    return kinds[0]
