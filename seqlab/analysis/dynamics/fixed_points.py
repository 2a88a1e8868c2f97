"""Fixed and slow points of a map, and its linearisation there."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from seqlab.analysis.dynamics.search import DifferentiableMap, Map, slowest

FIXED = 1e-20
"""The largest q of a fixed point: a step moves it by about 1e-10 at most."""

SLOW_STEPS = 100
"""A slow point moves so slowly that it would cross the spread of the starts in this many steps."""

SAME = 0.01
"""Points closer than this share of the spread of the starts are one."""

CLOSE = 1e-6
"""Points closer than this are one, whatever the spread is."""

UNSTABLE = 1e-6
"""A direction is unstable where |λ| is above 1 by more than this."""


@dataclasses.dataclass(frozen=True)
class FixedPoints:
    """P points where a map s ↦ F(s) moves little or not at all, the most stable first.

    Attributes:
        states: s, float64 `(P, N)`.
        speeds: q = ½ ‖F(s) − s‖², `(P,)`.
        jacobians: ∂F_i/∂s_j at each, `(P, N, N)`.
        eigenvalues: λ of the Jacobians, complex `(P, N)`, by descending modulus.
        num_starts: how many starts led to each, `(P,)`.
    """

    states: np.ndarray
    speeds: np.ndarray
    jacobians: np.ndarray
    eigenvalues: np.ndarray
    num_starts: np.ndarray

    def __len__(self) -> int:
        return len(self.states)

    @property
    def fixed(self) -> np.ndarray:
        """Bool `(P,)`: whether q is 0 up to rounding; other points are slow."""
        return self.speeds <= FIXED

    @property
    def num_unstable(self) -> np.ndarray:
        """The number of directions that grow, |λ| > 1, `(P,)`."""
        return np.sum(np.abs(self.eigenvalues) > 1 + UNSTABLE, axis=1)

    @property
    def kinds(self) -> list[str]:
        """The stability of each: "stable", "saddle", or "unstable" where every direction grows."""
        size = self.eigenvalues.shape[1]
        return ["stable" if not n else "unstable" if n == size else "saddle" for n in self.num_unstable]

    @property
    def time_constants(self) -> np.ndarray:
        """τ = 1 / |ln |λ||, the steps in which each direction shrinks or grows by e, `(P, N)`."""
        with np.errstate(divide="ignore"):
            return 1 / np.abs(np.log(np.abs(self.eigenvalues)))

    def frame(self) -> Any:
        """Return a `pandas.DataFrame`, a row a point.

        `time_constant` is that of the eigenvalue of largest modulus, and `period` the steps of one turn
        where that eigenvalue is complex, else infinite.
        """
        import pandas as pd

        first = self.eigenvalues[:, 0]
        with np.errstate(divide="ignore"):
            period = 2 * np.pi / np.abs(np.angle(first))
        return pd.DataFrame(
            {
                "point": ["fixed" if one else "slow" for one in self.fixed],
                "stability": self.kinds,
                "num_unstable": self.num_unstable,
                "largest_modulus": np.abs(first),
                "time_constant": self.time_constants[:, 0],
                "period": period,
                "speed": self.speeds,
                "num_starts": self.num_starts,
            }
        )


def find_fixed_points(step: Map, starts: np.ndarray, spread: float | None = None) -> FixedPoints:
    """Find the fixed and slow points of a map, by minimising the speed q(s) = ½ ‖F(s) − s‖².

    Near a point s*, F(s) ≈ F(s*) + J (s − s*) with J = ∂F/∂s. A perturbation along an eigenvector of J with
    the eigenvalue λ grows by |λ| at each step, and turns by arg λ.

    Args:
        step: F, one step of the map on rows, `(S, N) -> (S, N)`, in float64.
        starts: the states that the search begins at, `(S, N)`.
        spread: the scale of distances between states; None for that of the starts.

    Returns:
        The points, without repetitions. Points whose q is neither 0 nor small are left out.

    Source: Sussillo & Barak 2013, "Opening the black box: low-dimensional dynamics in high-dimensional
    recurrent neural networks", equations 1 to 4, for a map in discrete time.
    """
    if spread is None:
        spread = float(np.sqrt(np.sum(np.var(starts, axis=0))))
    system = DifferentiableMap(step)
    found = slowest(system, starts)
    limit = max(FIXED, 0.5 * (spread / SLOW_STEPS) ** 2)
    kept, counts = _distinct(found.states, found.speeds, limit, max(SAME * spread, CLOSE))
    states, speeds = found.states[kept], found.speeds[kept]
    size = starts.shape[1]
    jacobians = system.jacobian(states) if kept.size else np.zeros((0, size, size))
    eigenvalues = np.linalg.eigvals(jacobians).astype(complex)
    eigenvalues = np.take_along_axis(eigenvalues, np.argsort(-np.abs(eigenvalues), axis=1), axis=1)
    points = FixedPoints(states, speeds, jacobians, eigenvalues, counts)
    order = np.lexsort((-counts, points.num_unstable, ~points.fixed))
    return FixedPoints(*(getattr(points, field.name)[order] for field in dataclasses.fields(points)))


def _distinct(
    states: np.ndarray, speeds: np.ndarray, limit: float, distance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the slowest of all states within a distance, and how many each stands for."""
    kept: list[int] = []
    counts: list[int] = []
    for index in np.argsort(speeds, kind="stable"):
        if not speeds[index] <= limit:
            break
        distances = np.linalg.norm(states[kept] - states[index], axis=1)
        if distances.size and distances.min() <= distance:
            counts[int(distances.argmin())] += 1
        else:
            kept.append(int(index))
            counts.append(1)
    return np.array(kept, int), np.array(counts, int)
