"""Families of runs: programs that are equal but for numbers, the arguments of one compiled program."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from seqlab.training.program import Program

Hyperparameters = Mapping[str, Any]
"""The numbers in which the runs of a family differ besides the seed: config key -> number or scalar."""


@dataclasses.dataclass(frozen=True)
class Family:
    """Programs that are equal but for their hyperparameters.

    Attributes:
        key: equal for equal families only.
        compile_key: equal for families whose programs are equal but for what the host loop alone reads, and
            for `training.steps`.
        program: the program of one of the runs.
        at: returns the program with some hyperparameters, which may be traced; a missing one has the value
            of `program`.
        init_only: the hyperparameters that only act on the initial parameters. They are missing afterwards.
    """

    key: Hashable
    compile_key: Hashable = dataclasses.field(compare=False)
    program: Program = dataclasses.field(compare=False)
    at: Callable[[Hyperparameters], Program] = dataclasses.field(compare=False)
    init_only: frozenset[str] = dataclasses.field(default=frozenset(), compare=False)

    @classmethod
    def of(cls, program: Program) -> Family:
        """Return the family of one program without hyperparameters."""
        return cls(id(program), id(program), program, lambda hyperparameters: program)
