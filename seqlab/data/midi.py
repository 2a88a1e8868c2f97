"""How do notes get into a MIDI file, and out of it? By the events of music21."""

from __future__ import annotations

import collections
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from seqlab.registry import import_extra

_TICKS = 480
"""A quarter note's, of the files that are written."""
_VELOCITY = 80
_DRUMS = 10
"""The channel whose numbers are drums, not notes."""


class Note(NamedTuple):
    """A note in time: its MIDI number, when it begins and when it ends, in quarter notes."""

    number: int
    begin: float
    end: float


def read_midi(path: Path) -> list[Note]:
    """Return the notes of a MIDI file, those of all tracks together, without drums.

    Raises:
        ValueError: it is no MIDI file; the message says what is wrong, not which.
    """
    midi = import_extra("music21.midi")
    file = midi.MidiFile()
    try:
        file.readstr(path.read_bytes())
    except Exception as error:  # of the file system, or of the reader for whatever it trips over
        raise ValueError(f"is no MIDI file: {error}") from error
    return [
        Note(number, begin / file.ticksPerQuarterNote, end / file.ticksPerQuarterNote)
        for track in file.tracks
        for number, begin, end in _held(track)
    ]


def _held(track: Any) -> Iterable[tuple[int, int, int]]:
    """Yield the notes of a track, with the ticks at which they begin and end."""
    now, begun = 0, collections.defaultdict(list)
    for event in track.events:
        if event.isDeltaTime():
            now += event.time
        elif (event.isNoteOn() or event.isNoteOff()) and event.channel != _DRUMS:
            sounding = begun[event.channel, event.pitch]
            if event.isNoteOn():
                sounding.append(now)
            elif sounding:
                yield event.pitch, sounding.pop(0), now


def write_midi(notes: Iterable[Note], path: Path) -> None:
    """Write notes as a MIDI file of one track.

    Raises:
        OSError: it cannot be written.
    """
    midi = import_extra("music21.midi")
    kinds = midi.ChannelVoiceMessages
    turns = [
        (round(time * _TICKS), kind is kinds.NOTE_ON, kind, note.number)
        for note in notes
        for time, kind in ((note.begin, kinds.NOTE_ON), (note.end, kinds.NOTE_OFF))
    ]
    track, now = midi.MidiTrack(), 0
    for time, _, kind, number in sorted(turns, key=lambda turn: turn[:2]):  # what ends makes room first
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
