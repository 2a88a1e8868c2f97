"""What do all tasks over a source share? The one corpus, what is told of it, and what a run keeps of it."""

from __future__ import annotations

import abc
import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from seqlab.data.corpora import CORPORA
from seqlab.data.reading import is_hub, read_source, stamp
from seqlab.data.table import Table
from seqlab.tasks.task import VOCABULARY, LoadedTask
from seqlab.types import ConfigError


@dataclasses.dataclass(frozen=True)
class SourceTask(LoadedTask):
    """A task over a user's file, a corpus by its name or a dataset of the hub.

    Class attributes:
        instead: which tasks of the kind need no hub.

    Attributes:
        source: what is read: as in `data.read_source`.
        config: of a dataset of the hub, which of its configurations.
    """

    instead: ClassVar[str]

    source: str | None = dataclasses.field(default=None, metadata={"fingerprint": False})
    config: str | None = dataclasses.field(default=None, metadata={"fingerprint": False})

    @property
    def origin(self) -> str:
        """Where the data come from, in words."""
        return CORPORA[self.source].origin if self.source in CORPORA else str(self.source or "your file")

    @property
    def licence(self) -> str:
        """The licence of the data."""
        if self.source in CORPORA:
            return CORPORA[self.source].licence
        return "the dataset's" if not self.offline else "yours"

    @property
    def offline(self) -> bool:
        """Whether the source is not the hub's."""
        return self.source is None or not is_hub(self.source)

    def tables(self) -> dict[str, Table]:
        """Read the source: its rows, by the splits that it has."""
        return read_source(self.source, self.config, self.instead)

    @abc.abstractmethod
    def data_summary(self) -> Mapping[str, Any]:
        """Count what was read: at least the examples of each split and the duplicates dropped."""


@dataclasses.dataclass(frozen=True)
class VocabularyTask(SourceTask):
    """A task whose symbols are numbered by the training split, or as an earlier run numbered them.

    Attributes:
        vocabulary: a file to take what numbers stand for from, as a run leaves it; None to make that from
            the training split.
    """

    vocabulary: str | None = dataclasses.field(default=None, metadata={"fingerprint": False})

    @abc.abstractmethod
    def read(self, stamp: Any) -> Any:
        """Read the source, once for equal tasks; what is counted of it is the `account` of what is returned.

        Args:
            stamp: tells a file from what it was.
        """

    @functools.cached_property
    def _read(self) -> Any:
        return self.read(stamp(self.source, self.vocabulary))

    def data_summary(self) -> Mapping[str, Any]:
        return self._read.account

    @property
    @abc.abstractmethod
    def symbols(self) -> Mapping[str, Sequence[Any]]:
        """What numbers stand for, by name: as a run kept it, or made from the training split."""

    def artifacts(self) -> Mapping[str, str]:
        return {VOCABULARY: json.dumps(self.symbols, ensure_ascii=False, indent=0) + "\n"}

    def kept_symbols(self) -> dict[str, list[str]] | None:
        """Read `vocabulary`; None where none is given.

        Raises:
            ConfigError: there is no such file, or it is not one that a run left.
        """
        if self.vocabulary is None:
            return None
        try:
            return dict(json.loads(Path(self.vocabulary).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(f"task.vocabulary={self.vocabulary} cannot be read: {error}") from error


@dataclasses.dataclass(frozen=True)
class RowsTask(VocabularyTask):
    """A task whose examples are rows of its source: the `arrays` of what is read, a tree keyed by split."""

    def load(self) -> dict[str, dict[str, np.ndarray]]:
        return self._read.arrays

    def num_examples(self, split: str, framing: str) -> int:
        return len(next(iter(self._read.arrays[split].values())))
