"""Built-in diagnostics by level: the `gradients` group of the config."""

from __future__ import annotations

import dataclasses

from seqlab.checks import require_choice, require_positive
from seqlab.diagnostics.builtin import Gates, GradientsThroughTime, Jacobians, UpdateNorms
from seqlab.diagnostics.diagnostic import Diagnostic

LEVELS = ("off", "norms", "full")


@dataclasses.dataclass(frozen=True)
class GradientDiagnostics:
    """Which built-in diagnostics a run has.

    Attributes:
        level: `off` for none; `norms` for the norms by layer and parameter, the gradient through time, and
            the gates, in every row; `full` for the statistics of the recurrent Jacobian too.
        every: the steps between rows with the statistics of the recurrent Jacobian (`Diagnostic.every`).

    Raises:
        ValueError: a value out of its range.
    """

    level: str = dataclasses.field(default="norms", metadata={"resumable": True})
    every: int = dataclasses.field(default=500, metadata={"resumable": True})

    def __post_init__(self) -> None:
        require_choice(self, "level", LEVELS)
        require_positive(self, "every")

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The diagnostics of the level."""
        norms = (UpdateNorms(), GradientsThroughTime(), Gates())
        levels: dict[str, tuple[Diagnostic, ...]] = {
            "off": (),
            "norms": norms,
            "full": (*norms, Jacobians(self.every)),
        }
        return levels[self.level]
