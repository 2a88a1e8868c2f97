"""Compiled functions of a family, for all runs of a plan at once."""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding

from seqlab.interrupts import wait_for
from seqlab.metrics import Mean
from seqlab.tasks import Task, compiler_options, quick_options
from seqlab.tasks.source_stamp import source_stamp
from seqlab.training import devices
from seqlab.training.advance import advance
from seqlab.training.evaluation import add_up, evaluate_batch, num_batches
from seqlab.training.program import Program
from seqlab.training.settings import Training
from seqlab.training.spread import BY_ROW, STATE, WHOLE, draw_on
from seqlab.training.state import TrainState
from seqlab.training.vectorize.family import Family, Hyperparameters
from seqlab.training.vectorize.plan import REPLICATED, Plan
from seqlab.types import Batch, Metrics, Params

COMPILERS = 4
"""How many functions are traced and lowered at a time, or wait for `_XLA`."""

_XLA = threading.Lock()
"""Held while XLA compiles. It uses several threads for one program, and much memory for two at a time."""

EVALUATION_BYTES = 2**25
"""The most memory that the batches of an evaluation pass may take to be kept for the next one."""

FEW_CALLS = ("init", "begin", "evaluation_batch", "diagnose_first")
"""The functions that are called so seldom that quick compilation matters more than speed."""


