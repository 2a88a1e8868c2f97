"""Seats of a program: which run stands at which place of its arrays, and since when."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from seqlab.training.devices import fetch
from seqlab.training.monitor import Monitor
from seqlab.training.settings import Training
from seqlab.training.state import TrainState
from seqlab.training.vectorize.compiled import CompiledFunctions
from seqlab.types import Metrics, Params, Tree

Successor = Callable[[Monitor, dict[str, Any]], Monitor | None]
"""A function that takes a run that has ended, with its part of the summary, and returns the run that takes
its seat; None where none does."""


class Clock(NamedTuple):
    """What the times of a run are counted from, in seconds.

    Attributes:
        begun: the wall time.
        working: the CPU time of this process, over all cores.
        stepping: what the program had spent on steps.
        compiling: what it had waited for compilation.
    """

    begun: float
    working: float
    stepping: float
    compiling: float


def _started(stepping: float, compiling: float) -> Clock:
    return Clock(time.perf_counter(), time.process_time(), stepping, compiling)


class Seats:
    """The runs of a program, each at its place of the arrays `(R, …)`.

    Attributes:
        monitors: the runs.
        places: the place of each.
        clocks: what the times of each are counted from.
    """

    def __init__(
        self,
        functions: CompiledFunctions,
        training: Training,
        monitors: Sequence[Monitor],
        places: Sequence[int],
    ) -> None:
        """Seat the runs that a program begins with."""
        self._functions, self._plan, self._training = functions, functions.plan, training
        self.monitors, self.places = list(monitors), list(places)
        self.clocks = [_started(0.0, functions.seconds)] * len(monitors)

    def active(self) -> list[int]:
        """Return the indices of the runs that have not ended."""
        return [index for index, monitor in enumerate(self.monitors) if monitor.active]

    def stepping(self) -> list[int]:
        """Return the indices of the runs that have steps to come."""
        return [index for index in self.active() if self.monitors[index].steps < self._training.steps]

    def is_due(self, index: int, cadence: str, last: bool = True) -> bool:
        """Return whether a run is at a step of a cadence, such as `eval_every`, or at the last step."""
        step = self.monitors[index].steps
        return step % getattr(self._training, cadence) == 0 or (last and step == self._training.steps)

    def ended(self) -> list[int]:
        """Return the indices of the other runs."""
        return [index for index, monitor in enumerate(self.monitors) if not monitor.active]

    def stacked(self, trees: Sequence[Tree]) -> Tree:
        """Stack a tree of each run, `(R, …)`; the plan's spare places are filled with the last one."""
        padded = [trees[-1]] * self._plan.num_runs
        for place, tree in zip(self.places, trees, strict=True):
            padded[place] = tree
        return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *padded)

    def flags(self, indices: Iterable[int]) -> np.ndarray:
        """Return which places are those of some runs, bool `(R,)`."""
        flags = np.zeros(self._plan.num_runs, bool)
        flags[[self.places[index] for index in indices]] = True
        return flags

    def hyperparameters(self) -> Mapping[str, Any]:
        """Return the hyperparameters of the runs, `(R,)` each."""
        return self.stacked([dict(monitor.hyperparameters) for monitor in self.monitors])

    def first_states(self, data: Any) -> TrainState:
        """Return the states that the runs begin from, `(R, …)`.

        Args:
            data: the task's resident arrays.
        """
        restored = [monitor.state for monitor in self.monitors]
        if all(state is not None for state in restored):
            return self._plan.place(self.stacked(restored), self._plan.state)
        hyperparameters = self.hyperparameters()
        seeds = self.stacked([np.uint32(monitor.info.seed) for monitor in self.monitors])
        states = self._functions.init(hyperparameters, seeds, data)
        if any(monitor.transplant is not None for monitor in self.monitors):
            params = self.stacked(self._planted(fetch(states.params)))
            states = self._functions.begin(hyperparameters, seeds, params, data)
        if all(state is None for state in restored):
            return states
        fresh = fetch(states)
        own = [item(fresh, place) for place in self.places]
        states = [new if old is None else old for old, new in zip(restored, own, strict=True)]
        return self._plan.place(self.stacked(states), self._plan.state)

    def succeed(self, followed: Mapping[int, Monitor | None], stepping: float) -> None:
        """Give the seats of runs, by their indices, to those that follow; None leaves a place empty.

        Args:
            followed: the run that follows each.
            stepping: what the program has spent on steps, in seconds.
        """
        clock = _started(stepping, self._functions.seconds)
        for index, monitor in followed.items():
            if monitor is not None:
                self.monitors[index], self.clocks[index] = monitor, clock
        for index in sorted((one for one, monitor in followed.items() if monitor is None), reverse=True):
            del self.monitors[index], self.places[index], self.clocks[index]

    def _planted(self, fresh: Params) -> list[Params]:
        """Return the first parameters of each run, from fresh ones of all."""
        own = [item(fresh, place) for place in self.places]
        return [
            params if monitor.transplant is None else monitor.transplant.into(params)
            for monitor, params in zip(self.monitors, own, strict=True)
        ]


def item(tree: Tree, index: Tree) -> Tree:
    """Return the entries of one run, from a tree of arrays `(R, …)`."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def joined(parts: Sequence[Metrics], counts: Sequence[int]) -> Metrics:
    """Join the metrics of dispatches, `(R, steps_per_call)` a leaf, each with the steps that it made."""
    counts = [count for count in counts if count]
    return jax.tree.map(
        lambda *leaves: np.concatenate(
            [leaf[:, :count] for leaf, count in zip(leaves, counts, strict=True)], axis=1
        ),
        *parts,
    )


def merged(flags: np.ndarray, new: Tree, old: Tree) -> Tree:
    """Return the entries of new arrays `(R, …)` at the places that are flagged, and of old ones elsewhere."""
    return jax.tree.map(partial(_merged, flags), new, old)


def _merged(flags: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    return np.where(flags.reshape(-1, *[1] * (np.ndim(new) - 1)), new, old)
