"""Book-keeping of one run on the host: rows, evaluations, the best parameters, and how the run ended."""

from __future__ import annotations

import functools
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqlab.generation.generate import generate_text
from seqlab.tracking import Callback, RunInfo, Tracker, read_rows
from seqlab.tracking.callback import with_further
from seqlab.training.checkpoints import Checkpoints, Restored
from seqlab.training.early_end import early_end
from seqlab.training.evaluation import Means, scores, values
from seqlab.training.evaluations import Average, Evaluations
from seqlab.training.idle_layers import IdleLayers
from seqlab.training.last_step import LastStep
from seqlab.training.plateau import Plateau
from seqlab.training.program import Program
from seqlab.training.rows import Rows
from seqlab.training.transplant import Transplant
from seqlab.training.vectorize.family import Hyperparameters
from seqlab.types import Metrics, Params, Reference

_log = logging.getLogger(__name__)

SKIPPED = "grads/skipped"
"""The share of updates that `training.on_nonfinite=skip` left out since the row before."""


class Monitor:
    """What is known of one run so far. Everything that is given to it is on the host.

    Attributes:
        info: the plain facts of the run.
        hyperparameters: the run's values of the numbers that its family takes as arguments.
        checkpoints: the checkpoints of its folder.
        state: the state that it continues from; None for a fresh start.
        transplant: the trained parameters that a fresh start begins from; None for fresh ones.
        steps: the updates made.
        status: how the run ended; None while it is active.
        reason: an explanation of the status; None where it needs none.
        skipped: the updates that were left out because they were not finite.
        seconds: its share of the wall time so far, for `training.seconds`.
    """

    def __init__(
        self,
        program: Program,
        info: RunInfo,
        tracker: Tracker,
        hyperparameters: Hyperparameters | None = None,
        callbacks: Sequence[Callback] = (),
        restored: Restored | None = None,
        facts: Mapping[str, Any] | None = None,
        transplant: Transplant | None = None,
    ) -> None:
        """Start, or continue from a state; the caller reports start and end to the listeners.

        Args:
            program: the program of the run's family.
            info: the plain facts of the run.
            tracker: who is informed.
            hyperparameters: the run's values of the numbers that its family takes as arguments.
            callbacks: its hooks.
            restored: the state to continue from, with its notes; None for a fresh start.
            facts: what does not change during the run and is noted with every state.
            transplant: the trained parameters that a fresh start begins from; None for fresh ones.
        """
        self.info, self.hyperparameters, self.transplant = info, hyperparameters or {}, transplant
        self.checkpoints = Checkpoints(info.folder)
        self.steps = info.resumed_from or 0
        self.status: str | None = None
        self.reason: str | None = None
        self._program, self._tracker, self._callbacks = program, tracker, callbacks
        self._facts, known = facts or {}, restored.notes if restored else {}
        self.state = restored.state if restored else None
        self._rows, self._idle = Rows(known.get("rows")), IdleLayers()
        self._last_step = LastStep(program.training)
        self.skipped = int(known.get("skipped", 0))
        self.seconds = float(known.get("seconds", 0.0))
        self._evaluations = _evaluations(info, known)
        self._best_params: Params | None = None
        if self.is_evaluated:
            self._end_early()

    @property
    def active(self) -> bool:
        """Whether the run has steps to come."""
        return self.status is None

    @property
    def is_evaluated(self) -> bool:
        """Whether its present parameters have been evaluated."""
        return self._evaluations.final is not None and self._evaluations.final["step"] == self.steps

    def end(self, status: str, reason: str | None = None) -> None:
        """Note how the run ended."""
        self.status, self.reason = status, reason

    def add_steps(self, stop: int, metrics: Metrics) -> None:
        """Add the finite steps of a dispatch.

        Args:
            stop: the last of them.
            metrics: the metrics of the steps, stacked.
        """
        if stop > self.steps:
            self._rows.add(metrics, stop - self.steps)
            if SKIPPED in metrics:
                self.skipped += int(np.sum(metrics[SKIPPED].total[: stop - self.steps]))
            self.steps = stop

    def log_row(self, *parts: Metrics) -> None:
        """Log the row of the last step, with further metrics."""
        self._last_step.before_row(self.steps, self._rows)
        self._log_training(self._rows.row(self.steps), parts)

    def diverge(self, metrics: Metrics, nonfinite: Mapping[str, Any], *parts: Metrics) -> None:
        """Log the row of the step after the last, which was not finite, and end the run.

        Args:
            metrics: the metrics of that step, as a stack of one.
            nonfinite: the number of elements that are not finite, by parameter.
            parts: the further metrics of the row.
        """
        step = self.steps + 1
        self._rows.add(metrics, 1)
        row = self._rows.row(step, sum(int(count) for count in nonfinite.values()))
        self._log_training(row, parts)
        paths = [path for path, count in nonfinite.items() if count]
        with np.errstate(all="ignore"):  # the quotient of parts that are not finite, or zero
            is_loss = not np.isfinite(metrics["train/loss"].value).all()
        where = f"the gradient of {paths[0]}" if paths else "the loss" if is_loss else "the update"
        self.end("diverged", f"{where} is not finite at step {step}")

    def _log_training(self, row: dict[str, Any], parts: Sequence[Metrics]) -> None:
        row |= {key: _plain(value) for part in parts for key, value in part.items()}
        for callback in self._callbacks:
            row = with_further(row, callback.on_row(row))
        self._tracker.log(row)
        for sentence in self._idle.notice(row):
            _log.warning("%s", sentence)

    def saved(self) -> None:
        """Tell the callbacks that the latest state is being saved."""
        for callback in self._callbacks:
            callback.on_checkpoint(self.steps, self.info.folder)

    def validate(
        self, means: Means, params: Params, average: Average | None = None, further: Metrics | None = None
    ) -> Params | None:
        """Log an evaluation on the validation split, and return the parameters that are the best so far.

        The run ends after its last step, where the last `training.patience` evaluations were no better than
        the best, or where the deciding metric reaches `training.stop_at`.

        Args:
            means: the evaluation of the run's parameters.
            params: the parameters.
            average: the evaluation of their average; None for none.
            further: further metrics of the row.

        Returns:
            The parameters or their average; None where an earlier evaluation is still the best.
        """
        decides = self.info.goal.metric in self._program.task.scored  # other scores are not worth their time
        row: dict[str, Any] = {"step": self.steps} | {
            key: _plain(one) for key, one in (further or {}).items()
        }
        evaluated = {"eval": (means, params)}
        if average is not None:
            evaluated[f"eval/{average.name}"] = average.means, average.params
        for prefix, (sums, judged) in evaluated.items():
            row |= values(sums, prefix) | (self._scores(judged, "validation", prefix) if decides else {})
        for callback in self._callbacks:
            row = with_further(row, callback.on_evaluation(row, params))
        reference = self._validation_reference
        compared = {"reference/chance": reference.baseline, "reference/solved_at": reference.threshold}
        self._tracker.log(row | compared)
        self._last_step.before_evaluation(self.steps, self._evaluations)
        is_best = self._evaluations.add(row, average.name if average else None)
        if is_best:
            best = self._evaluations.best or {}
            self._best_params = average.params if average and "params" in best else params
        if self.steps == self.info.steps:
            self.end("finished")
        else:
            self._end_early()
        return self._best_params if is_best else None

    def notes(self) -> dict[str, Any]:
        """Return what is saved with the present state, so that a resumed run goes on as this one."""
        found = {"rows": self._rows.notes(), "skipped": self.skipped, "seconds": self.seconds}
        return {**self._facts, **found, **self._evaluations.notes(), **self._last_step.notes()}

    def observed(self, plateau: Plateau) -> float:
        """Return what a plateau compares of the last evaluation."""
        return plateau.value_of(self._evaluations.final, self.info.goal)

    def _end_early(self) -> None:
        """End the run where its settings or its callbacks want that after its last evaluation."""
        training = self._program.training
        reason = early_end(training, self.info, self._evaluations, lambda: self._validation_reference)
        if reason is not None:
            self.end("finished", reason)
            return
        if (reason := next(filter(None, (one.should_prune() for one in self._callbacks)), None)) is not None:
            self.end("pruned", reason)

    @property
    def has_test(self) -> bool:
        """Whether the ended run is evaluated on the test split."""
        return self._evaluations.best is not None and self.status not in ("interrupted", "pruned")

    @property
    def best_params(self) -> Params:
        """The best parameters by validation."""
        if self._best_params is None:
            step = None if self._evaluations.best is None else self._evaluations.best["step"]
            self._best_params = self.checkpoints.restore_best(self._program.shapes.params, step)
        return self._best_params

    def test(self, means: Means) -> dict[str, Any]:
        """Log the evaluation of the best parameters on the test split; return its part of the summary."""
        program, goal = self._program, self.info.goal
        best = self._evaluations.best
        assert best is not None
        row = {
            "step": best["step"],
            **values(means, "test"),
            **self._scores(self.best_params, "test", "test"),
        }
        self._tracker.log(row)
        summary: dict[str, Any] = {
            "test": row,
            "test_examples": program.task.num_evaluation("test", program.network.framing),
            "solved": self._reference("test").is_solved(row[f"test/{goal.metric}"], goal.higher_is_better),
            "baselines": program.task.baselines("test", program.network.framing),
        }
        if length := program.training.sample_length:
            summary["sample"] = generate_text(
                program.task, program.network, self.best_params, length, seed=self.info.seed
            )
        return summary

    def summary(self) -> dict[str, Any]:
        """Return how the run ended, what it is compared with, and its last and best evaluations."""
        reference, validation = self._reference("test"), self._validation_reference
        summary: dict[str, Any] = {
            "status": self.status,
            "reason": self.reason,
            "steps": self.steps,
            **({"skipped_steps": self.skipped} if self.skipped else {}),
            "chance": reference.baseline,
            "baseline": reference.description,
            "solved_at": reference.threshold,
            "validation": {"chance": validation.baseline, "solved_at": validation.threshold},
        }
        if self._evaluations.best is not None:
            summary |= {"final": self._evaluations.final, "best": self._evaluations.best}
        return summary | ({"warnings": self._idle.sentences} if self._idle.sentences else {})

    @functools.cached_property
    def _validation_reference(self) -> Reference:
        """What a score on the validation split is compared with; fitted models may be part of it."""
        return self._reference("validation")

    def _reference(self, split: str) -> Reference:
        return self._program.task.reference(self._program.network.framing, split)

    def _scores(self, params: Params, split: str, prefix: str) -> dict[str, float]:
        program = self._program
        size = program.training.evaluation_batch_size
        found = scores(program.task, program.network, params, split, size)
        return {f"{prefix}/{name}": value for name, value in found.items()}


def _plain(value: Any) -> Any:
    """Return an array as a number or a list of numbers."""
    return value.tolist() if hasattr(value, "tolist") else value


def _evaluations(info: RunInfo, notes: Mapping[str, Any]) -> Evaluations:
    """Return the evaluations up to the step resumed from; none in a fresh run.

    They are in the notes of its checkpoint. An older version of seqlab saved none, so that its rows are read.
    """
    evaluations = Evaluations(info)
    if "best" in notes:
        evaluations.restore(notes)
    elif info.resumed_from is not None:
        for row in read_rows(info.folder, info.resumed_from):
            if info.goal_key in row:
                evaluations.add(row)
    return evaluations
