"""Which chorales of Bach's does music21 have? Their notes at every beat, read once and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from seqlab.data.midi import Note
from seqlab.data.rolls import NUM_KEYS, roll_of
from seqlab.data.wheels import cache
from seqlab.registry import import_extra

BEAT = 1.0
"""How long a frame lasts, in quarter notes."""


def bach_chorales() -> dict[str, list[Any]]:
    """Read what sounds at every beat of the chorales, a uint8 array `(T, 88)` each, filled up with silence.

    Reading the scores takes a minute; what was read is kept (`kept`), and read the next time.

    Source: A. Riemenschneider's edition of 371 chorales, in M. Cuthbert & C. Ariza, "music21: A Toolkit for
        Computer-Aided Musicology and Symbolic Music Data", ISMIR 2010; a score that stands there twice is
        one here.
    """
    if not kept().is_file():
        _keep(scores())
    with np.load(kept()) as file:
        return {"notes": list(file["notes"])}


def kept() -> Path:
    """Return the file that holds the chorales once they were read; another version of music21 has another."""
    return cache() / f"music21-{import_extra('music21').__version__}" / "bach_chorales.npz"


def scores() -> list[str]:
    """Return the files of the chorales."""
    corpus = import_extra("music21.corpus")
    names = dict.fromkeys(corpus.chorales.Iterator(returnType="filename"))
    works = [corpus.getWork(name) for name in names]  # a list where there are several encodings
    return [str(work[0] if isinstance(work, list) else work) for work in works]


def read_score(path: str) -> np.ndarray:
    """Return what sounds at every beat of a score of all parts, uint8 `(T, 88)`."""
    score = import_extra("music21.converter").parse(path, forceSource=True, storePickle=False)
    notes = [
        Note(pitch.midi, float(element.offset), float(element.offset + element.quarterLength))
        for element in score.flatten().notes
        for pitch in element.pitches
    ]
    return roll_of(notes, BEAT)


def _keep(paths: list[str]) -> None:
    told = track(paths, "Reading Bach's chorales", console=Console(stderr=True), transient=True)
    rolls = [read_score(path) for path in told]
    padded = np.zeros((len(rolls), max(map(len, rolls)), NUM_KEYS), np.uint8)
    for row, roll in zip(padded, rolls, strict=True):
        row[: len(roll)] = roll
    path = kept()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished.npz")
    np.savez_compressed(unfinished, notes=padded)
    unfinished.replace(path)
