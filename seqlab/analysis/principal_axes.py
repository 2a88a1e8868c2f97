"""Principal axes of states: the directions in which they vary most, and how many they take."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class PrincipalAxes(NamedTuple):
    """The principal axes of points in N dimensions, the one with the largest variance first.

    Attributes:
        mean: `(N,)`.
        directions: orthonormal columns, `(N, N′)` with N′ ≤ N.
        variances: λ, the variance along each direction, `(N′,)`.
    """

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray

    def project(self, points: np.ndarray, count: int) -> np.ndarray:
        """Return the first `count` components of points, `(…, N) -> (…, count)`; zeros beyond N′."""
        return self.along(points - self.mean, count)

    def along(self, vectors: np.ndarray, count: int) -> np.ndarray:
        """Return the first `count` components of vectors, whose origin does not matter."""
        plane = np.zeros((len(self.mean), count))
        plane[:, : self.directions.shape[1]] = self.directions[:, :count]
        return vectors @ plane

    def explained(self, count: int) -> tuple[float, ...]:
        """Return the shares of the variance along the first `count` directions."""
        padded = np.append(self.variances, np.zeros(count))[:count]
        return tuple(float(one) for one in padded / max(float(self.variances.sum()), 1e-30))

    @property
    def participation_dimension(self) -> float:
        """The number of directions that the points take: (Σλ)² / Σλ², from 1 to N; 0 for a single point.

        Source: Gao et al. 2017, "A theory of multineuronal dimensionality, dynamics and measurement".
        """
        squares = float((self.variances**2).sum())
        return float(self.variances.sum()) ** 2 / squares if squares else 0.0

    @property
    def spread(self) -> float:
        """The root of the mean squared distance of the points from their mean."""
        return float(np.sqrt(self.variances.sum()))


def principal_axes(points: np.ndarray) -> PrincipalAxes:
    """Return the principal axes of points `(M, N)`.

    Source: Pearson 1901, "On lines and planes of closest fit to systems of points in space".
    """
    mean = points.mean(axis=0)
    _, deviations, directions = np.linalg.svd(points - mean, full_matrices=False)
    return PrincipalAxes(mean, directions.T, deviations**2 / len(points))
