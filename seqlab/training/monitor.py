"""Book-keeping of one run on the host: rows, evaluations, the best parameters, and how the run ended."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from seqlab.generation.generate import generate_text
from seqlab.tracking import Callback, RunInfo, Tracker, read_rows
from seqlab.tracking.callback import with_further
from seqlab.training.checkpoints import Checkpoints
from seqlab.training.evaluation import Means, scores, values
from seqlab.training.idle_layers import IdleLayers
from seqlab.training.program import Program
from seqlab.training.rows import Rows
from seqlab.training.vectorize.family import Hyperparameters
from seqlab.types import Metrics, Params, Reference

_log = logging.getLogger(__name__)


class Monitor:
    """What is known of one run so far. Everything that is given to it is on the host.

    Attributes:
        info: the plain facts of the run; with `info.resumed_from` it continues from its folder's checkpoint.
        hyperparameters: the run's values of the numbers that its family takes as arguments.
        checkpoints: the checkpoints of its folder.
        steps: the updates made.
        status: how the run ended; None while it is active.
        reason: an explanation of the status; None where it needs none.
    """

    def __init__(
        self,
        program: Program,
        info: RunInfo,
        tracker: Tracker,
        hyperparameters: Hyperparameters | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        """Start, or continue from `info.resumed_from`; the caller reports start and end to the listeners."""
        self.info, self.hyperparameters = info, hyperparameters or {}
        self.checkpoints = Checkpoints(info.folder)
        self.steps = info.resumed_from or 0
        self.status: str | None = None
        self.reason: str | None = None
        self._program, self._tracker, self._callbacks = program, tracker, callbacks
        self._rows, self._idle = Rows(), IdleLayers()
        self._evaluations = _evaluations(info)
        self._best_params: Params | None = None
        if info.resumed_from is None:
            self.checkpoints.clear()

    @property
    def active(self) -> bool:
        """Whether the run has steps to come."""
        return self.status is None

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
            self.steps = stop

    def log_row(self, *parts: Metrics) -> None:
        """Log the row of the last step, with further metrics."""
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
        where = f"the gradient of {paths[0]}" if paths else "the loss"
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

    def validate(self, means: Means, params: Params) -> bool:
        """Log an evaluation on the validation split, and return whether it is the best so far.

        The run ends after its last step, or where the last `training.patience` evaluations were no better
        than the best.
        """
        training = self._program.training
        decides = self.info.goal.metric in self._program.task.scored  # other scores are not worth their time
        scored = self._scores(params, "validation", "eval") if decides else {}
        row = {"step": self.steps, **values(means, "eval"), **scored}
        for callback in self._callbacks:
            row = with_further(row, callback.on_evaluation(row, params))
        self._tracker.log(row)
        self._evaluations.append(row)
        best = _best(self.info, self._evaluations)
        if best is row:
            self._best_params = params
        if self.steps == self.info.steps:
            self.end("finished")
        elif training.patience and self._evaluations.index(best) + training.patience < len(self._evaluations):
            reason = f"the last {training.patience} evaluations brought no better {self.info.goal_key}"
            self.end("finished", reason)
        return best is row

    @property
    def has_test(self) -> bool:
        """Whether the ended run is evaluated on the test split."""
        return bool(self._evaluations) and self.status != "interrupted"

    @property
    def best_params(self) -> Params:
        """The best parameters by validation."""
        if self._best_params is None:
            self._best_params = self.checkpoints.restore_best(self._program.shapes.params)
        return self._best_params

    def test(self, means: Means) -> dict[str, Any]:
        """Log the evaluation of the best parameters on the test split; return its part of the summary."""
        program, goal = self._program, self.info.goal
        best = _best(self.info, self._evaluations)
        row = {
            "step": best["step"],
            **values(means, "test"),
            **self._scores(self.best_params, "test", "test"),
        }
        self._tracker.log(row)
        summary: dict[str, Any] = {
            "test": row,
            "solved": self._reference.is_solved(row[f"test/{goal.metric}"], goal.higher_is_better),
            "baselines": program.task.baselines("validation", program.network.framing),
        }
        if length := program.training.sample_length:
            summary["sample"] = generate_text(
                program.task, program.network, self.best_params, length, seed=self.info.seed
            )
        return summary

    def summary(self) -> dict[str, Any]:
        """Return how the run ended, what it is compared with, and its last and best evaluations."""
        reference = self._reference
        summary: dict[str, Any] = {
            "status": self.status,
            "reason": self.reason,
            "steps": self.steps,
            "chance": reference.baseline,
            "baseline": reference.description,
            "solved_at": reference.threshold,
        }
        if self._evaluations:
            summary |= {"final": self._evaluations[-1], "best": _best(self.info, self._evaluations)}
        return summary | ({"warnings": self._idle.sentences} if self._idle.sentences else {})

    @property
    def _reference(self) -> Reference:
        return self._program.task.reference(self._program.network.framing)

    def _scores(self, params: Params, split: str, prefix: str) -> dict[str, float]:
        program = self._program
        size = program.training.evaluation_batch_size
        found = scores(program.task, program.network, params, split, size)
        return {f"{prefix}/{name}": value for name, value in found.items()}


def _plain(value: Any) -> Any:
    """Return an array as a number or a list of numbers."""
    return value.tolist() if hasattr(value, "tolist") else value


def _evaluations(info: RunInfo) -> list[dict[str, Any]]:
    """Return the rows of the evaluations up to the step resumed from; none in a fresh run."""
    rows = [] if info.resumed_from is None else read_rows(info.folder, info.resumed_from)
    return [row for row in rows if info.goal_key in row]


def _best(info: RunInfo, evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the best evaluation by the goal's metric; of equal ones the least loss, then the earliest.

    The loss decides between equal ones because a metric that cannot rise further, such as an accuracy of 1,
    would keep the first evaluation that reached it.
    """
    best = evaluations[0]
    for row in evaluations[1:]:
        equal = row[info.goal_key] == best[info.goal_key] and row["eval/loss"] < best["eval/loss"]
        if equal or info.goal.improves(row[info.goal_key], best[info.goal_key]):
            best = row
    return best
