"""Reader and writer of MIDI files, by music21."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from seqlab.registry import import_extra

_TICKS = 480
"""Ticks of a quarter note in the files that are written."""
_VELOCITY = 80
_DRUMS = 10
"""The channel on which numbers are drums, not notes."""


class Note(NamedTuple):
    """A note: its MIDI number, and its begin and end in quarter notes."""

    number: int
    begin: float
    end: float


def read_midi(path: Path) -> list[Note]:
    """Return the notes of all tracks of a MIDI file, without drums.

    Raises:
        ValueError: it is not a MIDI file; the message does not name the file.

    Source: "Standard MIDI Files 1.0", which has readers skip chunks that they do not know.
    """
    midi = import_extra("music21.midi")
    file = midi.MidiFile()
    try:
        file.readstr(_plain(path.read_bytes()))
    except Exception as error:  # from the file system, or of any kind from the reader
        raise ValueError(f"is no MIDI file: {error}") from error
    return [
        Note(number, begin / file.ticksPerQuarterNote, end / file.ticksPerQuarterNote)
        for track in file.tracks
        for number, begin, end in _notes_of(track)
    ]


def _plain(content: bytes) -> bytes:
    """Return a MIDI file of a header of 6 bytes and tracks alone, which is all that music21 reads.

    Other chunks, what a longer header adds, and a wrapping as RIFF RMID are left out.
    """
    if content[:4] == b"RIFF" and content[8:12] == b"RMID":
        content = next((chunk for name, chunk in _chunks(content[12:], "little") if name == b"data"), b"")
    kept = [(name, chunk) for name, chunk in _chunks(content, "big") if name in (b"MThd", b"MTrk")]
    plain = [(name, chunk[:6] if name == b"MThd" else chunk) for name, chunk in kept]
    return b"".join(name + len(chunk).to_bytes(4, "big") + chunk for name, chunk in plain)


def _chunks(content: bytes, order: Literal["little", "big"]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the content of each chunk; those of RIFF, in little order, have even lengths."""
    at = 0
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], order)
        yield content[at : at + 4], content[at + 8 : at + 8 + size]
        at += 8 + size + (size % 2 if order == "little" else 0)


def _notes_of(track: Any) -> Iterable[tuple[int, int, int]]:
    """Yield the number, the first tick and the last tick of each note of a track."""
    now, sounding = 0, collections.defaultdict(list)
    for event in track.events:
        if event.isDeltaTime():
            now += event.time
        elif (event.isNoteOn() or event.isNoteOff()) and event.channel != _DRUMS:
            begins = sounding[event.channel, event.pitch]
            if event.isNoteOn():
                begins.append(now)
            elif begins:
                yield event.pitch, begins.pop(0), now


def write_midi(notes: Iterable[Note], path: Path) -> None:
    """Write notes as a MIDI file of one track.

    Raises:
        OSError: the file cannot be written.
    """
    midi = import_extra("music21.midi")
    kinds = midi.ChannelVoiceMessages
    changes = [
        (round(time * _TICKS), kind is kinds.NOTE_ON, kind, note.number)
        for note in notes
        for time, kind in ((note.begin, kinds.NOTE_ON), (note.end, kinds.NOTE_OFF))
    ]
    track, now = midi.MidiTrack(), 0
    for time, _, kind, number in sorted(changes, key=lambda change: change[:2]):  # at one tick, ends first
        track.events.append(midi.DeltaTime(track, time=time - now))
        event = midi.MidiEvent(track, type=kind, channel=1)
        event.pitch, event.velocity = number, _VELOCITY
        track.events.append(event)
        now = time
    end = midi.MidiEvent(track, type=midi.MetaEvents.END_OF_TRACK)
    end.data = b""
    track.events += [midi.DeltaTime(track), end]
    file = midi.MidiFile()
    file.ticksPerQuarterNote, file.tracks = _TICKS, [track]
    path.write_bytes(file.writestr())
