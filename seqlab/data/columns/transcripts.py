"""Column of transcripts: the characters that a sound spells."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import ClassVar

from seqlab.data.columns.column import Arrays, Artifacts, Column
from seqlab.data.padding import pad
from seqlab.data.table import Table
from seqlab.data.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True)
class Transcripts(Column[str]):
    """Column of transcripts: int32 `targets` `(N, M)` and `target_lengths` `(N,)`.

    M is the length of the longest transcript. Artifact `characters`, those of the training split.

    Attributes:
        max_length: the number of characters that a transcript may have.
        sound: the config key of the column of sounds, whose values are `Steps`.
        max_frames: the number of frames that are read of a sound at most.
    """

    symbols: ClassVar[tuple[str, ...]] = ("characters",)

    max_length: int
    sound: str
    max_frames: int

    def read(self, table: Table) -> list[str]:
        texts = table.labels(self.name) if self.name in table.names else table.texts(self.name)
        return [" ".join(text.split()) for text in texts]

    def check(self, table: Table) -> None:
        """Refuse a transcript that is too long, or needs more frames than its sound has.

        A path of connectionist temporal classification has a step for each character, and a blank between
        two equal ones.
        """
        for index, (sound, text) in enumerate(
            zip(table.columns[self.sound], table.columns[self.key], strict=True)
        ):
            if len(text) > self.max_length:
                complaint = f"has {len(text)} characters, more than task.target_length={self.max_length}"
                raise table.refusal(index, self.name, complaint)
            count = min(len(sound.steps), self.max_frames)
            if (needed := len(text) + sum(map(str.__eq__, text, text[1:]))) > count:
                complaint = f"takes {needed} frames to spell, and {count} are read of the sound: "
                raise table.refusal(index, self.name, f"{complaint}task.hop or task.length does not suit it")

    def fit(self, train: Table) -> Artifacts:
        return {"characters": sorted(set("".join(train.columns[self.key])))}

    def encode(self, tables: Mapping[str, Table], artifacts: Artifacts) -> Mapping[str, Arrays]:
        vocabulary = characters(artifacts)
        longest = max(len(text) for table in tables.values() for text in table.columns[self.key])
        arrays = {}
        for name, table in tables.items():
            targets, lengths = pad([vocabulary.encode(text) for text in table.columns[self.key]], longest)
            arrays[name] = {"targets": targets, "target_lengths": lengths}
        return arrays


def characters(artifacts: Artifacts) -> Vocabulary:
    """Return the vocabulary of the characters of transcripts."""
    return Vocabulary(tuple(artifacts["characters"]))


def spell(numbers: Iterable[int], artifacts: Artifacts) -> str:
    """Return the text of some numbers of characters; blanks, numbers past the vocabulary, are left out."""
    vocabulary = characters(artifacts)
    return "".join(vocabulary.decode(number for number in numbers if number < len(vocabulary)))
