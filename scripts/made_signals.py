"""Small made sources of series, sounds, music and clips, as in `made_sources.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from made_sources import Draw, shape, write_csv, write_jsonl

RATE = 8000
"""The sampling rate of sounds, in Hz."""

# Series and classes


def wave_forms(folder: Path, draw: Draw) -> Path:
    """A sine, a square wave or a sawtooth of any phase, of a period from 8 to 16, with noise."""

    def make(kind: str) -> np.ndarray:
        phase = np.arange(48) / draw.uniform(8, 16) + draw.uniform()
        sine = np.sin(2 * np.pi * phase)
        return {"sine": 1.4 * sine, "square": np.sign(sine), "sawtooth": 3.4 * (phase % 1 - 0.5)}[kind]

    return _series(folder / "wave_forms.jsonl", draw, make, ("sine", "square", "sawtooth"))


def order_of_bumps(folder: Path, draw: Draw) -> Path:
    """A bump upwards comes before a bump downwards, or after it."""

    def make(kind: str) -> np.ndarray:
        first, second = draw.uniform(6, 18), draw.uniform(28, 42)
        up, down = (first, second) if kind == "up" else (second, first)
        t = np.arange(48)
        return 2 * (np.exp(-((t - up) ** 2) / 6) - np.exp(-((t - down) ** 2) / 6))

    return _series(folder / "order_of_bumps.jsonl", draw, make, ("up", "down"))


def leads(folder: Path, draw: Draw) -> Path:
    """One of two sines of any phase leads the other by a quarter of a period."""

    def make(kind: str) -> np.ndarray:
        angle = 2 * np.pi * (np.arange(48) / draw.uniform(10, 20) + draw.uniform())
        behind = np.pi / 2 if kind == "first" else -np.pi / 2
        return np.stack([np.sin(angle), np.sin(angle - behind)], axis=1)

    return _series(folder / "leads.jsonl", draw, make, ("first", "second"))


def _series(
    path: Path, draw: Draw, make: Callable[[str], np.ndarray], kinds: Sequence[str], count: int = 400
) -> Path:
    rows = []
    for index in range(count):
        kind = kinds[index % len(kinds)]
        made = make(kind)
        noisy = made + draw.normal(0, 0.2, made.shape)
        rows.append({"series": noisy.round(3).tolist(), "label": kind})
    return write_jsonl(path, rows)


# Series to forecast


def noisy_sine(folder: Path, draw: Draw) -> Path:
    """A sine of period 20 with noise of a tenth of its amplitude."""
    return _values(folder / "noisy_sine.csv", np.sin(2 * np.pi * np.arange(800) / 20), draw)


def two_sines(folder: Path, draw: Draw) -> Path:
    """The sum of sines of periods 7 and 31, with noise."""
    t = 2 * np.pi * np.arange(800)
    return _values(folder / "two_sines.csv", np.sin(t / 7) + np.sin(t / 31), draw)


def triangles(folder: Path, draw: Draw) -> Path:
    """A triangle wave of period 16 on a level of 50, with noise."""
    return _values(folder / "triangles.csv", 50 + np.abs(np.arange(800) % 16 - 8) / 4, draw)


def _values(path: Path, values: np.ndarray, draw: Draw) -> Path:
    noisy = values + draw.normal(0, 0.1, values.shape)
    return write_csv(path, [{"value": f"{value:.4f}"} for value in noisy])


# Sounds


def tone(draw: Draw, low: float, high: float, seconds: float) -> np.ndarray:
    """Return a tone that glides between two frequencies in Hz, at any phase, with soft ends."""
    count = int(seconds * RATE)
    turns = np.cumsum(np.linspace(low, high, count)) / RATE + draw.uniform()
    ends = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / 80)
    return 0.4 * np.sin(2 * np.pi * turns) * ends


def pause(seconds: float) -> np.ndarray:
    """Return silence."""
    return np.zeros(int(seconds * RATE))


def pitches(folder: Path, draw: Draw) -> Path:
    """A tone is low, middle or high."""
    about = {"low": 300, "middle": 900, "high": 2000}

    def make(kind: str) -> np.ndarray:
        pitch = about[kind] * draw.uniform(0.85, 1.15)
        return np.concatenate([pause(draw.uniform(0, 0.1)), tone(draw, pitch, pitch, 0.3)])

    return _sounds(folder / "pitches", draw, make, tuple(about))


def glides(folder: Path, draw: Draw) -> Path:
    """A tone rises or falls, from any pitch."""

    def make(kind: str) -> np.ndarray:
        low = draw.uniform(300, 1000)
        ends = (low, 2 * low) if kind == "rising" else (2 * low, low)
        return tone(draw, *ends, draw.uniform(0.25, 0.4))

    return _sounds(folder / "glides", draw, make, ("rising", "falling"))


def rhythms(folder: Path, draw: Draw) -> Path:
    """Of three tones of one pitch the first is long, or the last."""

    def make(kind: str) -> np.ndarray:
        lengths = (0.2, 0.06, 0.06) if kind == "long_first" else (0.06, 0.06, 0.2)
        pitch = draw.uniform(300, 2000)
        return np.concatenate([part for s in lengths for part in (tone(draw, pitch, pitch, s), pause(0.04))])

    return _sounds(folder / "rhythms", draw, make, ("long_first", "long_last"))


def _sounds(
    folder: Path, draw: Draw, make: Callable[[str], np.ndarray], kinds: Sequence[str], count: int = 300
) -> Path:
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
    for index in range(count):
        kind = kinds[index % len(kinds)]
        _write_sound(folder / kind / f"{index}.wav", make(kind), draw)
    return folder


def _write_sound(path: Path, samples: np.ndarray, draw: Draw) -> None:
    soundfile.write(path, samples + draw.normal(0, 0.005, samples.shape), RATE)


# Sounds and transcripts


def letters_by_pitch(folder: Path, draw: Draw) -> Path:
    """Each of four letters is a tone of its own pitch."""
    about = {"a": 300, "b": 600, "c": 1200, "d": 2400}

    def make(letter: str) -> np.ndarray:
        pitch = about[letter] * draw.uniform(0.95, 1.05)
        return tone(draw, pitch, pitch, draw.uniform(0.06, 0.1))

    return _spelt(folder / "letters_by_pitch", draw, make, tuple(about))


def letters_by_length(folder: Path, draw: Draw) -> Path:
    """The letter e is a short tone, t a long one."""

    def make(letter: str) -> np.ndarray:
        pitch = draw.uniform(700, 900)
        return tone(draw, pitch, pitch, 0.05 if letter == "e" else 0.15)

    return _spelt(folder / "letters_by_length", draw, make, ("e", "t"))


def letters_by_glide(folder: Path, draw: Draw) -> Path:
    """The letter u is a rising tone, d a falling one, s noise."""

    def make(letter: str) -> np.ndarray:
        if letter == "s":
            return draw.normal(0, 0.2, int(0.1 * RATE))
        ends = (500, 1500) if letter == "u" else (1500, 500)
        return tone(draw, *ends, 0.1)

    return _spelt(folder / "letters_by_glide", draw, make, ("u", "d", "s"))


def _spelt(
    folder: Path, draw: Draw, make: Callable[[str], np.ndarray], letters: Sequence[str], count: int = 300
) -> Path:
    """Write sounds of two to five letters with pauses between them, and the table of what they spell."""
    folder.mkdir()
    rows = []
    for index in range(count):
        text = "".join(draw.choice(letters, draw.integers(2, 6)))
        parts = [part for letter in text for part in (make(letter), pause(0.04))]
        _write_sound(folder / f"{index}.wav", np.concatenate(parts), draw)
        rows.append({"file_name": f"{index}.wav", "text": text})
    write_csv(folder / "metadata.csv", rows)
    return folder


# Music


def arpeggios(folder: Path, draw: Draw) -> Path:
    """The notes of a major chord follow each other upwards, on a root drawn for each piece."""
    return _pieces(folder / "arpeggios.jsonl", draw, lambda root, t: [root + (0, 4, 7, 12)[t % 4]])


def scales(folder: Path, draw: Draw) -> Path:
    """A scale of an octave goes up and down, from a root drawn for each piece."""
    steps = (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2)
    return _pieces(folder / "scales.jsonl", draw, lambda root, t: [root + steps[t % 14]])


def progressions(folder: Path, draw: Draw) -> Path:
    """Four chords of four frames each follow each other, in a key drawn for each piece."""
    chords = ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7))
    return _pieces(
        folder / "progressions.jsonl", draw, lambda root, t: [root + note for note in chords[t // 4 % 4]]
    )


def _pieces(path: Path, draw: Draw, frame: Callable[[int, int], list[int]], count: int = 120) -> Path:
    """Write pieces of 24 to 40 frames that begin at any place of their pattern."""
    rows = []
    for _ in range(count):
        root, start, length = (int(draw.integers(*bounds)) for bounds in ((48, 60), (0, 16), (24, 41)))
        rows.append({"notes": [frame(root, start + t) for t in range(length)]})
    return write_jsonl(path, rows)


# Clips


def directions(folder: Path, draw: Draw) -> Path:
    """A dot moves left, right, up or down."""
    moves = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
    return _clips(
        folder / "directions.npz", draw, tuple(moves), lambda kind, t, turn: np.multiply(moves[kind], 1.5 * t)
    )


def turns(folder: Path, draw: Draw) -> Path:
    """A dot goes around clockwise or anticlockwise."""

    def at(kind: str, t: int, turn: float) -> np.ndarray:
        angle = 2 * np.pi * (turn + t / 10 * (1 if kind == "clockwise" else -1))
        return 4 * np.array([np.sin(angle), np.cos(angle)])

    return _clips(folder / "turns.npz", draw, ("clockwise", "anticlockwise"), at)


def speeds(folder: Path, draw: Draw) -> Path:
    """A dot moves slowly or fast, in any direction."""

    def at(kind: str, t: int, turn: float) -> np.ndarray:
        angle = 2 * np.pi * turn
        return (0.7 if kind == "slow" else 2.5) * t * np.array([np.sin(angle), np.cos(angle)])

    return _clips(folder / "speeds.npz", draw, ("slow", "fast"), at)


def _clips(
    path: Path,
    draw: Draw,
    kinds: Sequence[str],
    at: Callable[[str, int, float], np.ndarray],
    count: int = 400,
) -> Path:
    """Write clips of 8 frames of 16 × 16 pixels, in which a dot leaves the frame and enters it opposite."""
    frames = draw.integers(0, 40, (count, 8, 16, 16), np.uint8)
    labels = [kinds[index % len(kinds)] for index in range(count)]
    for clip, label in zip(frames, labels, strict=True):
        start, turn = draw.integers(0, 16, 2), draw.uniform()
        for t, frame in enumerate(clip):
            row, column = (start + at(label, t, turn)).round().astype(int) % 16
            dot = np.roll(shape("disc", 16, 8, 8, 2), (row - 8, column - 8), (0, 1))
            frame[dot] = 230
    np.savez(path, frames=frames, label=np.array(labels))
    return path
