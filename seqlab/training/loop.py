"""The host loop: runs of one family from their first step to their summaries."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from seqlab.interrupts import interruptible
from seqlab.training.background import Background
from seqlab.training.devices import fetch
from seqlab.training.evaluations import Average
from seqlab.training.monitor import Monitor
from seqlab.training.plateau import FACTOR, Plateau
from seqlab.training.processes import any_of, flag_of_first
from seqlab.training.state import TrainState
from seqlab.training.transformations import average_of
from seqlab.training.vectorize.compiled import CompiledFunctions, compiled_functions, resident_data
from seqlab.training.vectorize.family import Family
from seqlab.training.vectorize.plan import Plan
from seqlab.types import Metrics, Params, Tree

_log = logging.getLogger(__name__)


def train(
    family: Family, monitors: Sequence[Monitor], plan: Plan, places: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """Train runs of one family to their ends and return their summaries.

    All runs take the same steps at the same time. A run that ends early, because it diverged or its patience
    is over, is not changed any more while the others continue. The latest finite state is always saved. At
    the end the best parameters of each run are evaluated on the test split, once.

    Args:
        family: the programs of the runs.
        monitors: the runs, which all start afresh, or continue from the same step.
        plan: the placement of the runs, with room for all of them.
        places: the place of each run among those of the plan; by default the first ones. A resumed run keeps
            its place, because another one would change it by rounding.

    Returns:
        The part of each summary that the loop knows: status and reason, steps, metrics, times.
    """
    with Background() as background:
        places = range(len(monitors)) if places is None else places
        return _Loop(compiled_functions(family, plan), family, monitors, places, background).run()


class _Loop:
    """The states on the devices, and a monitor of each run on the host."""

    def __init__(
        self,
        functions: CompiledFunctions,
        family: Family,
        monitors: Sequence[Monitor],
        places: Sequence[int],
        background: Background,
    ) -> None:
        self.counted = time.perf_counter()
        self.begun, self.compiled_before = time.perf_counter(), functions.seconds
        self.functions, self.program, self.plan = functions, family.program, functions.plan
        self.monitors, self.places, self.background = monitors, list(places), background
        self.data = resident_data(self.program.task, self.plan)
        self.start = self.step = self.validated = monitors[0].steps
        self.stepping = 0.0
        self.observe = jax.jit(jax.vmap(self.program.observe))
        hyperparameters = self._stacked([dict(monitor.hyperparameters) for monitor in monitors])
        self.states = self._first_states(hyperparameters)
        self.hyperparameters = self.plan.place(functions.after_init(hyperparameters), self.plan.per_run)

    def run(self) -> list[dict[str, Any]]:
        """Train all runs, and return their summaries."""
        training = self.program.training
        with interruptible() as interrupts, interrupts.deferred():
            while self._active() and self.step < training.steps:
                self._advance(training.next_stop(self.step))
                if self.step % training.eval_every == 0 or self.step == training.steps:
                    self._validate()
                self._count_seconds()
                if self.step % training.checkpoint_every == 0:
                    self._save()
                if any_of(interrupts.requested is not None) and self.step < training.steps:
                    reason = f"{interrupts.requested or 'a signal'} asked to stop after step {self.step}"
                    for index in self._active():
                        self.monitors[index].end("interrupted", reason)
            for index in self._active():  # runs without a step to make
                self.monitors[index].end("finished")
            self._save()
        return self._summaries()

    def _active(self) -> list[int]:
        """Return the indices of the runs that have steps to come."""
        return [index for index, monitor in enumerate(self.monitors) if monitor.active]

    def _first_states(self, hyperparameters: Mapping[str, Any]) -> TrainState:
        restored = [monitor.state for monitor in self.monitors]
        if any(state is None for state in restored):
            seeds = self._stacked([np.uint32(monitor.info.seed) for monitor in self.monitors])
            states = self.functions.init(hyperparameters, seeds, self.data)
            if all(monitor.transplant is None for monitor in self.monitors):
                return states
            params = self._stacked(self._planted(fetch(states.params)))
            return self.functions.begin(hyperparameters, seeds, params, self.data)
        return self.plan.place(self._stacked(restored), self.plan.state)

    def _planted(self, fresh: Params) -> list[Params]:
        """Return the first parameters of each run, from fresh ones of all."""
        own = [_item(fresh, place) for place in self.places]
        return [
            params if monitor.transplant is None else monitor.transplant.into(params)
            for monitor, params in zip(self.monitors, own, strict=True)
        ]

    def _stacked(self, trees: Sequence[Tree]) -> Tree:
        """Stack a tree of each run, `(R, …)`; the plan's spare places are filled with the last one."""
        padded = [trees[-1]] * self.plan.num_runs
        for place, tree in zip(self.places, trees, strict=True):
            padded[place] = tree
        return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *padded)

    def _advance(self, stop: int) -> None:
        """Make the steps up to `stop`, and log the rows that are due.

        The diagnostics of a row are functions of the state before its step, so this step is a separate
        dispatch. Everything is dispatched before anything is waited for.
        """
        begun, compiled, active = time.perf_counter(), self.functions.seconds, self._active()
        flags = np.zeros(self.plan.num_runs, bool)
        flags[[self.places[index] for index in active]] = True
        has_row, cadences = self.program.has_row(stop), self.program.due(stop)
        last = stop - 1 if has_row and cadences else self.step
        parts = [self._dispatch(flags, start, end) for start, end in ((self.step, last),) if start < end]
        found = self._diagnose(cadences if has_row else (), stop)
        parts.append(self._dispatch(flags, last, stop))
        metrics, reached, found = fetch((parts, self.states.step, found))
        elapsed = time.perf_counter() - begun - (self.functions.seconds - compiled)
        self.stepping += elapsed
        timing = self._timing((stop - self.step) / elapsed)
        nonfinite: dict[str, Any] = {}
        if (reached[flags] < stop).any():
            found |= self._diagnose(() if has_row else cadences, stop)
            nonfinite = self.functions.count_nonfinite(self.states, self.hyperparameters, self.data)
            found, nonfinite = fetch((found, nonfinite))
        metrics = _joined(metrics, (last - self.step, stop - last))
        for index in active:
            monitor, place = self.monitors[index], self.places[index]
            of_run, diagnosed, counts = _item((metrics, found, nonfinite), place)
            monitor.add_steps(int(reached[place]), of_run)
            if reached[place] < stop:
                tried = _item(of_run, slice(reached[place] - self.step, None))
                monitor.diverge(tried, counts, diagnosed, timing)
                if len(self.monitors) > 1:
                    _log.warning(
                        "diverged: %s; the others continue (%s)", monitor.reason, monitor.info.folder
                    )
            elif has_row:
                monitor.log_row(diagnosed, timing)
        self.step = stop

    def _dispatch(self, active: np.ndarray, start: int, stop: int) -> Metrics:
        """Dispatch the steps from `start` to `stop`, and return their metrics."""
        span = np.array([start, stop], np.int32)
        self.states, metrics = self.functions.advance(
            self.states, self.hyperparameters, active, span, self.data
        )
        return metrics

    def _diagnose(self, cadences: Sequence[int | None], stop: int) -> dict[str, Any]:
        """Dispatch the diagnostics of some cadences, for a row at `stop` or before, on the present states."""
        found: dict[str, Any] = {}
        first = stop <= self.program.training.log_every
        for every in cadences:
            found |= self.functions.diagnose(self.states, self.hyperparameters, every, self.data, first)
        return found

    def _timing(self, steps_per_second: float) -> dict[str, float]:
        """Return the timing of a row; the first row has the seconds of compilation too."""
        compiling = {"timing/compile_seconds": self._compile_seconds} if self.step == self.start else {}
        return compiling | {
            "timing/steps_per_second": steps_per_second,
            "timing/tokens_per_second": steps_per_second * self.program.tokens_per_step,
        }

    @property
    def _compile_seconds(self) -> float:
        return self.functions.seconds - self.compiled_before

    def _validate(self) -> None:
        """Evaluate all runs on the validation split, and save the parameters that are the best so far."""
        self.validated = self.step
        raw, average = self.states.params, average_of(self.states.optimizer_state)
        means = self.functions.evaluate(raw, self.data, "validation")
        name = self.program.training.average_at(self.step)
        averaged = None
        if name is not None and average is not None:
            averaged = self.functions.evaluate(average, self.data, "validation"), fetch(average)
        params, active, plateau = fetch(raw), self._active(), self.program.plateau
        rates = {} if plateau is None else {FACTOR: plateau.factor_of(self.states.optimizer_state)}
        for index in active:
            monitor, place = self.monitors[index], self.places[index]
            run_means, run_params = _item((means, params), place)
            of_average = Average(name, *_item(averaged, place)) if name and averaged else None
            best = monitor.validate(run_means, run_params, of_average, _item(fetch(rates), place))
            if best is not None:
                self.background.submit(monitor.checkpoints.save_best, monitor.steps, best)
        if plateau is not None and self.step % self.program.training.eval_every == 0:
            self._observe(plateau, active)

    def _observe(self, plateau: Plateau, active: Sequence[int]) -> None:
        """Let the learning rates of some runs follow their last evaluation, which was due."""
        values, flags = np.zeros(self.plan.num_runs, np.float32), np.zeros(self.plan.num_runs, bool)
        for index in active:
            values[self.places[index]] = self.monitors[index].observed(plateau)
            flags[self.places[index]] = True
        self.states = self.plan.place(self.observe(self.states, values, flags), self.plan.state)

    def _count_seconds(self) -> None:
        """Count the wall time, and end the runs whose `training.seconds` are over, after an evaluation.

        Runs that are trained together have equal shares of the time.
        """
        budget, now = self.program.training.seconds, time.perf_counter()
        for monitor in self.monitors:
            monitor.seconds += (now - self.counted) / len(self.monitors)
        self.counted = now
        over = [
            one for one in self._active() if budget and flag_of_first(self.monitors[one].seconds >= budget)
        ]
        if over and self.step < self.program.training.steps:
            if self.validated < self.step:
                self._validate()
            for index in set(over) & set(self._active()):
                reason = f"training.seconds={budget:g} are over after step {self.step}"
                self.monitors[index].end("finished", reason)

    def _save(self) -> None:
        """Save the states in the background; wait where two older saves of each run are not done yet."""
        self.background.wait(leaving=2 * len(self.monitors))
        states = fetch(self.states)
        for index, monitor in enumerate(self.monitors):
            state = _item(states, self.places[index])
            self.background.submit(monitor.checkpoints.save_latest, state, monitor.notes())
            monitor.saved()

    def _summaries(self) -> list[dict[str, Any]]:
        tests = self._tests()
        seconds = time.perf_counter() - self.begun
        return [
            monitor.summary()
            | test
            | {
                "seconds": seconds / len(self.monitors),
                "program_seconds": seconds,
                "compile_seconds": self._compile_seconds,
                "steps_per_second": (monitor.steps - self.start) / self.stepping if self.stepping else None,
                "plan": dataclasses.asdict(self.plan),
            }
            for monitor, test in zip(self.monitors, tests, strict=True)
        ]

    def _tests(self) -> list[dict[str, Any]]:
        """Evaluate the best parameters of each run on the test split; empty for a run without a test."""
        tested = [monitor for monitor in self.monitors if monitor.has_test]
        if not tested:
            return [{} for _ in self.monitors]
        params = [
            monitor.best_params if monitor.has_test else tested[0].best_params for monitor in self.monitors
        ]
        placed = self.plan.place(self._stacked(params), self.plan.params)
        means = self.functions.evaluate(placed, self.data, "test")
        return [
            monitor.test(_item(means, place)) if monitor.has_test else {}
            for place, monitor in zip(self.places, self.monitors, strict=True)
        ]


def _item(tree: Tree, index: Tree) -> Tree:
    """Return the entries of one run, from a tree of arrays `(R, …)`."""
    return jax.tree.map(lambda leaf: leaf[index], tree)


def _joined(parts: Sequence[Metrics], counts: Sequence[int]) -> Metrics:
    """Join the metrics of dispatches, `(R, steps_per_call)` a leaf, each with the steps that it made."""
    counts = [count for count in counts if count]
    return jax.tree.map(
        lambda *leaves: np.concatenate(
            [leaf[:, :count] for leaf, count in zip(leaves, counts, strict=True)], axis=1
        ),
        *parts,
    )