class CompiledFunctions:
    """The functions of a family, compiled ahead of time.

    Arguments and results have a leading axis R, except `span` and `data`. Each function is compiled on a
    background thread, when `prepare` or the first call asks for it.

    Attributes:
        plan: the placement of the runs.
        seconds: how long callers have waited for compilation so far.
    """

    def __init__(self, family: Family, plan: Plan) -> None:
        """Start without a compiled function."""
        self.plan, self.seconds = plan, 0.0
        self._family = family
        self._threads = ThreadPoolExecutor(COMPILERS, "compiler")
        self._compiled: dict[tuple[Any, ...], Future[Callable[..., Any]]] = {}
        self._drawn: dict[str, list[Batch]] = {}

    def prepare(self, training: Training, hyperparameters: Hyperparameters) -> None:
        """Start to compile what a run calls, in the order of its calls, without waiting for it.

        Args:
            training: the settings of the run.
            hyperparameters: those of any of the runs.
        """
        program, plan = self._family.program, self.plan
        data = plan.abstract(program.task.data)
        states = plan.abstract(plan.stacked(program.shapes), plan.state)
        number = jax.ShapeDtypeStruct((plan.num_runs,), jnp.result_type(float))
        seeds, active = (jax.ShapeDtypeStruct((plan.num_runs,), kind) for kind in (np.uint32, bool))
        placed = plan.abstract(dict.fromkeys(self.after_init(hyperparameters), number), plan.per_run)
        span = jax.ShapeDtypeStruct((2,), np.int32)
        batch = plan.abstract(self._evaluation_shapes("validation"), plan.per_row)
        index = jax.ShapeDtypeStruct((), np.int32)
        self._compile("init", arguments=((dict.fromkeys(hyperparameters, number), seeds), data))
        self._compile("advance", arguments=(states, (placed, active), span, data))
        for every in program.cadences:
            self._compile("diagnose_first", every, arguments=((states, placed), data))
        self._compile("evaluation_batch", "validation", arguments=(index, data))
        self._compile("evaluate_batch", arguments=(states.params, batch))
        self._compile("evaluation_batch", "test", arguments=(index, data))
        for every in program.cadences:
            if training.steps > max(training.log_every, every or 0):
                self._compile("diagnose", every, arguments=((states, placed), data))

    def after_init(self, hyperparameters: Hyperparameters) -> Hyperparameters:
        """Return the hyperparameters without those that only act on the initial parameters."""
        return {key: value for key, value in hyperparameters.items() if key not in self._family.init_only}

    def init(self, hyperparameters: Hyperparameters, seeds: jax.Array, data: Any) -> TrainState:
        """Return the states before the first step.

        Args:
            hyperparameters: those of the runs.
            seeds: uint32 `(R,)`.
            data: the task's resident arrays.
        """
        return self.plan.place(
            self._call("init", arguments=((hyperparameters, seeds), data)), self.plan.state
        )

    def begin(
        self, hyperparameters: Hyperparameters, seeds: jax.Array, params: Params, data: Any
    ) -> TrainState:
        """Return the states before the first step of runs that begin from given parameters.

        Args:
            hyperparameters: those of the runs.
            seeds: uint32 `(R,)`.
            params: the parameters of the runs.
            data: the task's resident arrays.
        """
        states = self._call("begin", arguments=((hyperparameters, seeds, params), data))
        return self.plan.place(states, self.plan.state)

    def advance(
        self,
        states: TrainState,
        hyperparameters: Hyperparameters,
        active: np.ndarray,
        span: np.ndarray,
        data: Any,
    ) -> tuple[TrainState, Metrics]:
        """Make the updates of a dispatch; see `seqlab.training.advance`.

        Args:
            states: the states before it. Their buffers are donated.
            hyperparameters: those of the runs, after initialisation.
            active: bool `(R,)`, the runs that have not ended.
            span: int32 `(2,)`.
            data: the task's resident arrays.
        """
        return self._call("advance", arguments=(states, (hyperparameters, active), span, data))

    def diagnose(
        self,
        states: TrainState,
        hyperparameters: Hyperparameters,
        every: int | None,
        data: Any,
        first: bool = False,
    ) -> Metrics:
        """Return the results of the diagnostics of one cadence, for the updates after some states.

        Args:
            states: the states.
            hyperparameters: those of the runs, after initialisation.
            every: the cadence.
            data: the task's resident arrays.
            first: whether they stand in the first row of a run, which is not to wait for a slow compilation.
        """
        name = "diagnose_first" if first else "diagnose"
        return self._call(name, every, arguments=((states, hyperparameters), data))

    def count_nonfinite(
        self, states: TrainState, hyperparameters: Hyperparameters, data: Any
    ) -> dict[str, jax.Array]:
        """Return how many elements of each gradient are not finite, for the updates after some states."""
        return self._call("count_nonfinite", arguments=((states, hyperparameters), data))

    def evaluate(self, params: Params, data: Any, split: str) -> dict[str, Mean]:
        """Return the sums of the loss and the metrics over a split, on the host."""
        batches = self._evaluation_batches(split, data)
        return add_up(self._call("evaluate_batch", arguments=(params, batch)) for batch in batches)

    def _evaluation_batches(self, split: str, data: Any) -> Iterable[Batch]:
        """Return the batches of an evaluation pass. They are drawn once, if they take little memory."""
        if split not in self._drawn:
            program, one = self._family.program, self._evaluation_shapes(split)
            size = program.training.evaluation_batch_size
            count = num_batches(program.task, program.network.framing, split, size)
            drawn = (
                self._call("evaluation_batch", split, arguments=(np.int32(index), data))
                for index in range(count)
            )
            num_bytes = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(one))
            if count * num_bytes > EVALUATION_BYTES:
                return drawn
            self._drawn[split] = list(drawn)
        return self._drawn[split]

    def _call(self, *name: Any, arguments: tuple[Any, ...]) -> Any:
        begun = time.perf_counter()
        compiled = wait_for(self._compile(*name, arguments=arguments))
        self.seconds += time.perf_counter() - begun
        return compiled(*arguments)

    def _compile(self, *name: Any, arguments: tuple[Any, ...]) -> Future[Callable[..., Any]]:
        """Return a function that will be compiled for some arguments, which may be abstract."""
        if name[0] == "diagnose_first" and quick_options() == compiler_options():
            name = ("diagnose", *name[1:])
        if name not in self._compiled:
            self._compiled[name] = self._threads.submit(self._compiled_now, name, arguments)
        return self._compiled[name]

    def _compiled_now(self, name: tuple[Any, ...], arguments: tuple[Any, ...]) -> Callable[..., Any]:
        lowered = self._jitted(*name).lower(*arguments)
        options = quick_options() if name[0] in FEW_CALLS else compiler_options()
        with _XLA:
            return lowered.compile(options)

    def _jitted(self, kind: str, which: Any = None) -> Any:
        """Return a function under `jax.jit`.

        Args:
            kind: the name of one of the functions below.
            which: the cadence of diagnostics, or the split of an evaluation batch.
        """
        plan, spread, evaluates = self.plan, self.plan.spread, kind == "evaluate_batch"

        def init(run: tuple[Any, ...], data: Any) -> TrainState:
            return self._family.at(run[0]).init(run[1], data)

        def begin(run: tuple[Any, ...], data: Any) -> TrainState:
            return self._family.at(run[0]).begin(run[1], run[2], data)

        def steps(run: tuple[Any, ...], shared: tuple[Any, ...]) -> tuple[TrainState, Metrics]:
            (state, (hyperparameters, active)), (span, data) = run, shared
            return advance(self._program(hyperparameters), state, span, active, data, spread)

        def all_steps(states: TrainState, run: Any, *shared: Any) -> tuple[TrainState, Metrics]:
            after, metrics = plan.vectorized(steps)((states, run), shared)
            return plan.placed(after, plan.state), plan.placed(metrics, plan.per_run)

        def of_update(run: tuple[Any, ...], data: Any) -> Metrics:
            (state, hyperparameters), counts = run, kind == "count_nonfinite"
            program = self._program(hyperparameters)
            batch = spread.draw(functools.partial(program.batch, state.seed, state.step), data)
            found = program.count_nonfinite if counts else functools.partial(program.diagnose, every=which)
            return spread.over_rows(found, (STATE, BY_ROW), WHOLE)(state, batch)

        def evaluate(params: Params, batch: Batch) -> dict[str, Mean]:
            program = self._program({})
            measures = {"axis": program.axis, "measures": program.measures.of_evaluation}
            one = functools.partial(evaluate_batch, program.task, program.network, **measures)
            return spread.over_rows(one, (WHOLE, BY_ROW), WHOLE)(params, batch)

        def of_runs(arguments: Any, shared: Any) -> Metrics:
            one = evaluate if evaluates else of_update
            how = plan.for_evaluation(self._family.program) if evaluates else plan
            return plan.placed(how.vectorized(one)(arguments, shared), plan.per_run)

        if kind in ("init", "begin"):
            first = init if kind == "init" else begin
            alone = dataclasses.replace(plan, vmap_size=1, devices=1, feature_devices=1)
            return jax.jit(alone.vectorized(first))
        if kind == "advance":
            return jax.jit(all_steps, donate_argnums=0)
        if kind == "evaluation_batch":
            return jax.jit(functools.partial(self._evaluation_batch, which))
        return jax.jit(of_runs)

    def _program(self, hyperparameters: Hyperparameters) -> Program:
        program = self._family.at(hyperparameters)
        return dataclasses.replace(program, axis=self.plan.axis, lockstep=self.plan.lockstep)

    def _evaluation_batch(self, split: str, index: jax.Array, data: Any) -> Batch:
        """Return one batch of an evaluation pass."""
        program, plan = self._family.program, self.plan
        size, framing = program.training.evaluation_batch_size, program.network.framing
        draw = functools.partial(program.task.evaluation_batch, index, size, split, framing)
        return draw_on(NamedSharding(plan.mesh, plan.per_row) if plan.devices > 1 else None, draw, data)

    def _evaluation_shapes(self, split: str) -> Batch:
        """Return the shapes of an evaluation batch."""
        draw = functools.partial(self._evaluation_batch, split, jnp.int32(0))
        return jax.eval_shape(draw, self._family.program.task.data)


def compiled_functions(family: Family, plan: Plan) -> CompiledFunctions:
    """Return the functions of a family under a plan; the last few are kept with what they have compiled.

    Families that differ in cadences and the like share them, as do those that differ in `training.steps`
    where no part of the program changes with the share of the updates that are made.
    """
    steps = family.program.training.steps if family.program.staged else None
    return _kept(dataclasses.replace(family, key=(family.compile_key, steps)), plan)


@functools.lru_cache(maxsize=4)
def _kept(family: Family, plan: Plan) -> CompiledFunctions:
    return CompiledFunctions(family, plan)


def resident_data(task: Task, plan: Plan) -> Any:
    """Return a task's resident arrays on the devices of a plan; families with equal tasks share one copy."""
    return _placed(task, source_stamp(task), NamedSharding(plan.mesh, REPLICATED))


@functools.lru_cache(maxsize=2)
def _placed(task: Task, source: Hashable, where: NamedSharding) -> Any:
    return devices.put(task.data, where)
