"""What is known of one run so far? Its rows, its evaluations, its checkpoints, and how it ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from seqlab.diagnostics.statistics import by_path
from seqlab.generation.generate import generate_text
from seqlab.metrics import Mean
from seqlab.tracking import RunInfo, Tracker, read_rows
from seqlab.training.background import Background
from seqlab.training.checkpoints import Checkpoints
from seqlab.training.program import Program
from seqlab.training.rows import Rows, evaluation_row
from seqlab.training.scoring import score
from seqlab.training.state import TrainState
from seqlab.training.vectorize.family import Numbers
from seqlab.types import Metrics, Params, Reference


@dataclasses.dataclass(frozen=True)
class Member:
    """One run of a family.

    Attributes:
        numbers: its own.
        info: what the listeners are told; `info.resumed_from` says to go on from the folder's checkpoint.
        tracker: hears the rows; the caller tells it the start and the summary.
    """

    numbers: Numbers
    info: RunInfo
    tracker: Tracker


class Record:
    """The host's book-keeping about one run; everything given to it is on the host.

    Attributes:
        member: whose record.
        checkpoints: of its folder.
        steps: how many updates have been made.
        status: how it ended; None while it goes on.
        reason: why, where that is not plain.
    """

    def __init__(self, program: Program, member: Member, background: Background) -> None:
        """Open the record of a run that starts, or that goes on from `info.resumed_from`.

        Args:
            program: what is trained.
            member: whose record.
            background: writes the checkpoints, each after the rows up to it.
        """
        self.member, self.info = member, member.info
        self.checkpoints = Checkpoints(self.info.folder)
        self.steps = self.info.resumed_from or 0
        self.status: str | None = None
        self.reason: str | None = None
        self._program, self._background = program, background
        self._rows = Rows(program.training.log_every)
        self._evaluations = _evaluations(self.info)
        self._best_params: Params | None = None
        if self.info.resumed_from is None:
            self.checkpoints.clear()

    @property
    def going(self) -> bool:
        """Whether there are steps to come."""
        return self.status is None

    def end(self, status: str, reason: str | None = None) -> None:
        """Note how the run ended."""
        self.status, self.reason = status, reason

    def take(self, reached: int, stop: int, metrics: Metrics, told: Metrics, timing: Metrics) -> None:
        """Log what is due of a dispatch, and end the run where it stopped short.

        Args:
            reached: the step after it.
            stop: the step it was to reach.
            metrics: of each step, stacked.
            told: what the row of its last step tells besides.
            timing: what every row tells of time.
        """
        diverged = reached < stop
        tried = reached - self.steps + diverged
        last = diverged or stop == self.info.steps
        for row in self._rows.take(metrics, told, self.steps + 1, tried, last):
            self.member.tracker.log({**row, **timing})
        self.steps = reached
        if diverged:
            self.end("diverged", self._culprit(reached + 1, metrics["grads/nonfinite"][tried - 1]))

    def _culprit(self, step: int, nonfinite: Any) -> str:
        paths = [path for path, count in zip(self._paths(), nonfinite, strict=True) if count]
        where = f"the gradient of {paths[0]}" if paths else "the loss"
        return f"{where} is not finite at step {step}"

    def _paths(self) -> list[str]:
        return list(by_path(self._program.shapes.params))

    def validate(self, means: Mapping[str, Mean], params: Params) -> None:
        """Log an evaluation on the validation split and store the parameters if they are the best so far.

        The run ends if none of the last `training.patience` evaluations was better than the best before them.
        """
        scores = score(self._program, params, "validation", "eval")
        row = {"step": self.steps, **evaluation_row(means, "eval"), **scores}
        self.member.tracker.log(row)
        self._evaluations.append(row)
        best = _best(self.info, self._evaluations)
        if best is row:
            self._best_params = params
            self._background.ask(self.checkpoints.save_best, self.steps, params)
        patience = self._program.training.patience
        if self.steps == self.info.steps:
            self.end("finished")
        elif patience is not None and self._evaluations.index(best) + patience < len(self._evaluations):
            self.end("finished", f"the last {patience} evaluations brought no better {self.info.goal_key}")

    def save(self, state: TrainState) -> None:
        """Have the state to go on from saved."""
        self._background.ask(self.checkpoints.save_latest, state)

    @property
    def judged(self) -> bool:
        """Whether an ended run is judged on the test split."""
        return bool(self._evaluations) and self.status != "interrupted"

    @property
    def best_params(self) -> Params:
        """The best parameters by validation."""
        if self._best_params is None:
            self._best_params = self.checkpoints.restore_best(self._program.shapes.params)
        return self._best_params

    def judge(self, means: Mapping[str, Mean]) -> dict[str, Any]:
        """Return the verdict on the best parameters, from their sums over the test split."""
        goal, program = self.info.goal, self._program
        best = _best(self.info, self._evaluations)
        scores = score(program, self.best_params, "test", "test")
        test = {"step": best["step"], **evaluation_row(means, "test"), **scores}
        self.member.tracker.log(test)
        verdict: dict[str, Any] = {
            "test": test,
            "solved": self._reference.is_solved(test[f"test/{goal.metric}"], goal.higher_is_better),
            "baselines": program.task.baselines("validation", program.architecture),
        }
        if length := program.training.sample_length:
            verdict["sample"] = generate_text(
                program.task, program.network, self.best_params, length, seed=self.info.seed
            )
        return verdict

    @property
    def _reference(self) -> Reference:
        return self._program.task.reference(self._program.architecture)

    def summary(self) -> dict[str, Any]:
        """Return how the run ended, and its last and best evaluations."""
        reference = self._reference
        summary = {
            "status": self.status,
            "reason": self.reason,
            "steps": self.steps,
            "chance": reference.baseline,
            "baseline": reference.description,
            "solved_at": reference.threshold,
        }
        if self._evaluations:
            summary |= {"final": self._evaluations[-1], "best": _best(self.info, self._evaluations)}
        return summary


def _evaluations(info: RunInfo) -> list[dict[str, Any]]:
    """Return the rows of the evaluations up to the step resumed from; none in a fresh run."""
    rows = [] if info.resumed_from is None else read_rows(info.folder, info.resumed_from)
    return [row for row in rows if info.goal_key in row]


def _best(info: RunInfo, evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the best evaluation by the goal's metric; of equals that of the least loss, then the earliest.

    A score that can get no better, such as an accuracy of 1, is no reason to keep what is reached first.
    """
    best = evaluations[0]
    for row in evaluations[1:]:
        equal = row[info.goal_key] == best[info.goal_key] and row["eval/loss"] < best["eval/loss"]
        if equal or info.goal.improves(row[info.goal_key], best[info.goal_key]):
            best = row
    return best
