"""Reader of folders: files of splits, or images, clips, sounds or scores as `datasets` lays them out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqlab.data.media.files import COLUMN_OF_SUFFIX
from seqlab.data.readers.files import read_file, suffixes
from seqlab.data.splits import SHARES, split_name
from seqlab.data.table import Table
from seqlab.types import ConfigError


def read_folder(folder: Path) -> dict[str, Table]:
    """Read a folder with files `train`, `validation` (or `dev`, `val`, …) and `test`, or of media.

    Raises:
        ConfigError: the folder holds neither; or as `read_file` and `read_media`.
    """
    found = {split_name(path.stem): path for path in sorted(folder.iterdir()) if path.suffix in suffixes()}
    splits = {split: found[split] for split in SHARES if split in found}
    return {split: read_file(path) for split, path in splits.items()} or read_media(folder)


def read_media(folder: Path) -> dict[str, Table]:
    """Read a folder of images, sounds or scores: each file is a row, in the column of its kind.

    Either the folder holds a table `metadata`, whose column `file_name` names the files, or there is a folder
    for each class, whose name is the `label` of its files. A clip is a folder of images in the place of a
    file. Scores (MIDI files) may stand in the folder itself. Splits are folders `train`, `validation`,
    `test`.

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
        if path.suffix in suffixes():
            return _with_files(read_file(path), folder)
    paths = sorted(path for path in folder.glob("[!.]*/*") if _kind(path))
    paths += sorted(path for path in folder.glob("*") if _kind(path) == "notes")
    if not paths:
        raise ConfigError(
            f"task.source={folder} has neither a file train ({' '.join(suffixes())}) nor a table metadata "
            f"nor folders of classes with images, clips, sounds or scores ({' '.join(COLUMN_OF_SUFFIX)})"
        )
    labels = [path.parent.name for path in paths]
    for path in sorted(folder.iterdir()):
        if _kind(path) == "frames" and path.name not in labels:
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
    if path.is_dir():
        return None if path.name.startswith(".") else "frames"
    return COLUMN_OF_SUFFIX.get(path.suffix.lower())


def _only_kind(paths: Sequence[Path], folder: Path) -> str:
    kinds = sorted({_kind(path) or "other files" for path in paths})
    if len(kinds) > 1:
        raise ConfigError(f"task.source={folder} has {' and '.join(kinds)}: it must have one of them")
    return kinds[0]
