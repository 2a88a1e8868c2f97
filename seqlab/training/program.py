"""Pure functions of a run: its first state, one update, and the diagnostics of an update."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, cast

import jax
import jax.numpy as jnp
import optax

from seqlab.architectures import Network, Recurrent
from seqlab.diagnostics import Diagnostic, Observation, Update, is_due
from seqlab.diagnostics.statistics import count_nonfinite
from seqlab.metrics import Mean, Measures
from seqlab.recurrence import AUTO_SETTINGS, RecurrenceSettings
from seqlab.recurrence.norms import ScaledNorm, all_finite, global_norm
from seqlab.tasks.buckets import Buckets, in_bucket
from seqlab.tasks.task import Task
from seqlab.training.bucketed import mean_tokens
from seqlab.training.clipping import Clipping
from seqlab.training.evaluation import OF_TASK
from seqlab.training.objective import Backpropagated, Objective
from seqlab.training.plateau import Plateau
from seqlab.training.settings import Training
from seqlab.training.state import TrainState, in_default_precision, select, stream
from seqlab.training.transformations import evaluates_loss, with_transformations
from seqlab.types import Batch, IncompatibleError, Metrics, Params


@dataclasses.dataclass(frozen=True)
class Program:
    """A run as pure functions of its state.

    Attributes:
        task: the task.
        network: the network.
        optimizer: the optimiser, without clipping.
        training: batch size, clipping, cadences.
        diagnostics: what the rows contain in addition to the metrics of the steps.
        measures: the loss and the metrics that are not the task's.
        recurrence: how recurrences are computed; "auto", which `seqlab.runs` decides, is "full" here.
        plateau: a learning rate that follows the evaluations; None for none.
        axis: the mesh axis that a batch's rows are spread over, inside `shard_map`; None on one device.
        lockstep: the `vmap` axis of runs that are stepped together; None where a run is stepped alone.

    Raises:
        IncompatibleError: the network lacks an option of the backward pass, or reads a stream backwards.
    """

    task: Task
    network: Network
    optimizer: optax.GradientTransformation
    training: Training
    diagnostics: tuple[Diagnostic, ...] = ()
    measures: Measures = OF_TASK
    recurrence: RecurrenceSettings = AUTO_SETTINGS
    plateau: Plateau | None = None
    axis: str | None = None
    lockstep: str | None = None

    def __post_init__(self) -> None:
        self.network.check_backward(self.recurrence.applied(self.training.backward))
        if self.task.stream and isinstance(self.network, Recurrent) and self.network.bidirectional:
            raise IncompatibleError(
                "architecture.bidirectional=true does not fit task.stream=true, which has no future to read: "
                "legal value is false"
            )

    def init(self, seed: jax.Array, data: Any) -> TrainState:
        """Return the state before the first step.

        Args:
            seed: uint32 scalar.
            data: the task's resident arrays.
        """
        batch = self.batch(seed, jnp.int32(0), data)
        params = in_default_precision(self.network.init(stream(seed, "params"), batch))
        return self._first_state(seed, params, batch)

    def begin(self, seed: jax.Array, params: Params, data: Any) -> TrainState:
        """Return the state before the first step of a run that begins from given parameters.

        Args:
            seed: uint32 scalar.
            params: the parameters.
            data: the task's resident arrays.
        """
        return self._first_state(seed, params, self.batch(seed, jnp.int32(0), data))

    def _first_state(self, seed: jax.Array, params: Params, batch: Batch) -> TrainState:
        carries: Any = ()
        if self.task.stream and isinstance(self.network, Recurrent):
            carries = self.network.initial_carries(params, batch)
        return TrainState(jnp.int32(0), jnp.uint32(seed), params, self._transformation.init(params), carries)

    def batch(self, seed: jax.Array, step: jax.Array, data: Any) -> Batch:
        """Draw the whole batch of the update that follows `step` updates.

        Args:
            seed: uint32 scalar.
            step: int32 scalar.
            data: the task's resident arrays.
        """
        key, size = stream(seed, "batches"), self.training.batch_size
        if self.training.distinct_batches is not None:
            step = step % self.training.distinct_batches
        if self.task.stream:
            return self.task.stream_batch(key, step, size, self.network.framing, data)
        data = in_bucket(self.task.at_stage(data, self._progress(step)), self.buckets, step)
        key = jax.random.fold_in(key, step)
        return self.task.batch(key, size, "train", self.network.framing, data)

    def step(self, state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
        """Make one update; where the loss, gradient or update is not finite, leave the state unchanged.

        With `training.on_nonfinite=skip`, such a step counts, but changes nothing else.

        Args:
            state: the state before the update.
            batch: this device's rows of the batch that `batch` draws for the state.

        Returns:
            The next state, and the metrics of the step: scalars, and `Mean`s of what a row averages over the
            steps since the row before.
        """
        found = self.objective.differentiate(state, batch)
        norm = global_norm(found.grads)
        finite = jnp.isfinite(found.means["loss"].total) & jnp.isfinite(norm.relative)
        grads, clipped_norm = self._clipping.elements(found.grads, norm)
        updates, optimizer_state = self._updates(state, batch, found, grads, clipped_norm)
        finite &= all_finite(updates)  # a second gradient, as of SAM, may not be
        params = cast("Params", optax.apply_updates(state.params, updates))
        after = TrainState(state.step + 1, state.seed, params, optimizer_state, found.carries)
        metrics = {f"train/{name}": mean for name, mean in found.means.items()}
        metrics |= {"grads/norm": norm.value, **self._clipping.metrics(clipped_norm)}
        if found.omega is not None:
            metrics["grads/omega"] = found.omega
        if self.training.on_nonfinite != "skip":
            return select(finite, after, state), metrics
        skipped = state._replace(step=state.step + 1)
        return select(finite, after, skipped), _without_skipped(metrics, finite)

    def observe(self, state: TrainState, value: jax.Array, flag: jax.Array) -> TrainState:
        """Return the state after an evaluation, for a program with a `plateau`.

        Args:
            state: the state.
            value: scalar, what `Plateau.value_of` returns.
            flag: bool scalar, False for a run that is not to be changed.
        """
        assert self.plateau is not None
        after = self.plateau.after(state.optimizer_state, value)
        return select(flag, state._replace(optimizer_state=after), state)

    def diagnose(self, state: TrainState, batch: Batch, every: int | None = None) -> Metrics:
        """Return the results of the diagnostics of one cadence, for the update that `step` would make.

        Args:
            state: the state before the update.
            batch: this device's rows of the update's batch.
            every: the cadence, one of `cadences`.
        """

        def differentiate() -> Update:
            probes = self.network.zero_probes(state.params, batch)
            found = self.objective.differentiate(state, batch, probes)
            bounded = self._clipping.elements(found.grads, global_norm(found.grads))
            return Update(found.grads, self._updates(state, batch, found, *bounded)[0], found.flow)

        carries = state.carries if self.task.stream else None
        seen = Observation(self.network, state.params, batch, carries, self.axis, differentiate)
        results: dict[str, Any] = {}
        for diagnostic in self.diagnostics:
            if diagnostic.every == every:
                results |= diagnostic.diagnose(seen)
        return results

    def count_nonfinite(self, state: TrainState, batch: Batch) -> dict[str, jax.Array]:
        """Return how many elements of each parameter's gradient are not finite, int32 scalars by path."""
        return count_nonfinite(self.objective.differentiate(state, batch).grads)

    @property
    def buckets(self) -> Buckets | None:
        """The buckets that batches are drawn from; None where each may hold any row."""
        return self.task.buckets(self.network.framing)

    @property
    def cadences(self) -> tuple[int | None, ...]:
        """The cadences of the diagnostics, each once."""
        return tuple(dict.fromkeys(diagnostic.every for diagnostic in self.diagnostics))

    def has_row(self, step: int) -> bool:
        """Return whether a step is due a row."""
        return step % self.training.log_every == 0 or step == self.training.steps

    def due(self, step: int) -> tuple[int | None, ...]:
        """Return the cadences of the diagnostics that a row at a step holds."""
        return tuple(every for every in self.cadences if is_due(every, step, self.training.log_every))

    @functools.cached_property
    def staged(self) -> tuple[str, ...]:
        """The parts that change with the share of the updates that are made, so with `training.steps` too."""
        data, half = self.task.data, jnp.float32(0.5)
        leaves = zip(jax.tree.leaves(data), jax.tree.leaves(self.task.at_stage(data, half)), strict=True)
        parts = {
            "task": any(one is not other for one, other in leaves),
            "architecture": self.network.at_stage(half) is not self.network,
        }
        return tuple(name for name, changes in parts.items() if changes)

    @functools.cached_property
    def shapes(self) -> TrainState:
        """The shapes and dtypes of a state."""
        return jax.eval_shape(self.init, jnp.uint32(0), self.task.data)

    @functools.cached_property
    def evaluates_loss(self) -> bool:
        """Whether the optimiser calls the loss, so that it must run on one device."""
        return evaluates_loss(self._transformation, self.shapes.params)

    @functools.cached_property
    def tokens_per_step(self) -> int:
        """The mean positions of a batch's inputs or targets, whichever are more, with padding."""
        batch = jax.eval_shape(lambda: self.batch(jnp.uint32(0), jnp.int32(0), self.task.data))
        framing = self.network.framing
        specs = self.task.input_spec(framing), self.task.output_spec(framing)
        return mean_tokens(batch, specs, self.buckets)

    def _progress(self, step: jax.Array) -> jax.Array:
        """Return the share of the updates that are made."""
        return step / max(1, self.training.steps)

    @property
    def objective(self) -> Objective:
        """The loss that is minimised."""
        return Objective(self.task, self.network, self.training, self.measures, self.recurrence, self.axis)

    @functools.cached_property
    def _transformation(self) -> optax.GradientTransformationExtraArgs:
        """The optimiser with what the settings add to it."""
        return with_transformations(self.optimizer, self.training, self.plateau)

    @property
    def _clipping(self) -> Clipping:
        """The limits of the gradients."""
        return Clipping(self.training.clip_value, self.training.clip_norm)

    def _updates(
        self, state: TrainState, batch: Batch, found: Backpropagated, grads: Params, norm: ScaledNorm
    ) -> tuple[Params, Any]:
        """Return what the optimiser adds to the parameters, and its next state.

        An optimiser finds more than the gradient by optax's names: the loss as `value`, its functions
        `value_fn`, `obj_fn` and `grad_fn` on the same batch, and `grad`. The gradients are clipped.
        """
        objective, grads = self.objective, self._clipping.by_norm(grads, norm)

        def value_fn(params: Params, obj_fn: Any = 0, grad_fn: Any = 0, seed: Any = 0, step: Any = 0) -> Any:
            return objective.value(state, batch, params)  # a line search passes on what it does not know

        def grad_fn(params: Params, *_: Any) -> Params:
            raw = objective.differentiate(state, batch, params=params).grads
            return self._clipping.both(raw)

        updates = self._transformation.update(
            *(grads, state.optimizer_state, state.params),
            value=found.means["loss"].value,
            grad=grads,
            value_fn=value_fn,
            obj_fn=value_fn,
            grad_fn=grad_fn,
            seed=state.seed,
            step=state.step,
        )
        return cast("tuple[Params, Any]", updates)


def _without_skipped(metrics: Metrics, finite: jax.Array) -> Metrics:
    """Return metrics whose means leave out a step that is not finite, with `grads/skipped`, its share."""
    kept = {
        key: Mean(*(jnp.where(finite, part, 0) for part in value)) if isinstance(value, Mean) else value
        for key, value in metrics.items()
    }
    share = Mean(jnp.logical_not(finite).astype(float), jnp.ones((), float))
    return {**kept, "grads/skipped": share}
