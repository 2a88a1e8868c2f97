"""Which runs are one program? Those that differ in nothing but numbers, which it takes as arguments."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import jax
import numpy as np

from seqlab.objectives import Mean
from seqlab.training.packing import Packed
from seqlab.training.plan import Plan
from seqlab.training.program import Program
from seqlab.training.state import TrainState
from seqlab.types import Metrics, Params

Numbers = Mapping[str, Any]
"""What the runs of a family differ in beside the seed: config key -> number, or scalar array."""


@dataclasses.dataclass(frozen=True)
class Family:
    """Programs that are alike but for numbers.

    Attributes:
        key: equal for equal families alone.
        program: the program of one of the runs, for all that no number changes.
        at: returns the program at some numbers, which may be traced; where one is missing, at that of
            `program`.
        starts: the numbers that only say how parameters start. Once they have, they are missing.
    """

    key: Hashable
    program: Program = dataclasses.field(compare=False)
    at: Callable[[Numbers], Program] = dataclasses.field(compare=False)
    starts: frozenset[str] = dataclasses.field(default=frozenset(), compare=False)


def alone(program: Program) -> Family:
    """Return the family of one program that takes no numbers."""
    return Family(id(program), program, lambda numbers: program)


class Functions:
    """What a family does, for all runs of a plan at once: each argument and result has a leading axis R.

    Each function is compiled where it is first called.

    Attributes:
        seconds: spent compiling so far.
    """

    def __init__(self, family: Family, plan: Plan) -> None:
        """Prepare to compile."""
        self.plan, self.seconds = plan, 0.0
        self._family = family
        self._compiled: dict[str, Callable] = {}

    def init(self, numbers: Numbers, seeds: jax.Array, data: Any) -> TrainState:
        """Return the states before the first step, of uint32 seeds `(R,)`."""

        def init(own: tuple[Numbers, jax.Array], data: Any) -> TrainState:
            return self._family.at(own[0]).init(own[1], data)

        one_by_one = dataclasses.replace(self.plan, block=1, devices=1)
        states = self._call("init", lambda: jax.jit(one_by_one.over(init)), (numbers, seeds), data)
        return self.plan.place(states, self.plan.state)

    def advance(
        self, states: TrainState, own: tuple[Numbers, jax.Array], span: np.ndarray, data: Any
    ) -> tuple[TrainState, Metrics, Packed]:
        """Make the updates of a dispatch.

        Args:
            states: the states to go on from, used up.
            own: the numbers, and bool `(R,)`, which runs are going.
            span: int32 `(2,)`, the step that the states are at and the one to stop at.
            data: the task's resident arrays.
        """

        def advance(own: tuple, shared: tuple) -> tuple[TrainState, Metrics, Packed]:
            (state, (numbers, going)), (span, data) = own, shared
            return self._program(numbers).advance(state, span, going, data)

        def make() -> Any:
            lie, everywhere = self.plan.own, self.plan.state
            over = self.plan.over(advance, (everywhere, lie), (everywhere, lie, lie))
            return jax.jit(lambda states, *rest: over((states, rest[0]), rest[1:]), donate_argnums=0)

        return self._call("advance", make, states, own, span, data)

    def evaluate(self, params: Params, data: Any, split: str) -> dict[str, Mean]:
        """Return the sums of a split's evaluation pass."""

        def evaluate(params: Params, data: Any) -> dict[str, Mean]:
            return self._program({}).evaluate(params, data, split)

        return self._call(split, lambda: jax.jit(self.plan.over(evaluate)), params, data)

    def _program(self, numbers: Numbers) -> Program:
        program = self._family.at(numbers)
        return dataclasses.replace(
            program, num_devices=self.plan.num_row_devices, lockstep=self.plan.lockstep
        )

    def _call(self, name: str, make: Callable[[], Any], *arguments: Any) -> Any:
        if name not in self._compiled:
            begun = time.perf_counter()
            self._compiled[name] = make().lower(*arguments).compile()
            self.seconds += time.perf_counter() - begun
        return self._compiled[name](*arguments)


@functools.lru_cache(maxsize=4)
def functions_of(family: Family, plan: Plan) -> Functions:
    """Return the functions of a family under a plan, compiled before where the last few runs used them."""
    return Functions(family, plan)
