"""Which runs are one program? Those that differ in nothing but numbers, which it takes as arguments."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from seqlab.metrics import Mean
from seqlab.training import evaluation
from seqlab.training.packing import Packed
from seqlab.training.program import Program
from seqlab.training.state import TrainState
from seqlab.training.vectorize.plan import Plan
from seqlab.types import Metrics, Params

Numbers = Mapping[str, Any]
"""What the runs of a family differ in beside the seed: config key -> number, or scalar array."""

COMPILERS = 2
"""How many functions are compiled at a time: the update, and beside it the quicker ones."""


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

    Each function is compiled in the background, where it is first called or prepared.

    Attributes:
        seconds: that callers have waited for compilation so far.
    """

    def __init__(self, family: Family, plan: Plan) -> None:
        """Prepare to compile."""
        self.plan, self.seconds = plan, 0.0
        self._family = family
        self._compiler = ThreadPoolExecutor(COMPILERS, "compiler")
        self._compiled: dict[str, Future[Callable]] = {}

    def prepare(self, numbers: Numbers) -> None:
        """Start to compile what runs call from their start to their end, and do not wait for it.

        Args:
            numbers: those of any of the runs.
        """
        program, plan = self._family.program, self.plan
        data = plan.abstract(program.task.data)
        states = plan.abstract(plan.of_runs(program.shapes), plan.state)
        number, seed, going = (
            jax.ShapeDtypeStruct((plan.num_runs,), kind) for kind in ("float32", "uint32", bool)
        )
        moving = plan.abstract({key: number for key in numbers if key not in self._family.starts}, plan.own)
        self._compiling("init", (dict.fromkeys(numbers, number), seed), data)
        self._compiling("advance", states, (moving, going), jax.ShapeDtypeStruct((2,), np.int32), data)
        for split in ("validation", "test"):
            self._compiling(split, states.params, data)

    def init(self, numbers: Numbers, seeds: jax.Array, data: Any) -> TrainState:
        """Return the states before the first step, of uint32 seeds `(R,)`."""
        return self.plan.place(self._call("init", (numbers, seeds), data), self.plan.state)

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
        return self._call("advance", states, own, span, data)

    def evaluate(self, params: Params, data: Any, split: str) -> dict[str, Mean]:
        """Return the sums of a split's evaluation pass."""
        return self._call(split, params, data)

    def _call(self, name: str, *arguments: Any) -> Any:
        begun = time.perf_counter()
        compiled = self._compiling(name, *arguments).result()
        self.seconds += time.perf_counter() - begun
        return compiled(*arguments)

    def _compiling(self, name: str, *arguments: Any) -> Future[Callable]:
        """Return a function as it will be once compiled, for arguments which may be abstract."""
        if name not in self._compiled:
            self._compiled[name] = self._compiler.submit(
                lambda: self._jitted(name).lower(*arguments).compile()
            )
        return self._compiled[name]

    def _jitted(self, name: str) -> Any:
        """Return the function of a name, which is that of a split where it evaluates."""

        def init(own: tuple[Numbers, jax.Array], data: Any) -> TrainState:
            return self._family.at(own[0]).init(own[1], data)

        def advance(own: tuple, shared: tuple) -> tuple[TrainState, Metrics, Packed]:
            (state, (numbers, going)), (span, data) = own, shared
            return self._program(numbers).advance(state, span, going, data)

        def evaluate(params: Params, data: Any) -> dict[str, Mean]:
            return evaluation.evaluate(self._program({}), params, data, name)

        if name == "init":
            return jax.jit(dataclasses.replace(self.plan, block=1, devices=1).over(init))
        if name == "advance":
            lie, everywhere = self.plan.own, self.plan.state
            over = self.plan.over(advance, (everywhere, lie), (everywhere, lie, lie))
            return jax.jit(lambda states, *rest: over((states, rest[0]), rest[1:]), donate_argnums=0)
        return jax.jit(self.plan.over(evaluate))

    def _program(self, numbers: Numbers) -> Program:
        program = self._family.at(numbers)
        return dataclasses.replace(
            program, num_devices=self.plan.num_row_devices, lockstep=self.plan.lockstep
        )


@functools.lru_cache(maxsize=4)
def functions_of(family: Family, plan: Plan) -> Functions:
    """Return the functions of a family under a plan, compiled before where the last few runs used them."""
    return Functions(family, plan)
