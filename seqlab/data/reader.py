"""Reader of the source that a task names: a file, a folder, a named corpus, or a data set of the hub."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, NamedTuple

from seqlab.data.corpora.catalogue import corpus_names, find_corpus
from seqlab.data.memory import held_tables, is_held
from seqlab.data.readers.files import ending, read_file, suffixes
from seqlab.data.readers.folders import read_folder
from seqlab.data.readers.hub import read_hub
from seqlab.data.readers.mat import read_mat
from seqlab.data.table import Table
from seqlab.types import ConfigError


class Provenance(NamedTuple):
    """Where data come from.

    Attributes:
        origin: in words.
        licence: of the data, or "generated".
        offline: whether they need no download from the hub.
    """

    origin: str
    licence: str
    offline: bool = True


@dataclasses.dataclass(frozen=True)
class Reader:
    """Reader of one source.

    Attributes:
        source: a file; a folder with files `train`, `validation` and `test`, or with images, clips, sounds or
            MIDI files; the name of a corpus; `owner/name` for a data set of the hub; or the name of data in
            memory (`data.memory`). None where the user has not named one yet.
        config: the configuration of a data set of the hub; None for its only one.
        alternatives: tasks of the same kind that need no hub, for the message where it cannot be reached.
    """

    source: str | None
    config: str | None = None
    alternatives: str = ""

    def tables(self) -> dict[str, Table]:
        """Read the source.

        Returns:
            A table for each split that the source has, "train" alone where it is one table.

        Raises:
            ConfigError: the source does not exist or cannot be read; one line says why.
        """
        source, names = self.source, ", ".join(corpus_names())
        if not isinstance(source, str) or not source:
            raise ConfigError(
                f"task.source must be a file ({' '.join(suffixes())}), a folder of splits, a dataset of the "
                f"hub or one of {names}, got {source!r}"
            )
        if self.config is not None and self.offline:
            raise ConfigError(
                f"task.config={self.config} does not fit task.source={source}, which is not on the hub"
            )
        if is_held(source):
            return held_tables(source)
        path = Path(source)
        if path.is_dir():
            return read_folder(path)
        if (corpus := find_corpus(source)) is not None:
            return corpus.tables(source)
        if not self.offline:
            return read_hub(source, self.config, self.alternatives)
        if not ending(path) and not path.exists():
            raise ConfigError(f"task.source={source} is neither a file nor one of {names}")
        if ending(path) == ".mat":
            return read_mat(path)
        return {"train": read_file(path)}

    @property
    def offline(self) -> bool:
        """Whether the source is not a data set of the hub."""
        return self.source is None or not _is_hub(self.source)

    def provenance(self) -> Provenance:
        """Return where the data come from, without reading them."""
        if (corpus := find_corpus(self.source)) is not None:
            return Provenance(corpus.origin, corpus.licence)
        if is_held(self.source):
            return Provenance("data in memory", "yours")
        licence = "yours" if self.offline else "the dataset's"
        return Provenance(str(self.source or "your file"), licence, self.offline)

    def stamp(self) -> tuple[Any, ...]:
        """Return a value that changes when the source is written again."""
        return stamp(self.source)


def stamp(file: str | None) -> tuple[Any, ...]:
    """Return a value that changes when a file, or a file in a folder, is written again; () for no file."""
    paths = [Path(file), *sorted(Path(file).rglob("*"))] if isinstance(file, str) and file else []
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in paths if path.exists())


def _is_hub(source: str) -> bool:
    """Say whether a source is `owner/name` on the hub, rather than a path."""
    named = re.fullmatch(r"[\w.-]+/[\w.-]+", source) is not None
    return named and ending(Path(source)) not in suffixes() and not Path(source).exists()
