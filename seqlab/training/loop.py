"""How does a run go, from its first step to its summary? The only host loop."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.gradients.statistics import by_path
from seqlab.tracking import RunInfo, Tracker, read_rows
from seqlab.training.checkpoints import Checkpoints
from seqlab.training.devices import REPLICATED, STATE, place, replicate, spread
from seqlab.training.interrupts import Interrupts
from seqlab.training.program import Program
from seqlab.training.rows import Rows, evaluation_row
from seqlab.training.state import TrainState
from seqlab.training.writing import write_sample
from seqlab.types import Params


@dataclasses.dataclass
class Clock:
    """Seconds spent, compiling apart."""

    started: float = dataclasses.field(default_factory=time.perf_counter)
    compiling: float = 0.0
    stepping: float = 0.0

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.perf_counter() - self.started


def train(program: Program, info: RunInfo, tracker: Tracker) -> dict[str, Any]:
    """Run a program to its end and return its summary.

    Whatever ends the run, the latest finite state is saved. On the way out the best parameters are judged on
    the test split, once.

    Args:
        program: what is trained.
        info: what the listeners are told; `info.resumed_from` says to go on from the folder's checkpoint.
        tracker: hears the rows; the caller tells it the summary.

    Returns:
        The summary, as far as the loop knows it: `status` and `reason`, steps, metrics, times.
    """
    return _Run(program, info, tracker).go()


class _Run:
    """One run: the state on the device, and the host's book-keeping about it."""

    def __init__(self, program: Program, info: RunInfo, tracker: Tracker) -> None:
        self.program, self.info, self.tracker = program, info, tracker
        self.checkpoints = Checkpoints(info.folder)
        self.clock = Clock()
        self.rows = Rows(program.training.log_every)
        self.data = replicate(program.task.data, program.num_devices)
        self.state = place(self._first_state(), program.num_devices)
        self.evaluations = _evaluations(info)
        self.evaluate = {
            split: jax.jit(spread(functools.partial(program.evaluate, split=split), program.num_devices))
            for split in ("validation", "test")
        }
        self.steps_here = 0
        self.told_compiling = False

    def go(self) -> dict[str, Any]:
        program, training = self.program, self.program.training
        status, reason = "finished", None
        with Interrupts() as interrupts:
            specs = {
                "in_specs": (STATE, REPLICATED, REPLICATED),
                "out_specs": (STATE, REPLICATED, REPLICATED),
            }
            advance = jax.jit(spread(program.advance, program.num_devices, **specs), donate_argnums=0)
            self.advance = self._compile(advance, self.state, self._step_number(1), self.data)
            while status == "finished" and (step := int(self.state.step)) < training.steps:
                status, reason = self._advance(step, training.next_stop(step))
                reached = int(self.state.step)
                if status == "finished" and (reached % training.eval_every == 0 or reached == training.steps):
                    self._validate(reached)
                if reached % training.checkpoint_every == 0:
                    self.checkpoints.save_latest(self.state)
                if status == "finished" and reached < training.steps and interrupts.requested:
                    status, reason = "interrupted", f"asked to stop after step {reached}"
                    self._validate(reached)
        self.checkpoints.save_latest(self.state)
        return self._summary(status, reason)

    def _first_state(self) -> TrainState:
        init = jax.jit(self.program.init)
        arguments = (jnp.uint32(self.info.seed), self.data)
        if self.info.resumed_from is None:
            self.checkpoints.clear()
            return self._compile(init, *arguments)(*arguments)
        return self.checkpoints.restore_latest(jax.eval_shape(init, *arguments))

    def _step_number(self, number: int) -> jax.Array:
        return replicate(jnp.int32(number), self.program.num_devices)

    def _compile(self, function: Any, *arguments: Any, **options: Any) -> Callable:
        begun = time.perf_counter()
        compiled = function.lower(*arguments, **options).compile()
        self.clock.compiling += time.perf_counter() - begun
        return compiled

    def _advance(self, step: int, stop: int) -> tuple[str, str | None]:
        """Dispatch the steps up to `stop`, log what is due, and say how things stand."""
        begun = time.perf_counter()
        self.state, *told = self.advance(self.state, self._step_number(stop), self.data)
        stacked, packed = jax.device_get(told)
        reached = int(self.state.step)
        elapsed = time.perf_counter() - begun
        self.clock.stepping += elapsed
        self.steps_here += reached - step
        diverged = reached < stop
        tried = reached - step + diverged
        last = diverged or stop == self.program.training.steps
        for row in self.rows.take(stacked, packed.unpack(), step + 1, tried, last):
            self.tracker.log({**row, **self._timing(tried / elapsed), **self._compile_time()})
        if not diverged:
            return "finished", None
        return "diverged", self._culprit(reached + 1, stacked["grads/nonfinite"][tried - 1])

    def _timing(self, steps_per_second: float) -> dict[str, float]:
        return {
            "timing/steps_per_second": steps_per_second,
            "timing/tokens_per_second": steps_per_second * self.program.tokens_per_step,
        }

    def _compile_time(self) -> dict[str, float]:
        """Return the seconds spent compiling, for the first row alone."""
        told, self.told_compiling = self.told_compiling, True
        return {} if told else {"timing/compile_seconds": self.clock.compiling}

    def _culprit(self, step: int, nonfinite: Any) -> str:
        paths = [path for path, count in zip(by_path(self.state.params), nonfinite, strict=True) if count]
        where = f"the gradient of {paths[0]}" if paths else "the loss"
        return f"{where} is not finite at step {step}"

    def _validate(self, step: int) -> None:
        """Evaluate on the validation split, and keep the parameters where they are the best so far."""
        row = {"step": step, **evaluation_row(self._evaluate(self.state.params, "validation"), "eval")}
        self.tracker.log(row)
        self.evaluations.append(row)
        if _best(self.info, self.evaluations) is row:
            self.checkpoints.save_best(step, self.state.params)

    def _evaluate(self, params: Params, split: str) -> Any:
        if isinstance(self.evaluate[split], jax.stages.Wrapped):
            self.evaluate[split] = self._compile(self.evaluate[split], params, self.data)
        return jax.device_get(self.evaluate[split](params, self.data))

    def _summary(self, status: str, reason: str | None) -> dict[str, Any]:
        summary: dict[str, Any] = {"status": status, "reason": reason, "steps": int(self.state.step)}
        if self.evaluations:
            summary |= {"final": self.evaluations[-1], "best": _best(self.info, self.evaluations)}
            if status != "interrupted":
                summary |= self._verdict(summary["best"]["step"])
        return summary | {
            "seconds": self.clock.seconds,
            "compile_seconds": self.clock.compiling,
            "steps_per_second": self.steps_here / self.clock.stepping if self.steps_here else None,
        }

    def _verdict(self, best_step: int) -> dict[str, Any]:
        """Judge the best parameters on the test split, beside the task's baselines."""
        goal, task, training = self.info.goal, self.program.task, self.program.training
        params = replicate(self.checkpoints.restore_best(self.state.params), self.program.num_devices)
        test = {"step": best_step, **evaluation_row(self._evaluate(params, "test"), "test")}
        self.tracker.log(test)
        verdict: dict[str, Any] = {
            "test": test,
            "solved": goal.is_solved(test[f"test/{goal.metric}"]),
            "baselines": task.baselines("validation", self.program.architecture),
        }
        if training.sample_length:
            verdict["sample"] = write_sample(
                self.program, params, training.sample_length, seed=self.info.seed
            )
        return verdict


def _evaluations(info: RunInfo) -> list[dict[str, Any]]:
    """Return the rows of the evaluations up to the step resumed from; none in a fresh run."""
    rows = [] if info.resumed_from is None else read_rows(info.folder, info.resumed_from)
    return [row for row in rows if info.goal_key in row]


def _best(info: RunInfo, evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the best evaluation by the goal's metric, the earliest of equals; empty where there is none."""
    best: dict[str, Any] = {}
    for row in evaluations:
        if not best or info.goal.improves(row[info.goal_key], best[info.goal_key]):
            best = row
    return best
