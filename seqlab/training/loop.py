"""How do runs go, from their first step to their summaries? The only host loop, for one run or for many."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from seqlab.training.background import Background
from seqlab.training.interrupts import Interrupts
from seqlab.training.monitor import Member, Record
from seqlab.training.state import TrainState
from seqlab.training.vectorize.family import Family, Functions, Numbers, functions_of
from seqlab.training.vectorize.plan import Plan

_log = logging.getLogger(__name__)


def train(family: Family, members: Sequence[Member], plan: Plan) -> list[dict[str, Any]]:
    """Take runs of one family to their ends and return their summaries.

    The runs go in step; one that ends early, because it diverged or its patience is at an end, stands still
    while the others go on. Whatever ends a run, its latest finite state is saved. On the way out the best
    parameters of each are judged on the test split, once.

    Args:
        family: whose programs.
        members: the runs, which all start afresh, or go on from the same step.
        plan: how they lie on the devices, with room for all of them.

    Returns:
        The summaries as far as the loop knows them: `status` and `reason`, steps, metrics, times.
    """
    with Background() as background:
        return _Loop(functions_of(family, plan), family, members, plan, background).go()


class _Loop:
    """The states on the devices, and a record of each run on the host."""

    def __init__(
        self,
        functions: Functions,
        family: Family,
        members: Sequence[Member],
        plan: Plan,
        background: Background,
    ) -> None:
        self.begun, self.compiled_before = time.perf_counter(), functions.seconds
        self.functions, self.program, self.plan = functions, family.program, plan
        self.background = background
        self.records = [Record(self.program, member, background) for member in members]
        self.padding = plan.num_runs - len(members)
        self.data = plan.place(self.program.task.data)
        self.start = self.step = self.records[0].steps
        self.stepping = 0.0
        numbers = self._stacked([dict(member.numbers) for member in members])
        self.states = self._first_states(numbers)
        moving = {key: value for key, value in numbers.items() if key not in family.starts}
        self.numbers = plan.place(moving, plan.own)

    def go(self) -> list[dict[str, Any]]:
        """Run all, and return their summaries."""
        training = self.program.training
        with Interrupts() as interrupts:
            while self._going() and self.step < training.steps:
                self._advance(training.next_stop(self.step))
                asked = interrupts.requested and self.step < training.steps
                if asked or self.step % training.eval_every == 0 or self.step == training.steps:
                    self._validate()
                if self.step % training.checkpoint_every == 0:
                    self._save()
                if asked:
                    for index in self._going():
                        self.records[index].end("interrupted", f"asked to stop after step {self.step}")
        for index in self._going():  # they had no step to make
            self.records[index].end("finished")
        self._save()
        return self._summaries()

    def _going(self) -> list[int]:
        """Return the numbers of the runs that have steps to come."""
        return [index for index, record in enumerate(self.records) if record.going]

    def _first_states(self, numbers: Numbers) -> TrainState:
        if not self.start:
            seeds = self._stacked([np.uint32(record.info.seed) for record in self.records])
            return self.functions.init(numbers, seeds, self.data)
        like = self.program.shapes
        restored = [record.checkpoints.restore_latest(like) for record in self.records]
        return self.plan.place(self._stacked(restored), self.plan.state)

    def _stacked(self, trees: Sequence[Any]) -> Any:
        """Stack what each run has of its own, `(R, …)`, the last standing in for the padding."""
        padded = [*trees, *[trees[-1]] * self.padding]
        return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *padded)

    def _advance(self, stop: int) -> None:
        """Dispatch the steps up to `stop`, and log what is due."""
        begun, compiled, going = time.perf_counter(), self.functions.seconds, self._going()
        flags = np.zeros(self.plan.num_runs, bool)
        flags[going] = True
        span = np.array([self.step, stop], np.int32)
        self.states, *told = self.functions.advance(self.states, (self.numbers, flags), span, self.data)
        metrics, packed, reached = jax.device_get((*told, self.states.step))
        elapsed = time.perf_counter() - begun - (self.functions.seconds - compiled)
        self.stepping += elapsed
        timing = self._timing((stop - self.step) / elapsed)
        for index in going:
            record = self.records[index]
            one, packed_one = _item((metrics, packed), index)
            record.take(int(reached[index]), stop, one, packed_one.unpack(), timing)
            if not record.going and len(self.records) > 1:
                _log.warning("diverged: %s; the others go on (%s)", record.reason, record.info.folder)
        self.step = stop

    def _timing(self, steps_per_second: float) -> dict[str, float]:
        """Return what a row tells of time; the seconds spent compiling in the first row alone."""
        compiling = {"timing/compile_seconds": self._compile_seconds} if self.step == self.start else {}
        return compiling | {
            "timing/steps_per_second": steps_per_second,
            "timing/tokens_per_second": steps_per_second * self.program.tokens_per_step,
        }

    @property
    def _compile_seconds(self) -> float:
        return self.functions.seconds - self.compiled_before

    def _validate(self) -> None:
        means, params = jax.device_get(
            (self.functions.evaluate(self.states.params, self.data, "validation"), self.states.params)
        )
        for index in self._going():
            self.records[index].validate(*_item((means, params), index))

    def _save(self) -> None:
        """Have the states saved, when no more than what was asked for last is on its way to the disk."""
        self.background.wait(leaving=2 * len(self.records))
        states = jax.device_get(self.states)
        for index, record in enumerate(self.records):
            record.save(_item(states, index))

    def _summaries(self) -> list[dict[str, Any]]:
        verdicts = self._verdicts()
        return [
            record.summary()
            | verdict
            | {
                "seconds": time.perf_counter() - self.begun,
                "compile_seconds": self._compile_seconds,
                "steps_per_second": (record.steps - self.start) / self.stepping if self.stepping else None,
                "plan": dataclasses.asdict(self.plan),
            }
            for record, verdict in zip(self.records, verdicts, strict=True)
        ]

    def _verdicts(self) -> list[dict[str, Any]]:
        """Judge the best parameters of each run on the test split, where it is to be judged."""
        params = [record.best_params for record in self.records if record.judged]
        if not params:
            return [{} for _ in self.records]
        best = iter(params)
        every = self._stacked([next(best) if record.judged else params[0] for record in self.records])
        placed = self.plan.place(every, self.plan.own)
        means = jax.device_get(self.functions.evaluate(placed, self.data, "test"))
        return [
            record.judge(_item(means, index)) if record.judged else {}
            for index, record in enumerate(self.records)
        ]


def _item(tree: Any, index: int) -> Any:
    """Return what one run has, of what all have."""
    return jax.tree.map(lambda leaf: leaf[index], tree)
