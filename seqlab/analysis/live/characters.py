"""Pictures in characters: curves in Braille dots, and heat maps in half blocks or in digits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from rich.style import Style
from rich.text import Text

from seqlab.tracking.lines import number

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a Braille character, by row and column."""

_BRAILLE = 0x2800
"""The Braille character without a dot."""

MARK = "●"
"""The last value of a curve."""

COLOURS = (
    *("#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7"),
    *("#fddbc7", "#f4a582", "#d6604d", "#b2182b"),
)
"""A diverging scale from blue to red that people with red-green blindness can read (ColorBrewer's RdBu)."""

GAP = 4
"""A dotted line has a dot in every column whose number this divides."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """Values over optimiser steps, and levels to compare them with.

    Attributes:
        title: what the values are.
        steps: `(N,)`, increasing.
        values: `(N,)`; those that are not finite are left out.
        levels: values that are drawn as dotted lines, by name.
        last_step: where the axis of steps ends.
    """

    title: str
    steps: Sequence[float]
    values: Sequence[float]
    levels: Mapping[str, float] = dataclasses.field(default_factory=dict)
    last_step: float = 1


def draw_curve(curve: Curve, width: int, height: int) -> Text:
    """Return a curve with its axes, in Braille dots.

    The axis of values is logarithmic where positive values span more than two decades.

    Args:
        curve: the values; without a finite one, a line says so.
        width: in characters, at least 24.
        height: in lines, with the title and the axis of steps, at least 4.
    """
    points = [
        (step, value) for step, value in zip(curve.steps, curve.values, strict=True) if math.isfinite(value)
    ]
    if not points:
        return Text(f"{curve.title}: no value yet")
    levels = {name: value for name, value in curve.levels.items() if math.isfinite(value)}
    low, high = _range([value for _, value in points] + list(levels.values()))
    scale = _log10 if low > 0 and high / low > 100 else float
    labels = _labels(low, high, scale, height - 2)
    margin = max(map(len, labels))
    columns, lines = width - margin - 1, height - 2
    grid = np.zeros((4 * lines, 2 * columns), bool)
    bottom, top = scale(low), scale(high)

    def row(value: float) -> int:
        return round((top - scale(value)) / (top - bottom) * (len(grid) - 1))

    for level in levels.values():
        grid[row(level), ::GAP] = True
    last = max(curve.last_step, points[-1][0], 1)
    _connect(grid, [(round(step / last * (grid.shape[1] - 1)), row(value)) for step, value in points])
    dots = _with_end(_characters(grid), grid, points[-1][0] / last, row(points[-1][1]))
    named = {row(value) // 4: f"{name} {number(value)}" for name, value in levels.items()}
    body = [f"{label:>{margin}}│{line}" for label, line in zip(labels, dots, strict=True)]
    text = Text(f"{curve.title}\n", style="bold")
    for place, line in enumerate(body):
        text.append(_with_name(line, named.get(place), margin) + "\n", style="not bold")
    text.append(" " * margin + "└" + _axis(last, columns), style="not bold")
    return text


def draw_heat_map(decades: np.ndarray, width: int, height: int, reach: float, colours: bool) -> Text:
    """Return a map of decades, in which blue is negative and red positive.

    Args:
        decades: `(N, T)`; the N rows become columns, and the last t is at the bottom. NaN is left blank.
        width: in characters.
        height: in lines; in colours a line holds two values.
        reach: the decades at the ends of the scale.
        colours: whether half blocks in colours are drawn; else digits.
    """
    rows, times = (
        np.linspace(0, size - 1, count).round().astype(int)
        for size, count in zip(decades.shape, (width, 2 * height if colours else height), strict=True)
    )
    shown = decades[np.ix_(rows, times)].T
    if not colours:
        return Text("\n".join("".join(map(digit, line)) for line in shown))
    text = Text()
    for line in range(height):
        for upper, lower in zip(shown[2 * line], shown[2 * line + 1], strict=True):
            text.append("▀", Style(color=_colour(upper, reach), bgcolor=_colour(lower, reach)))
        if line < height - 1:
            text.append("\n")
    return text


def scale_of_heat_map(reach: float, colours: bool) -> Text:
    """Return the legend of a heat map."""
    if not colours:
        return Text("1-9 decades smaller · equal A-I larger", style="not bold")
    text = Text(f"−{reach:.3g} ", style="not bold")
    for colour in COLOURS:
        text.append("█", Style(color=colour, bold=False))
    return text.append(f" +{reach:.3g} decades")


def digit(decades: float) -> str:
    """Return decades as a character: 1 to 9 below zero, A to I above, a dot at zero, blank for NaN."""
    if math.isnan(decades):
        return " "
    size = 9 if math.isinf(decades) else min(9, round(abs(decades)))
    if not size:
        return "·"
    return str(size) if decades < 0 else chr(ord("A") + size - 1)


def _colour(decades: float, reach: float) -> str | None:
    """Return the colour of a value; None for NaN."""
    if math.isnan(decades):
        return None
    share = (max(-reach, min(reach, decades)) + reach) / (2 * reach)
    return COLOURS[min(int(share * len(COLOURS)), len(COLOURS) - 1)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the axis of some values, which differ."""
    low, high = min(values), max(values)
    if low < high:
        return low, high
    return low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2


