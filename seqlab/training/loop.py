"""The host loop: runs of one family from their first step to their summaries."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterable, Sequence
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
from seqlab.training.seats import Seats, Successor, item, joined, merged
from seqlab.training.transformations import average_of
from seqlab.training.vectorize.compiled import CompiledFunctions, compiled_functions, resident_data
from seqlab.training.vectorize.family import Family
from seqlab.training.vectorize.plan import Plan
from seqlab.types import Metrics

_log = logging.getLogger(__name__)


def train(
    family: Family,
    monitors: Sequence[Monitor],
    plan: Plan,
    places: Sequence[int] | None = None,
    successor: Successor | None = None,
) -> list[tuple[Monitor, dict[str, Any]]]:
    """Train runs of one family to their ends and return their summaries.

    All runs step at the same time, each from its own first step. A run that ends early, because it diverged
    or its patience is over, is not changed any more while the others continue, or another run takes its
    place. The latest finite state is always saved. At the end the best parameters of each run are evaluated
    on the test split, once.

    Args:
        family: the programs of the runs.
        monitors: the runs.
        plan: the placement of the runs, with room for all of them.
        places: the place of each run among those of the plan; by default the first ones. A resumed run keeps
            its place, because another one would change it by rounding.
        successor: is called with each run as soon as it has ended; None where no run takes the place of
            another. Where batches are drawn from buckets of one length, which the step decides, it is called
            when all runs have ended.

    Returns:
        The runs that have not been given to `successor`, in order, with the part of each summary that the
        loop knows: status and reason, steps, metrics, times.
    """
    with Background() as background:
        places = range(len(monitors)) if places is None else places
        functions = compiled_functions(family, plan)
        return _Loop(functions, family, monitors, places, background, successor).run()


class _Loop:
    """The states on the devices, and the runs on the host. All runs that are active make equal steps."""

    def __init__(
        self,
        functions: CompiledFunctions,
        family: Family,
        monitors: Sequence[Monitor],
        places: Sequence[int],
        background: Background,
        successor: Successor | None,
    ) -> None:
        self.counted = time.perf_counter()
        self.functions, self.program, self.plan = functions, family.program, functions.plan
        self.background, self.successor = background, successor
        self.seats = Seats(functions, self.program.training, monitors, places)
        self.data = resident_data(self.program.task, self.plan)
        self.stepping = 0.0
        self.observe = jax.jit(jax.vmap(self.program.observe))
        self._take_seats()

    def run(self) -> list[tuple[Monitor, dict[str, Any]]]:
        """Train all runs, and return those that remain with their summaries."""
        with interruptible() as interrupts, interrupts.deferred():
            while moving := set(self.seats.stepping()):
                self._advance()
                moving &= set(self.seats.active())
                if due := [one for one in sorted(moving) if self.seats.is_due(one, "eval_every")]:
                    self._validate(due)
                self._count_seconds()
                if any(self.seats.is_due(one, "checkpoint_every", last=False) for one in self.seats.active()):
                    self._save(range(len(self.seats.monitors)))
                if any_of(interrupts.requested is not None) and self.seats.stepping():
                    for index in self.seats.active():
                        step = self.seats.monitors[index].steps
                        reason = f"{interrupts.requested or 'a signal'} asked to stop after step {step}"
                        self.seats.monitors[index].end("interrupted", reason)
                    break
                self._succeed()
            for index in self.seats.active():  # runs without a step to make
                self.seats.monitors[index].end("finished")
            self._save(range(len(self.seats.monitors)))
        return list(zip(self.seats.monitors, self._summaries(range(len(self.seats.monitors))), strict=True))

    def _take_seats(self) -> None:
        """Put the numbers and the states of the runs that have just been seated on the devices."""
        seats = self.seats
        numbers = self.functions.after_init(seats.hyperparameters())
        self.hyperparameters = self.plan.place(numbers, self.plan.per_run)
        self.states = seats.first_states(self.data)

    def _advance(self) -> None:
        """Make the steps up to the next row, evaluation or checkpoint, and log the rows that are due.

        The diagnostics of a row are functions of the state before its step, so this step is a separate
        dispatch. Everything is dispatched before anything is waited for.
        """
        begun, compiled, active = time.perf_counter(), self.functions.seconds, self.seats.stepping()
        before = {index: self.seats.monitors[index].steps for index in active}
        count = min(self.program.training.next_stop(step) - step for step in before.values())
        flags = self.seats.flags(active)
        stops = {index: step + count for index, step in before.items()}
        start = max(before.values())
        rows = [index for index, stop in stops.items() if self.program.has_row(stop)]
        cadences = self._cadences(stops[index] for index in rows)
        first = count - 1 if cadences else 0
        parts = [self._dispatch(flags, start, start + first)] if first else []
        found = self._diagnose(cadences, start + count)
        parts.append(self._dispatch(flags, start + first, start + count))
        metrics, reached, found = fetch((parts, self.states.step, found))
        elapsed = time.perf_counter() - begun - (self.functions.seconds - compiled)
        timing = self._timing(count, elapsed)
        nonfinite: dict[str, Any] = {}
        failed = [index for index in active if reached[self.seats.places[index]] < stops[index]]
        if failed:
            further = self._cadences(stops[index] for index in failed)
            found |= self._diagnose([one for one in further if str(one) not in found], start + count)
            nonfinite = self.functions.count_nonfinite(self.states, self.hyperparameters, self.data)
            found, nonfinite = fetch((found, nonfinite))
        metrics = joined(metrics, (first, count - first))
        for index in active:
            monitor, place, stop = self.seats.monitors[index], self.seats.places[index], stops[index]
            due = [found[str(one)] for one in self.program.due(stop) if str(one) in found]
            of_run, diagnosed, counts = item((metrics, due, nonfinite), place)
            monitor.add_steps(int(reached[place]), of_run)
            if index in failed:
                tried = item(of_run, slice(int(reached[place]) - before[index], None))
                monitor.diverge(tried, counts, *diagnosed, timing)
                if len(self.seats.monitors) > 1:
                    _log.warning(
                        "diverged: %s; the others continue (%s)", monitor.reason, monitor.info.folder
                    )
            elif index in rows:
                monitor.log_row(*diagnosed, timing)

    def _cadences(self, stops: Iterable[int]) -> list[int | None]:
        """Return the cadences of the diagnostics that rows at some steps hold."""
        due = {every for stop in stops for every in self.program.due(stop)}
        return [every for every in self.program.cadences if every in due]

    def _dispatch(self, active: np.ndarray, start: int, stop: int) -> Metrics:
        """Dispatch the steps from `start` to `stop`, and return their metrics."""
        span = np.array([start, stop], np.int32)
        self.states, metrics = self.functions.advance(
            self.states, self.hyperparameters, active, span, self.data
        )
        return metrics

    def _diagnose(self, cadences: Sequence[int | None], stop: int) -> dict[str, Metrics]:
        """Dispatch the diagnostics of some cadences, for a row at `stop` or before, on the present states.

        The keys are the cadences as texts, because JAX sorts the keys of a tree.
        """
        first = stop <= self.program.training.log_every
        return {
            str(every): self.functions.diagnose(self.states, self.hyperparameters, every, self.data, first)
            for every in cadences
        }

    def _timing(self, count: int, elapsed: float) -> dict[str, float]:
        """Return the timing of a row; the first row has the seconds of compilation too."""
        compiling = {} if self.stepping else {"timing/compile_seconds": self._compile_seconds(0)}
        self.stepping += elapsed
        return compiling | {
            "timing/steps_per_second": count / elapsed,
            "timing/tokens_per_second": count / elapsed * self.program.tokens_per_step,
        }

    def _compile_seconds(self, index: int) -> float:
        """Return how long a run has waited for compilation."""
        return self.functions.seconds - self.seats.clocks[index].compiling

    def _validate(self, indices: Sequence[int]) -> None:
        """Evaluate runs on the validation split, and save the parameters that are the best so far."""
        raw, average = self.states.params, average_of(self.states.optimizer_state)
        means = self.functions.evaluate(raw, self.data, "validation")
        monitors = self.seats.monitors
        names = {index: self.program.training.average_at(monitors[index].steps) for index in indices}
        averaged = None
        if any(names.values()) and average is not None:
            averaged = self.functions.evaluate(average, self.data, "validation"), fetch(average)
        params, plateau = fetch(raw), self.program.plateau
        rates = {} if plateau is None else {FACTOR: plateau.factor_of(self.states.optimizer_state)}
        rates = fetch(rates)
        for index, name in names.items():
            monitor, place = monitors[index], self.seats.places[index]
            run_means, run_params = item((means, params), place)
            of_average = Average(name, *item(averaged, place)) if name and averaged else None
            best = monitor.validate(run_means, run_params, of_average, item(rates, place))
            if best is not None:
                self.background.submit(monitor.checkpoints.save_best, monitor.steps, best)
        due = [index for index in indices if self.seats.is_due(index, "eval_every", last=False)]
        if plateau is not None and due:
            self._observe(plateau, due)

    def _observe(self, plateau: Plateau, indices: Sequence[int]) -> None:
        """Let the learning rates of some runs follow their last evaluation, which was due."""
        values, flags = np.zeros(self.plan.num_runs, np.float32), self.seats.flags(indices)
        for index in indices:
            values[self.seats.places[index]] = self.seats.monitors[index].observed(plateau)
        self.states = self.plan.place(self.observe(self.states, values, flags), self.plan.state)

    def _count_seconds(self) -> None:
        """Count the wall time, and end the runs whose `training.seconds` are over, after an evaluation.

        Runs that are trained together have equal shares of the time.
        """
        budget, now = self.program.training.seconds, time.perf_counter()
        monitors, stepping = self.seats.monitors, self.seats.stepping()
        for monitor in monitors:
            monitor.seconds += (now - self.counted) / len(monitors)
        self.counted = now
        over = [one for one in stepping if budget and flag_of_first(monitors[one].seconds >= budget)]
        if unknown := [one for one in over if not monitors[one].is_evaluated]:
            self._validate(unknown)
        for index in set(over) & set(self.seats.active()):
            reason = f"training.seconds={budget:g} are over after step {monitors[index].steps}"
            monitors[index].end("finished", reason)

    def _save(self, indices: Iterable[int]) -> None:
        """Save states in the background; wait where two older saves of each run are not done yet."""
        self.background.wait(leaving=2 * len(self.seats.monitors))
        states = fetch(self.states)
        for index in indices:
            monitor, state = self.seats.monitors[index], item(states, self.seats.places[index])
            self.background.submit(monitor.checkpoints.save_latest, state, monitor.notes())
            monitor.saved()

    def _succeed(self) -> None:
        """Give each run that has ended to `successor`, and its seat to the run that follows, if one does."""
        ended = self.seats.ended()
        if self.successor is None or not ended or (self.program.buckets is not None and self.seats.active()):
            return
        self._save(ended)
        self.background.wait()
        given = [self.seats.monitors[index] for index in ended]
        followed = list(map(self.successor, given, self._summaries(ended)))
        before, kept = fetch(self.states), self.seats.flags(self.seats.active())
        self.seats.succeed(dict(zip(ended, followed, strict=True)), self.stepping)
        if any(followed):
            self._take_seats()
            self.states = self.plan.place(merged(kept, before, fetch(self.states)), self.plan.state)

    def _summaries(self, indices: Iterable[int]) -> list[dict[str, Any]]:
        indices = list(indices)
        tests, now = self._tests(indices), time.perf_counter()
        found: list[dict[str, Any]] = []
        for index, test in zip(indices, tests, strict=True):
            monitor, clock = self.seats.monitors[index], self.seats.clocks[index]
            made, took = monitor.steps - (monitor.info.resumed_from or 0), self.stepping - clock.stepping
            times = {
                "seconds": (now - clock.begun) / len(self.seats.monitors),
                "program_seconds": now - clock.begun,
                "program_cpu_seconds": time.process_time() - clock.working,
                "compile_seconds": self._compile_seconds(index),
                "steps_per_second": made / took if took else None,
                "plan": dataclasses.asdict(self.plan),
            }
            found.append(monitor.summary() | test | times)
        return found

    def _tests(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """Evaluate the best parameters of runs on the test split; empty for a run without a test."""
        tested = [index for index in indices if self.seats.monitors[index].has_test]
        if not tested:
            return [{} for _ in indices]
        params = [
            monitor.best_params if index in tested else self.seats.monitors[tested[0]].best_params
            for index, monitor in enumerate(self.seats.monitors)
        ]
        placed = self.plan.place(self.seats.stacked(params), self.plan.params)
        means = self.functions.evaluate(placed, self.data, "test")
        return [
            self.seats.monitors[index].test(item(means, self.seats.places[index])) if index in tested else {}
            for index in indices
        ]
