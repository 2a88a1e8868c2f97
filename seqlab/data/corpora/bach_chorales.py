"""Corpus of Bach's chorales in music21: the notes at every beat, cached after the first read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqlab.data.corpora.wheel import cache
from seqlab.data.media.midi import Note
from seqlab.data.media.piano_rolls import NUM_KEYS, roll_of
from seqlab.registry import import_extra

BEAT = 1.0
"""The duration of a frame, in quarter notes."""


def bach_chorales() -> dict[str, list[Any]]:
    """Read the chorales as piano rolls, one frame a beat, each uint8 `(T, 88)` and padded with silence.

    Parsing the scores takes a minute; the result is stored in the file `cached`, which later calls read.

    Source: A. Riemenschneider's edition of 371 chorales, in M. Cuthbert & C. Ariza, "music21: A Toolkit for
        Computer-Aided Musicology and Symbolic Music Data", ISMIR 2010; a score that it has twice is read
        once.
    """
    if not cached().is_file():
        _write_cache(scores())
    with np.load(cached()) as file:
        return {"notes": list(file["notes"])}


def cached() -> Path:
    """Return the file that caches the chorales; each version of music21 has its own."""
    return cache() / f"music21-{import_extra('music21').__version__}" / "bach_chorales.npz"


def scores() -> list[str]:
    """Return the files of the chorales."""
    corpus = import_extra("music21.corpus")
    names = dict.fromkeys(corpus.chorales.Iterator(returnType="filename"))
    works = [corpus.getWork(name) for name in names]  # a list where there are several encodings
    return [str(work[0] if isinstance(work, list) else work) for work in works]


def read_score(path: str) -> np.ndarray:
    """Return the piano roll of all parts of a score, one frame a beat, uint8 `(T, 88)`."""
    score = import_extra("music21.converter").parse(path, forceSource=True, storePickle=False)
    notes = [
        Note(pitch.midi, float(element.offset), float(element.offset + element.quarterLength))
        for element in score.flatten().notes
        for pitch in element.pitches
    ]
    return roll_of(notes, BEAT)


def _write_cache(paths: list[str]) -> None:
    from rich.console import Console
    from rich.progress import track

    progress = track(paths, "Reading Bach's chorales", console=Console(stderr=True), transient=True)
    rolls = [read_score(path) for path in progress]
    padded = np.zeros((len(rolls), max(map(len, rolls)), NUM_KEYS), np.uint8)
    for row, roll in zip(padded, rolls, strict=True):
        row[: len(roll)] = roll
    path = cached()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished.npz")
    np.savez_compressed(unfinished, notes=padded)
    unfinished.replace(path)
