"""Analysis of the dynamics of a trained run: its fixed points, its trajectories and its exponents."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from seqlab.analysis.dynamics.figure import draw_dynamics
from seqlab.analysis.dynamics.fixed_points import FixedPoints, find_fixed_points
from seqlab.analysis.dynamics.lyapunov_spectrum import lyapunov_spectrum
from seqlab.analysis.dynamics.network_map import NetworkMap, Visited, read_constant_input
from seqlab.analysis.principal_axes import PrincipalAxes, principal_axes
from seqlab.runs.trained_run import TrainedRun, load_run
from seqlab.tracking.encoding import to_json
from seqlab.types import ConfigError, Tokens

SEQUENCES = 64
"""How many sequences of a split are followed."""

LYAPUNOV_STEPS = 1000
"""About how many steps, over all sequences, the Lyapunov spectrum is averaged over."""

MOST_OUTPUTS = 16
"""The most predictions that have a column each."""


@dataclasses.dataclass(frozen=True)
class Dynamics:
    """How the state of a trained network moves. The state is the carry of all layers, N numbers.

    Attributes:
        points: the fixed and slow points under the constant input.
        input: the constant input of the lowest layer, float64 `(F,)`.
        outputs: what the readout says at each point, float64 `(P, O)`.
        symbols: whether the outputs are logits of symbols.
        visited: the states that the network visits on sequences of the validation split.
        axes: the principal axes of the visited states.
        lyapunov: the Lyapunov spectrum along some of these sequences, in nats a step, `(N,)`.
        title: the cell, the architecture, the task and the seed of the run.
    """

    points: FixedPoints
    input: np.ndarray
    outputs: np.ndarray
    symbols: bool
    visited: Visited
    axes: PrincipalAxes
    lyapunov: np.ndarray
    title: str

    @property
    def distances(self) -> np.ndarray:
        """The distance of each point to the nearest visited state, as a share of their spread, `(P,)`."""
        visited = self.visited.states[self.visited.real] - self.axes.mean
        points = self.points.states - self.axes.mean
        squares = np.sum(visited**2, axis=1)[:, None] + np.sum(points**2, axis=1) - 2 * visited @ points.T
        return np.sqrt(np.maximum(squares.min(axis=0), 0)) / max(self.axes.spread, 1e-30)

    def frame(self) -> Any:
        """Return a `pandas.DataFrame`, a row a point: as `FixedPoints.frame`, with distance and outputs.

        `distance` is that to the nearest visited state, as a share of the spread of the visited states.
        """
        frame = self.points.frame()
        frame["distance"] = self.distances
        if self.symbols:
            frame["symbol"] = np.argmax(self.outputs, axis=1) if len(self.outputs) else []
        elif self.outputs.shape[1] <= MOST_OUTPUTS:
            for number, column in enumerate(self.outputs.T):
                frame[f"output_{number}"] = column
        return frame

    def draw(self, width: float | None = None) -> Any:
        """Draw trajectories with the points, the eigenvalues of the points, and the Lyapunov spectrum.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        return draw_dynamics(self.points, self.visited, self.axes, self.lyapunov, self.title, width)

    def summary(self) -> list[str]:
        """Return sentences that say how many points of each kind there are, and the other numbers."""
        counts = [
            f"{point} points: {', '.join(f'{count} {kind}' for kind, count in rows.value_counts().items())}"
            for point, rows in self.points.frame().groupby("point")["stability"]
        ]
        size, largest = len(self.lyapunov), self.lyapunov[0]
        dimension = self.axes.participation_dimension
        above = int((self.lyapunov > 0).sum())
        return [
            "; ".join(counts) or "no fixed or slow points",
            f"participation dimension of the visited states: {dimension:.2f}; numbers in the state: {size}",
            f"largest Lyapunov exponent: {largest:.4g} nats a step; above 0: {above} of {size}",
        ]

    def save(self, folder: str | Path) -> list[Path]:
        """Write `dynamics.csv`, the frame, and `dynamics.json`, all eigenvalues and the other numbers."""
        table, numbers = Path(folder) / "dynamics.csv", Path(folder) / "dynamics.json"
        self.frame().to_csv(table, index=False)
        values = {
            "input": self.input.tolist(),
            "participation_dimension": self.axes.participation_dimension,
            "explained_variance": self.axes.explained(10),
            "lyapunov": self.lyapunov.tolist(),
            "eigenvalues": [
                {"real": row.real.tolist(), "imaginary": row.imag.tolist()} for row in self.points.eigenvalues
            ],
            "states": self.points.states.tolist(),
        }
        numbers.write_text(to_json(values) + "\n")
        return [table, numbers]


def analyse_dynamics(
    run: TrainedRun | str | Path,
    constant_input: str | Sequence[float] | None = None,
    starts: int = 128,
    seed: int = 0,
    split: str = "validation",
) -> Dynamics:
    """Find the fixed points of a trained run, and describe its trajectories.

    The search starts from states that the network visits, and from points between two of them.

    Args:
        run: the run, or its folder.
        constant_input: the input under which the points are sought: None for zeros; a symbol or its
            number, where the network reads tokens; otherwise the F numbers that the lowest layer reads, as a
            list or as a text with commas.
        starts: how many states the search begins at.
        seed: of the choice of the starts.
        split: the split whose sequences are followed.

    Raises:
        ConfigError: an argument is not legal, or the network does not map one state to the next.
    """
    if starts < 1:
        raise ConfigError(f"starts must be a positive integer, got {starts}")
    run = run if isinstance(run, TrainedRun) else load_run(run)
    task, system = run.task, NetworkMap(run.network, run.params)
    network = system.network
    constant = read_constant_input(task, network, run.params, constant_input)
    batch = task.evaluation_batch(jnp.int32(0), SEQUENCES, split, network.framing, task.data)
    visited = system.visited(batch)
    states = visited.states[visited.real]
    axes = principal_axes(states)
    points = find_fixed_points(
        lambda rows: system.step(rows, jnp.broadcast_to(constant, (len(rows), len(constant)))),
        _starts(states, starts, seed),
        axes.spread,
    )
    constants = np.broadcast_to(constant, (len(points), len(constant)))
    outputs = system.outputs(points.states, constants)
    names = [str(run.summary.get(key)) for key in ("cell", "architecture", "task")]
    return Dynamics(
        points,
        constant,
        outputs,
        isinstance(network.outputs, Tokens),
        visited,
        axes,
        lyapunov_spectrum(system.step, *_some(visited)),
        f"{', '.join(names)}, seed {run.summary.get('seed')}",
    )


def _starts(states: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return some states, and as many random points on lines between two states, `(count, N)`."""
    random = np.random.default_rng(seed)
    one, other = states[random.integers(len(states), size=(2, count))]
    share = random.random((count, 1)) * (np.arange(count) % 2)[:, None]
    return one + share * (other - one)


def _some(visited: Visited) -> Visited:
    """Return the sequences that the Lyapunov spectrum is computed along, those with the most steps first."""
    lengths = visited.real.sum(axis=0)
    order = np.argsort(-lengths, kind="stable")
    count = max(1, LYAPUNOV_STEPS // max(1, int(lengths.max())))
    rows = order[: min(count, 8)]
    longest = min(int(lengths[rows].max()), LYAPUNOV_STEPS)
    return Visited(*(array[:longest, rows] for array in visited))
