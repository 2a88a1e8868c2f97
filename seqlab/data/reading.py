"""What does `task.source` name? A file, a folder of splits, a corpus by its name, or a dataset of the hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from seqlab.data.corpora import CORPORA
from seqlab.data.files import SUFFIXES, read_file
from seqlab.data.hub import read_hub
from seqlab.data.media import read_media
from seqlab.data.rolls import read_mat
from seqlab.data.splits import SHARES
from seqlab.data.table import Table
from seqlab.types import ConfigError


def is_hub(source: str) -> bool:
    """Say whether a source is a dataset of the hub: `owner/name`, where no file is meant."""
    named = re.fullmatch(r"[\w.-]+/[\w.-]+", source) is not None
    return named and Path(source).suffix not in SUFFIXES and not Path(source).exists()


def read_source(source: str | None, config: str | None, instead: str) -> dict[str, Table]:
    """Read the one corpus that `source` names, and no other in its place.

    Args:
        source: a file; a folder with files `train`, `validation` and `test`, as there are; a folder of
            images, clips, sounds or MIDI files; the name of a corpus; or `owner/name` on the hub.
        config: of a dataset of the hub, which of its configurations.
        instead: what needs no hub, for the message where the hub is out of reach.

    Returns:
        The splits that the source has, "train" alone where it is one table.

    Raises:
        ConfigError: there is nothing of that name, or it cannot be read.
    """
    corpora = ", ".join(CORPORA)
    if not isinstance(source, str) or not source:
        raise ConfigError(
            f"task.source must be a file ({' '.join(SUFFIXES)}), a folder of splits, a dataset of the hub or "
            f"one of {corpora}, got {source!r}"
        )
    if config is not None and not is_hub(source):
        raise ConfigError(f"task.config={config} does not fit task.source={source}, which is not on the hub")
    path = Path(source)
    if path.is_dir():
        return _read_folder(path)
    if source in CORPORA:
        return _read_corpus(source)
    if is_hub(source):
        return read_hub(source, config, instead)
    if not path.suffix:
        raise ConfigError(f"task.source={source} is neither a file nor one of {corpora}")
    if path.suffix == ".mat":
        return read_mat(path)
    return {"train": read_file(path)}


def stamp(*files: str | None) -> tuple[Any, ...]:
    """Return what changes when files, or those in a folder, are written anew; what is no file has none."""
    paths = [path for file in files if file for path in (Path(file), *sorted(Path(file).rglob("*")))]
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths if path.exists())


def _read_corpus(name: str) -> dict[str, Table]:
    corpus = CORPORA[name]
    if not corpus.splits:
        return {"train": Table.of(name, corpus.read())}
    return {split: Table.of(f"{name} ({split})", corpus.read(split)) for split in corpus.splits}


def _read_folder(folder: Path) -> dict[str, Table]:
    found = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES}
    splits = {split: found[split] for split in SHARES if split in found}
    return {split: read_file(path) for split, path in splits.items()} or read_media(folder)
