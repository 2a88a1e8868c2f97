"""The last step of a run, which has a row and an evaluation even where none is due.

A run of more steps has neither. So the notes of the last state also say what the run would know without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqlab.training.evaluations import Evaluations
from seqlab.training.rows import Rows
from seqlab.training.settings import Training

KEY = "if_continued"
"""The key of the notes under which a state keeps what a run of more steps goes on from."""


class LastStep:
    """What a run would know without the row and the evaluation that its last step alone has."""

    def __init__(self, training: Training) -> None:
        """Start before the last step."""
        self._training = training
        self._known: dict[str, Any] = {}

    def before_row(self, step: int, rows: Rows) -> None:
        """Keep the sums of the open row, where the step is not due a row."""
        if step % self._training.log_every:
            self._known["rows"] = rows.notes()

    def before_evaluation(self, step: int, evaluations: Evaluations) -> None:
        """Keep the evaluations so far, where the step is not due one."""
        if step % self._training.eval_every:
            self._known["evaluations"] = evaluations.notes()

    def notes(self) -> dict[str, Any]:
        """Return the notes; empty where the last step has no more than a step that is due both."""
        return {KEY: self._known} if self._known else {}


def continued(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the notes of a last state from which a run of more steps goes on."""
    known: Mapping[str, Any] = notes.get(KEY, {})
    rows = {"rows": known["rows"]} if "rows" in known else {}
    return {**notes, **rows, **known.get("evaluations", {})}


def best_steps(notes: Mapping[str, Any]) -> set[int | None]:
    """Return the steps of the best parameters that a state refers to, with and without more steps."""
    return {each.get("best_step") for each in (notes, continued(notes))}


def surplus(notes: Mapping[str, Any], goal_key: str) -> list[str]:
    """Return a key of each row of the last step that a run of more steps does not have.

    Args:
        notes: the notes of the state.
        goal_key: the key that every evaluation has.
    """
    keys = {"rows": "train/loss", "evaluations": goal_key}
    return [key for name, key in keys.items() if name in notes.get(KEY, {})]
