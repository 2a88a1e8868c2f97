"""Pure functions of a run: its first state, one update, and the diagnostics of an update."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax

from seqlab.architectures import Network, Recurrent
from seqlab.diagnostics import Diagnostic, Observation, Update, is_due
from seqlab.diagnostics.statistics import count_nonfinite
from seqlab.metrics import Mean, Measures
from seqlab.recurrence import AUTO_SETTINGS, GradientControl, Settings
from seqlab.recurrence.norms import ScaledNorm, clip_by_global_norm, clip_elements, global_norm
from seqlab.tasks.buckets import Buckets, in_bucket
from seqlab.tasks.task import Task
from seqlab.training import devices
from seqlab.training.bucketed import mean_tokens
from seqlab.training.evaluation import OF_TASK, measure
from seqlab.training.settings import Training
from seqlab.training.state import TrainState, select, stream
from seqlab.types import Batch, IncompatibleError, Metrics, Params


class Backpropagated(NamedTuple):
    """The results of the forward and backward pass of a batch, over all devices.

    Attributes:
        means: the loss and the metrics.
        grads: ∂L/∂θ, L being the batch-mean loss.
        omega: the mean of Pascanu et al.'s Ω over the sequences; None where it is not asked for.
        carries: the carries after the batch, of this device's rows.
        flow: the gradient of the probes, of this device's rows; None without probes.
    """

    means: dict[str, Mean]
    grads: Params
    omega: jax.Array | None
    carries: Any
    flow: Any


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
        recurrence: how recurrences are computed; "auto" is for `make_family` to decide, and "full" here.
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
    recurrence: Settings = AUTO_SETTINGS
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
        params = _in_default_precision(self.network.init(stream(seed, "params"), batch))
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
        return TrainState(jnp.int32(0), jnp.uint32(seed), params, self.optimizer.init(params), carries)

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
        """Make one update; where the loss or the gradient is not finite, leave the state unchanged.

        With `training.on_nonfinite=skip`, such a step counts, but changes nothing else.

        Args:
            state: the state before the update.
            batch: this device's rows of the batch that `batch` draws for the state.

        Returns:
            The next state, and the metrics of the step: scalars, and `Mean`s of what a row averages over the
            steps since the row before.
        """
        found = self._backpropagate(state, batch)
        norm = global_norm(found.grads)
        finite = jnp.isfinite(found.means["loss"].total) & jnp.isfinite(norm.relative)
        grads, clipped_norm = self._clip_elements(found.grads, norm)
        updates, optimizer_state = self._updates(state, grads, clipped_norm)
        params = cast("Params", optax.apply_updates(state.params, updates))
        after = TrainState(state.step + 1, state.seed, params, optimizer_state, found.carries)
        metrics = {f"train/{name}": mean for name, mean in found.means.items()}
        metrics |= {"grads/norm": norm.value, **self._clipping(clipped_norm)}
        if found.omega is not None:
            metrics["grads/omega"] = found.omega
        if self.training.on_nonfinite != "skip":
            return select(finite, after, state), metrics
        skipped = state._replace(step=state.step + 1)
        return select(finite, after, skipped), _without_skipped(metrics, finite)

    def diagnose(self, state: TrainState, batch: Batch, every: int | None = None) -> Metrics:
        """Return the results of the diagnostics of one cadence, for the update that `step` would make.

        Args:
            state: the state before the update.
            batch: this device's rows of the update's batch.
            every: the cadence, one of `cadences`.
        """

        def differentiate() -> Update:
            probes = self.network.zero_probes(state.params, batch)
            found = self._backpropagate(state, batch, probes)
            bounded = self._clip_elements(found.grads, global_norm(found.grads))
            return Update(found.grads, self._updates(state, *bounded)[0], found.flow)

        carries = state.carries if self.task.stream else None
        seen = Observation(self.network, state.params, batch, carries, self.axis, differentiate)
        results: dict[str, Any] = {}
        for diagnostic in self.diagnostics:
            if diagnostic.every == every:
                results |= diagnostic.diagnose(seen)
        return results

    def count_nonfinite(self, state: TrainState, batch: Batch) -> dict[str, jax.Array]:
        """Return how many elements of each parameter's gradient are not finite, int32 scalars by path."""
        return count_nonfinite(self._backpropagate(state, batch).grads)

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
    def tokens_per_step(self) -> int:
        """The mean positions of a batch's inputs or targets, whichever are more, with padding."""
        batch = jax.eval_shape(lambda: self.batch(jnp.uint32(0), jnp.int32(0), self.task.data))
        framing = self.network.framing
        specs = self.task.input_spec(framing), self.task.output_spec(framing)
        return mean_tokens(batch, specs, self.buckets)

    def _progress(self, step: jax.Array) -> jax.Array:
        """Return the share of the updates that are made."""
        return step / max(1, self.training.steps)

    def _backpropagate(self, state: TrainState, batch: Batch, probes: Any = None) -> Backpropagated:
        """Run a batch forward and backward.

        Each device differentiates its share of the loss, the sum over its rows divided by the weight of all
        rows. So the sums over the devices are the loss and its gradient.
        """
        key = devices.local_key(jax.random.fold_in(stream(state.seed, "dropout"), state.step), self.axis)
        network = self.network.at_stage(self._progress(state.step))
        backward = self.recurrence.applied(self.training.backward)

        def objective(params: Params, probes: Any, control: GradientControl) -> tuple[jax.Array, Any]:
            options = key, probes, backward._replace(control=control)
            if self.task.stream and isinstance(network, Recurrent):
                carries, predictions = network.apply_with_carries(state.carries, params, batch, *options)
            else:
                carries, predictions = state.carries, network.apply(params, batch, *options)
            means = measure(self.task, network, predictions, batch, self.measures) | _padding(batch)
            total, weight = means["loss"]
            return total / devices.total(weight, self.axis), (means, carries)

        differentiate = jax.grad(objective, (0, 1, 2), has_aux=True)
        (grads, flow, slopes), (means, carries) = differentiate(state.params, probes, backward.control)
        omega = None if slopes.omega is None else slopes.omega / self.training.batch_size
        means, grads, omega = devices.total((means, grads, omega), self.axis)
        return Backpropagated(means, grads, omega, carries, flow)

    def _clip_elements(self, grads: Params, norm: ScaledNorm) -> tuple[Params, ScaledNorm]:
        """Return the gradients with their elements clipped, and the norm of these."""
        if self.training.clip_value is None:
            return grads, norm
        grads = clip_elements(grads, self.training.clip_value)
        return grads, global_norm(grads)

    def _updates(self, state: TrainState, grads: Params, norm: ScaledNorm) -> tuple[Params, Any]:
        """Return what the optimiser adds to the parameters, and its next state."""
        if self.training.clip_norm is not None:
            grads = clip_by_global_norm(grads, norm, self.training.clip_norm)
        updates = self.optimizer.update(grads, state.optimizer_state, state.params)
        return cast("tuple[Params, Any]", updates)

    def _clipping(self, norm: ScaledNorm) -> Metrics:
        """Return the metrics of clipping by the global norm, of gradients with clipped elements."""
        limit = jnp.inf if self.training.clip_norm is None else self.training.clip_norm
        clipped = Mean((norm.value > limit).astype(norm.value.dtype), jnp.ones_like(norm.value))
        return {"grads/norm_clipped": jnp.minimum(norm.value, limit), "grads/clipped": clipped}


def _in_default_precision(params: Params) -> Params:
    """Return parameters in JAX's default floating dtype; with `JAX_ENABLE_X64=1` Flax has some in float32."""
    dtype = jnp.result_type(float)
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if jnp.isdtype(leaf.dtype, "real floating") else leaf, params
    )


def _without_skipped(metrics: Metrics, finite: jax.Array) -> Metrics:
    """Return metrics whose means leave out a step that is not finite, with `grads/skipped`, its share."""
    kept = {
        key: Mean(*(jnp.where(finite, part, 0) for part in value)) if isinstance(value, Mean) else value
        for key, value in metrics.items()
    }
    share = Mean(jnp.logical_not(finite).astype(float), jnp.ones((), float))
    return {**kept, "grads/skipped": share}


def _padding(batch: Batch) -> dict[str, Mean]:
    """Return the share of a batch's steps that are padding; empty for a batch without lengths."""
    if batch.lengths is None:
        return {}
    steps = jnp.asarray(len(batch.lengths) * batch.inputs.shape[1], float)
    return {"padding": Mean(steps - batch.lengths.sum(), steps)}