def _log10(value: float) -> float:
    return math.log10(value)


def _labels(low: float, high: float, scale: object, lines: int) -> list[str]:
    """Return the label of each line: the ends of the axis, and its middle where there is room."""
    labels = [""] * lines
    labels[0], labels[-1] = number(high, 3), number(low, 3)
    if lines >= 5 and lines % 2:
        middle = math.sqrt(low * high) if scale is _log10 else (low + high) / 2
        labels[lines // 2] = number(middle, 3)
    return labels


def _connect(grid: np.ndarray, points: Sequence[tuple[int, int]]) -> None:
    """Set the dots of lines between neighbouring points `(column, row)`."""
    for (left, upper), (right, lower) in zip(points, [*points[1:], points[-1]], strict=True):
        count = max(abs(right - left), abs(lower - upper)) + 1
        columns, rows = np.linspace(left, right, count), np.linspace(upper, lower, count)
        grid[rows.round().astype(int), columns.round().astype(int)] = True


def _characters(grid: np.ndarray) -> list[str]:
    """Return the lines of a grid of dots, `(4 L, 2 C)`, as Braille characters."""
    cells = grid.reshape(len(grid) // 4, 4, -1, 2)
    codes = _BRAILLE + (cells * np.array(_DOTS)[:, None]).sum(axis=(1, 3))
    return ["".join(map(chr, line)) for line in codes.tolist()]


def _with_end(lines: list[str], grid: np.ndarray, share: float, row: int) -> list[str]:
    """Return lines with a mark at the last value, so that one value alone is seen too."""
    column = round(share * (grid.shape[1] - 1)) // 2
    line = lines[row // 4]
    lines[row // 4] = f"{line[:column]}{MARK}{line[column + 1 :]}"
    return lines


def _with_name(line: str, name: str | None, margin: int) -> str:
    """Return a line with the name of its level, at the side where it hides less of the curve."""
    if name is None or 2 * len(name) > len(line) - margin - 1:
        return line
    left, right = line[margin + 1 : margin + 1 + len(name)], line[-len(name) :]
    if _num_dots(left) < _num_dots(right):
        return line[: margin + 1] + name + line[margin + 1 + len(name) :]
    return line[: -len(name)] + name


def _num_dots(text: str) -> int:
    """Return how many dots some characters have; the mark of the last value counts more than all."""
    return sum(8 * len(text) + 1 if one == MARK else (ord(one) - _BRAILLE).bit_count() for one in text)


def _axis(last: float, columns: int) -> str:
    """Return the labels of the axis of steps."""
    end = f"step {number(last)}"
    return "0" + end.rjust(columns - 1) if columns > len(end) + 1 else end[:columns]
