"""Small made sources of texts and images, each with a regularity to be learnt.

A function writes a source and returns its path. The first line of its docstring states the regularity.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Draw = np.random.Generator

WORDS = [
    "tree",
    "river",
    "stone",
    "light",
    "paper",
    "chair",
    "music",
    "north",
    "bread",
    "winter",
    "glass",
    "metal",
]


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows as a comma-separated file with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write a JSON object on each line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def some(draw: Draw, words: Sequence[str], least: int, most: int) -> list[str]:
    """Draw from `least` to `most` words."""
    return draw.choice(words, draw.integers(least, most + 1)).tolist()


# Texts and classes


def by_keyword(folder: Path, draw: Draw) -> Path:
    """Good texts have one of four praising words, bad ones one of four blaming words."""
    keys = {"good": ["fine", "lovely", "best", "great"], "bad": ["dull", "awful", "worst", "poor"]}
    rows = []
    for index in range(500):
        label = ("good", "bad")[index % 2]
        words = [*some(draw, WORDS, 3, 8), draw.choice(keys[label])]
        rows.append({"text": " ".join(draw.permutation(words)), "label": label})
    return write_csv(folder / "keyword.csv", rows)


def by_order(folder: Path, draw: Draw) -> Path:
    """The word `before` stands ahead of the word `after`, or behind it."""
    rows = []
    for index in range(500):
        words = some(draw, WORDS, 4, 8)
        first, last = np.sort(draw.choice(len(words) + 1, 2, replace=False))
        pair = ("before", "after") if index % 2 else ("after", "before")
        words.insert(last, pair[1])
        words.insert(first, pair[0])
        rows.append({"text": " ".join(words), "label": ("reverse", "forward")[index % 2]})
    return write_csv(folder / "order.csv", rows)


def by_length(folder: Path, draw: Draw) -> Path:
    """Short texts have three to six words, long ones nine to fourteen."""
    rows = [
        {"text": " ".join(some(draw, WORDS, *((3, 6), (9, 14))[i % 2])), "label": ("short", "long")[i % 2]}
        for i in range(500)
    ]
    return write_csv(folder / "length.csv", rows)


# Text to continue


def names(folder: Path, draw: Draw) -> Path:
    """Each line ends with the name that it begins with."""
    people = ["anna", "bruno", "clara", "david", "emil", "frida"]
    lines = []
    for _ in range(900):
        name = draw.choice(people)
        lines.append(f"{name}: {' '.join(draw.choice(WORDS[:6], 2))}, says {name}.")
    return _text(folder / "names.txt", lines)


def counts(folder: Path, draw: Draw) -> Path:
    """Each line has as many letters b as letters a before them, from 1 to 9."""
    return _text(folder / "counts.txt", ["a" * n + "b" * n for n in draw.integers(1, 10, 2500)])


def days(folder: Path, draw: Draw) -> Path:
    """Days of the week follow each other, from a day drawn for each line."""
    week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    lines = [
        " ".join(week[(start + step) % 7] for step in range(length))
        for start, length in zip(draw.integers(0, 7, 900), draw.integers(2, 6, 900), strict=True)
    ]
    return _text(folder / "days.txt", lines)


def _text(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# Texts and the texts they become


def dictionary(folder: Path, draw: Draw) -> Path:
    """Each word becomes another one, always the same."""
    other = dict(zip(WORDS, (word[::-1] + "a" for word in WORDS), strict=True))
    return _pairs(folder / "dictionary.jsonl", draw, lambda words: [other[word] for word in words])


def reversal(folder: Path, draw: Draw) -> Path:
    """The words come in reverse."""
    return _pairs(folder / "reversal.jsonl", draw, lambda words: words[::-1])


def passive(folder: Path, draw: Draw) -> Path:
    """A sentence becomes its passive."""
    verbs = {"sees": "seen", "takes": "taken", "knows": "known", "gives": "given", "draws": "drawn"}
    rows = []
    for _ in range(800):
        one, other = draw.choice(WORDS, 2, replace=False)
        verb = str(draw.choice(list(verbs)))
        rows.append(
            {"text": f"the {one} {verb} the {other}", "target": f"the {other} is {verbs[verb]} by the {one}"}
        )
    return write_jsonl(folder / "passive.jsonl", rows)


def _pairs(path: Path, draw: Draw, becomes: Callable[[list[str]], list[str]]) -> Path:
    texts = [some(draw, WORDS, 4, 6) for _ in range(800)]
    return write_jsonl(path, [{"text": " ".join(t), "target": " ".join(becomes(t))} for t in texts])


# Tokens and tags


def titles(folder: Path, draw: Draw) -> Path:
    """The two words after `mr` are a person, the word after `in` is a place, any word may be either."""
    rows = []
    for _ in range(400):
        words, tags = [], []
        for kind in draw.choice(["mr", "in", "", ""], draw.integers(2, 6)):
            spans = {"mr": ["B-PER", "I-PER"], "in": ["B-LOC"], "": ["O"]}[kind]
            words += [kind] * bool(kind) + draw.choice(WORDS, len(spans)).tolist()
            tags += ["O"] * bool(kind) + spans
        rows.append({"tokens": words, "tags": tags})
    return write_jsonl(folder / "titles.jsonl", rows)


def noun_or_verb(folder: Path, draw: Draw) -> Path:
    """A word is a verb after `to` and a noun after `the`."""
    kinds, rows = {"to": "VERB", "the": "NOUN"}, []
    for _ in range(400):
        heads = draw.choice(list(kinds), draw.integers(2, 6))
        rows.append(
            {
                "tokens": [word for head in heads for word in (head, str(draw.choice(WORDS)))],
                "tags": [tag for head in heads for tag in ("FUNCTION", kinds[head])],
            }
        )
    return write_jsonl(folder / "noun_or_verb.jsonl", rows)


def switches(folder: Path, draw: Draw) -> Path:
    """A tag is the number of words `switch` up to its word, modulo 2."""
    rows = []
    for _ in range(400):
        words = draw.choice(["switch", *WORDS[:4]], draw.integers(3, 9))
        rows.append({"tokens": words.tolist(), "tags": (np.cumsum(words == "switch") % 2).tolist()})
    return write_jsonl(folder / "switches.jsonl", rows)


# Images

COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 70, 220), "yellow": (230, 210, 40)}
SHAPES = ("square", "disc", "cross")


def shape(kind: str, size: int, row: float, column: float, radius: float) -> np.ndarray:
    """Return which pixels of an image of `size` × `size` belong to a shape, bool `(size, size)`."""
    y, x = np.mgrid[:size, :size]
    y, x = np.abs(y - row), np.abs(x - column)
    inside = np.maximum(x, y) <= radius
    if kind == "disc":
        return x**2 + y**2 <= radius**2
    return inside & (np.minimum(x, y) <= radius / 3) if kind == "cross" else inside


def coloured_shapes(folder: Path, draw: Draw) -> Path:
    """`a red square`: a shape of one colour somewhere on noise."""

    def one(_: int) -> tuple[np.ndarray, str]:
        image, colour, kind = _noise(draw), str(draw.choice(list(COLOURS))), str(draw.choice(SHAPES))
        image[shape(kind, 32, *draw.uniform(9, 23, 2), draw.uniform(5, 8))] = COLOURS[colour]
        return image, f"a {colour} {kind}"

    return _captioned(folder / "coloured_shapes", one)


def places(folder: Path, draw: Draw) -> Path:
    """`a green disc at the upper left`: a disc of one colour in one corner."""

    def one(_: int) -> tuple[np.ndarray, str]:
        image, colour, (low, right) = _noise(draw), str(draw.choice(list(COLOURS))), draw.integers(0, 2, 2)
        row, column = np.array([9 + 14 * low, 9 + 14 * right]) + draw.uniform(-2, 2, 2)
        image[shape("disc", 32, row, column, draw.uniform(4, 7))] = COLOURS[colour]
        return image, f"a {colour} disc at the {('upper', 'lower')[low]} {('left', 'right')[right]}"

    return _captioned(folder / "places", one)


def two_shapes(folder: Path, draw: Draw) -> Path:
    """`a red cross beside a blue disc`: two shapes, the left one first."""

    def one(_: int) -> tuple[np.ndarray, str]:
        image, said = _noise(draw), []
        for column in (8, 23):
            colour, kind = str(draw.choice(list(COLOURS)[:3])), str(draw.choice(SHAPES))
            image[shape(kind, 32, draw.uniform(10, 22), column, draw.uniform(5, 7))] = COLOURS[colour]
            said.append(f"a {colour} {kind}")
        return image, " beside ".join(said)

    return _captioned(folder / "two_shapes", one)


def _noise(draw: Draw) -> np.ndarray:
    return draw.integers(0, 60, (32, 32, 3), np.uint8)


def _captioned(folder: Path, one: Callable[[int], tuple[np.ndarray, str]], count: int = 400) -> Path:
    folder.mkdir()
    rows = []
    for index in range(count):
        image, text = one(index)
        Image.fromarray(image).save(folder / f"{index}.png")
        rows.append({"file_name": f"{index}.png", "text": text})
    write_csv(folder / "metadata.csv", rows)
    return folder


def _classified(
    folder: Path, make: Callable[[str], np.ndarray], kinds: Sequence[str], count: int = 400
) -> Path:
    """Write images in a folder for each class."""
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
    for index in range(count):
        kind = kinds[index % len(kinds)]
        Image.fromarray(make(kind).clip(0, 255).astype(np.uint8)).save(folder / kind / f"{index}.png")
    return folder


def shapes(folder: Path, draw: Draw) -> Path:
    """A square, a disc or a cross somewhere."""

    def make(kind: str) -> np.ndarray:
        inside = shape(kind, 28, *draw.uniform(9, 19, 2), draw.uniform(5, 8))
        return 200 * inside + draw.uniform(0, 50, (28, 28))

    return _classified(folder / "shapes", make, SHAPES)


def stripes(folder: Path, draw: Draw) -> Path:
    """Stripes of some width lie flat, stand, or are oblique."""

    def make(kind: str) -> np.ndarray:
        y, x = np.mgrid[:28, :28]
        along = {"flat": y, "standing": x, "oblique": (x + y) / np.sqrt(2)}[kind]
        wave = np.sin(2 * np.pi * (along / draw.uniform(5, 9) + draw.uniform()))
        return 128 + 80 * wave + draw.normal(0, 20, (28, 28))

    return _classified(folder / "stripes", make, ("flat", "standing", "oblique"))


def bright_side(folder: Path, draw: Draw) -> Path:
    """One side of the image is brighter than the opposite one."""

    def make(kind: str) -> np.ndarray:
        ramp = np.linspace(-60, 60, 28)
        ramps = {"left": -ramp, "right": ramp, "top": -ramp[:, None], "bottom": ramp[:, None]}
        return draw.uniform(100, 150) + ramps[kind] + draw.normal(0, 30, (28, 28))

    return _classified(folder / "bright_side", make, ("left", "right", "top", "bottom"))
