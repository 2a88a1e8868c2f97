"""Saves in the background: what is left out is never what a saved state refers to."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest

from seqlab.training import saves
from seqlab.training.saves import Saves


class Queue:
    """A background whose calls are made when the test says so."""

    def __init__(self):
        self.calls = []

    def submit(self, function, *arguments):
        self.calls.append((Future(), function, arguments))
        return self.calls[-1][0]

    def waiting(self):
        return sum(not call.done() for call, _, _ in self.calls)

    def finish(self, call):
        while not call.done():
            self.make(1)

    def make(self, count):
        for call, function, arguments in self.calls[:count]:
            if call.set_running_or_notify_cancel():
                function(*arguments)
                call.set_result(None)
        del self.calls[:count]


class Run:
    """A run that records what is saved of it."""

    def __init__(self):
        self.steps, self.best_step, self.best, self.latest, self.given = 0, None, [], [], []
        self.checkpoints = SimpleNamespace(save_best=self.save_best, save_latest=self.save_latest)

    def notes(self):
        return {"best_step": self.best_step}

    def save_best(self, step, params):
        self.best.append(step)

    def save_latest(self, state, notes):
        assert notes["best_step"] in (None, *self.best[-1:])
        self.latest.append(state)


@pytest.mark.parametrize(("seed", "most"), [(0, 0), (1, 6), (2, 12), (3, 40)])
def test_every_saved_state_has_its_best_parameters_and_the_last_ones_are_saved(seed, most, monkeypatch):
    monkeypatch.setattr(saves, "FEW", 4)
    random, queue, runs = np.random.default_rng(seed), Queue(), [Run() for _ in range(4)]
    of_runs, rounds = Saves(queue), 20
    for step in range(1, rounds + 1):
        for run in runs:
            run.steps = step
            if random.random() < 0.6:
                run.best_step = step
                of_runs.best(run, None)
            if random.random() < 0.7 or step == rounds:
                run.given.append(step)
                of_runs.latest(run, step)
                assert len(run.given) < 4 or run.latest[-1:] >= run.given[-3:-2]
        queue.make(int(random.integers(most + 1)))
    queue.make(len(queue.calls))
    for run in runs:
        assert run.latest[-1] == rounds
        assert run.latest == sorted(run.latest)
        assert run.best[-1] == run.best_step
    assert sum(len(run.latest) for run in runs) < sum(len(run.given) for run in runs)


def test_a_few_states_are_all_saved():
    queue, run = Queue(), Run()
    of_run = Saves(queue)
    for step in range(saves.FEW // 2):
        of_run.latest(run, step)
    queue.make(len(queue.calls))
    assert run.latest == list(range(saves.FEW // 2))
