"""How much is told of gradients, and how often? The `gradients` group of the config."""

from __future__ import annotations

import dataclasses
from typing import Any

from seqlab.checks import require_choice, require_positive

LEVELS = ("off", "norms", "full")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is told of gradients beside their global norm.

    Attributes:
        level: off (nothing), norms (of every layer and parameter, and through time, and the gates), or full
            (the costly statistics of the recurrent Jacobian too).
        every: steps between the rows that hold the costly statistics: the first row at or after every
            multiple has them, and the first of all.

    Raises:
        ValueError: a value out of its range.
    """

    level: str
    every: int

    def __post_init__(self) -> None:
        require_choice(self, "level", LEVELS)
        require_positive(self, "every")

    @property
    def norms(self) -> bool:
        """Whether the norms are told."""
        return self.level != "off"

    @property
    def full(self) -> bool:
        """Whether the costly statistics are told."""
        return self.level == "full"

    def is_due(self, step: Any, log_every: int) -> Any:
        """Say whether the row at `step` holds the costly statistics; rows stand `log_every` steps apart."""
        last_row = (step - 1) // log_every * log_every
        return (step // self.every > last_row // self.every) | (last_row == 0)
