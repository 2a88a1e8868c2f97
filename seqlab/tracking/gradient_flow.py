"""Gradient's flow through time, read off the rows of a run: log10 ‖∂L/∂h_t‖ over t and step."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from seqlab.tracking.thinning import thinned

LOG10_NORM = "grads/through_time/log10_norm"
SLOPE = "grads/through_time/slope"
MAX_DECADES = 6.0
"""The largest range of the colours: a gradient six decades smaller contributes nothing."""

NOTICEABLE = 2
"""The decades over all of time beyond which a gradient counts as vanishing (1 % remains) or exploding."""

VANISHED, EXPLODED = "#2166ac", "#b2182b"


@dataclasses.dataclass(frozen=True)
class Flow:
    """Gradient norms through time of one run.

    Attributes:
        title: what distinguishes the run from the others in the figure.
        steps: the optimiser steps of the rows, `(N,)`, increasing.
        times: t of the columns, `(T,)`, increasing from 1.
        log10_norm: log10 ‖∂L/∂h_t‖, `(N, T)`; −inf where the gradient was zero.
        slope: decades gained per step back through time, `(N,)`.
        theory: the slope that theory predicts at the start; None where it predicts none.
    """

    title: str
    steps: np.ndarray
    times: np.ndarray
    log10_norm: np.ndarray
    slope: np.ndarray
    theory: float | None = None

    @functools.cached_property
    def relative(self) -> np.ndarray:
        """The decades gained since the last t that has a gradient, `(N, T)`.

        It is ±inf beyond the range of floats. It is NaN after that last t, which is padding, and throughout a
        row without a finite number.
        """
        found = np.full(self.log10_norm.shape, np.nan)
        for row, line in zip(found, self.log10_norm, strict=True):
            for end in np.flatnonzero(np.isfinite(line))[-1:]:
                with np.errstate(over="ignore"):
                    row[: end + 1] = line[: end + 1] - line[end]
        return found

    def verdict(self, row: int) -> tuple[str, str]:
        """Return a word for a row's slope over all t that have a gradient, and its colour."""
        reached = np.flatnonzero(np.isfinite(self.log10_norm[row]))[-1:]  # what follows is padding
        decades = float(self.slope[row]) * float(self.times[reached].sum() - 1) if len(reached) else np.nan
        if not np.isfinite(decades):
            return "not a number", "grey"
        if abs(decades) < NOTICEABLE:
            return "flows", "black"
        return ("vanishes", VANISHED) if decades < 0 else ("explodes", EXPLODED)

    def thinned(self, most: int) -> Flow:
        """Return the flow at no more than `most` rows and `most` t, evenly spaced, both ends included."""
        rows, times = (thinned(size, most) for size in self.log10_norm.shape)
        return dataclasses.replace(
            self,
            steps=self.steps[rows],
            times=self.times[times],
            log10_norm=self.log10_norm[np.ix_(rows, times)],
            slope=self.slope[rows],
        )


def colour_range(flows: Iterable[Flow]) -> float:
    """Return the decades at the ends of a colour scale that suits flows: from 1 to `MAX_DECADES`."""
    largest = (np.abs(one[np.isfinite(one)]).max(initial=0) for one in (flow.relative for flow in flows))
    return float(min(MAX_DECADES, max(1, max(largest, default=0))))


def flow_of(rows: Iterable[Mapping[str, Any]], title: str, theory: float | None = None) -> Flow:
    """Return the flow that a run's rows contain; rows whose T differs from the last row's are left out.

    Raises:
        ValueError: no row contains gradient norms through time.
    """
    found = [row for row in rows if LOG10_NORM in row]
    if not found:
        raise ValueError(f"no row holds {LOG10_NORM}: legal is a recurrent run with gradients=norms or full")
    found = [row for row in found if len(row[LOG10_NORM]) == len(found[-1][LOG10_NORM])]
    steps, log10_norm, slope = (
        np.array([row.get(key, np.nan) for row in found]) for key in ("step", LOG10_NORM, SLOPE)
    )
    times = np.arange(1, log10_norm.shape[1] + 1)
    return Flow(title, steps, times, log10_norm.astype(float), slope.astype(float), theory)
