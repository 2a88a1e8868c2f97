"""What is trained? The pure functions of a run: its first state, one step, many steps."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from seqlab.architectures import Network
from seqlab.diagnostics import Settings, recurrent
from seqlab.diagnostics.statistics import count_nonfinite, update_statistics
from seqlab.diagnostics.through_time import through_time
from seqlab.metrics import Mean
from seqlab.recurrence import Backward, GradientControl
from seqlab.recurrence.norms import ScaledNorm, clip_by_global_norm, clip_elements, global_norm
from seqlab.tasks.task import Task
from seqlab.training import devices
from seqlab.training.branches import once_if, only_if, zeros_of
from seqlab.training.evaluation import judge
from seqlab.training.packing import Packed, pack
from seqlab.training.rows import Occasional
from seqlab.training.settings import Training
from seqlab.training.state import TrainState, stream
from seqlab.types import Batch, IncompatibleError, Metrics, Params

AHEAD_BYTES = 2**24
"""How much memory the batches that are drawn ahead may take, unless a single one takes more."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A run as pure functions of the state; nothing here touches the host.

    Attributes:
        task: what is learnt.
        architecture: the framing's name.
        network: what learns it.
        optimizer: how parameters change, clipping aside.
        training: batch size, clipping, steps a call.
        gradients: how much is told of gradients, and how often.
        num_devices: over how many devices a batch's rows are spread; above one, all runs inside `shard_map`.
        lockstep: the `vmap` axis of runs that step together; None for a run that steps by itself.

    Raises:
        IncompatibleError: options of the backward pass that the network lacks, or a stream read backwards.
    """

    task: Task
    architecture: str
    network: Network
    optimizer: optax.GradientTransformation
    training: Training
    gradients: Settings
    num_devices: int = 1
    lockstep: str | None = None

    def __post_init__(self) -> None:
        self.network.check_backward(self.training.backward)
        if self.task.stream and self.network.bidirectional:
            raise IncompatibleError(
                "architecture.bidirectional=true does not fit task.stream=true, which knows the past alone: "
                "legal value is false"
            )

    def init(self, seed: jax.Array, data: Any) -> TrainState:
        """Return the state before the first step.

        Args:
            seed: uint32 scalar.
            data: the task's resident arrays.
        """
        batch = self._batch(seed, jnp.int32(0), data)
        params = self.network.init(stream(seed, "params"), batch)
        carries = self.network.initial_carries(params, batch) if self.task.stream else ()
        return TrainState(jnp.int32(0), jnp.uint32(seed), params, self.optimizer.init(params), carries)

    def step(
        self, state: TrainState, batch: Batch, going: jax.Array | bool = True, watched: bool = True
    ) -> tuple[TrainState, Metrics, Callable[[], Metrics]]:
        """Make one update, unless the loss or a gradient is not finite: then nothing but the metrics.

        Args:
            state: the state to go on from.
            batch: the step's, as `batches` draws it.
            going: bool scalar, False where the state is to stay whatever is found.
            watched: whether a row may tell of this step, which then costs more.

        Returns:
            The next state; the step's metrics, which are scalars, `Mean`s for what a row averages over the
            steps since the last, and `grads/nonfinite`, a count for each parameter in the order of `by_path`;
            and what a row tells besides, scalars, lists over t and `Occasional`s, computed when called.
        """
        batch = devices.share(batch, self.num_devices)
        key = jax.random.fold_in(stream(state.seed, "dropout"), state.step)
        key = devices.own_key(key, self.num_devices)

        watched &= self.gradients.norms
        probes = self.network.zero_probes(state.params, batch) if watched else None

        def objective(
            params: Params, probes: Any, control: GradientControl
        ) -> tuple[jax.Array, tuple[dict[str, Mean], Any]]:
            network = self.network.at_stage(self._progress(state.step))
            backward = self.training.backward._replace(control=control)
            carries, predictions = self._predict(network, params, state.carries, batch, key, probes, backward)
            means = judge(self, predictions, batch)
            weight = devices.total(means["loss"].weight, self.num_devices)
            return means["loss"].total / weight, (means, carries)

        gradients = jax.value_and_grad(objective, (0, 1, 2), has_aux=True)
        (_, (means, carries)), (grads, flow, slopes) = gradients(
            state.params, probes, self.training.backward.control
        )
        means, grads, slopes = devices.total((means, grads, slopes), self.num_devices)
        norm = global_norm(grads)
        finite = jnp.isfinite(means["loss"].total) & jnp.isfinite(norm.relative)
        bounded = self._bounded(grads, norm)
        metrics = {
            **{f"train/{name}": mean for name, mean in (means | self._padding(batch)).items()},
            "grads/norm": norm.value,
            **self._clipping(bounded[1]),
            "grads/nonfinite": only_if(self._any(~finite), lambda: count_nonfinite(grads)),
        }
        if slopes.omega is not None:
            metrics["grads/omega"] = slopes.omega / self.training.batch_size

        def tell() -> Metrics:
            if not watched:
                return {}
            told = self._statistics(state, grads, bounded) | self._through_time(flow, batch)
            return told | self._recurrence(state, batch)

        def moved(state: TrainState) -> TrainState:
            updates, optimizer_state = self._updates(state, *bounded)
            params = optax.apply_updates(state.params, updates)
            return state._replace(
                step=state.step + 1, params=params, optimizer_state=optimizer_state, carries=carries
            )

        return once_if(finite & going, moved, state), metrics, tell

    def _progress(self, step: jax.Array) -> jax.Array:
        """Return the share of the updates that are made."""
        return step / max(1, self.training.steps)

    def _predict(
        self,
        network: Network,
        params: Params,
        carries: Any,
        batch: Batch,
        key: jax.Array,
        probes: Any,
        backward: Backward,
    ) -> tuple[Any, jax.Array]:
        """Return the carries after a training batch, and the predictions."""
        if self.task.stream:
            return network.apply_with_carries(carries, params, batch, key, probes, backward)
        return carries, network.apply(params, batch, key, probes, backward)

    def _padding(self, batch: Batch) -> dict[str, Mean]:
        """Return the share of a batch's steps that are padding, where its sequences have lengths."""
        if batch.lengths is None:
            return {}
        steps = jnp.float32(len(batch.lengths) * batch.inputs.shape[1])
        return devices.total({"padding": Mean(steps - batch.lengths.sum(), steps)}, self.num_devices)

    def _bounded(self, grads: Params, norm: ScaledNorm) -> tuple[Params, ScaledNorm]:
        """Return the gradients with their elements clipped, and the norm of that."""
        if self.training.clip_value is None:
            return grads, norm
        grads = clip_elements(grads, self.training.clip_value)
        return grads, global_norm(grads)

    def _updates(self, state: TrainState, grads: Params, norm: ScaledNorm) -> tuple[Params, Any]:
        """Return what the optimiser adds to the parameters, and its next state."""
        if self.training.clip_norm is not None:
            grads = clip_by_global_norm(grads, norm, self.training.clip_norm)
        return self.optimizer.update(grads, state.optimizer_state, state.params)

    def _clipping(self, norm: ScaledNorm) -> Metrics:
        """Tell how far the global norm was clipped, of gradients whose elements already were."""
        limit = jnp.inf if self.training.clip_norm is None else self.training.clip_norm
        return {
            "grads/norm_clipped": jnp.minimum(norm.value, limit),
            "grads/clipped": Mean((norm.value > limit).astype(jnp.float32), jnp.float32(1)),
        }

    def _statistics(self, state: TrainState, grads: Params, bounded: tuple[Params, ScaledNorm]) -> Metrics:
        """Return the norms by parameter; the updates are made anew, so that no step keeps them for it."""
        return update_statistics(state.params, grads, self._updates(state, *bounded)[0])

    def _through_time(self, flow: Any, batch: Batch) -> Metrics:
        """Return how the gradient flowed back through time; nothing where nothing recurs."""
        return {} if flow is None else through_time(flow, self.network.layer_lengths(batch), self._axis)

    def _recurrence(self, state: TrainState, batch: Batch) -> Metrics:
        """Return what the gates did, and now and then how the recurrence stretches the state."""
        carries = state.carries if self.task.stream else None
        met = recurrent.follow(self.network, state.params, batch, carries)
        gates = recurrent.gates(met, self._axis)
        if not (self.gradients.full and met):
            return gates
        costly = self._any(self.gradients.is_due(state.step + 1, self.training.log_every))
        own = self.network.stack, self.network.layer_params(state.params)
        stretched = only_if(costly, lambda: recurrent.jacobians(*own, met, self._axis))
        return gates | {key: Occasional(value, costly) for key, value in stretched.items()}

    @property
    def _axis(self) -> str | None:
        return devices.ROWS if self.num_devices > 1 else None

    def advance(
        self, state: TrainState, span: jax.Array, going: jax.Array, data: Any
    ) -> tuple[TrainState, Metrics, Packed]:
        """Make the updates from one step to another in one dispatch, up to the first that is not finite.

        Args:
            state: the state to go on from.
            span: int32 `(2,)`, the step that the state is at and the one to stop at, at most
                `training.next_stop`; it may vary without compiling again.
            going: bool scalar, False where nothing is to be done.
            data: the task's resident arrays.

        Returns:
            The last state; the metrics of each step tried, stacked on a leading axis of `steps_per_call`,
            anything past the last; and what a row tells besides, where the last step tried is due one.
        """
        start, stop = span
        # Only the last step may be due a row, and to be able to tell costs every step: probes in the backward
        # pass, a copy of the state before. So the last step stands apart, after the loop.
        apart = int(self.gradients.norms)
        one = jax.eval_shape(self._batch, state.seed, state.step, data)
        metrics = jax.eval_shape(lambda *step: self.step(*step)[1], state, one)
        vector, restored = ravel_pytree(zeros_of(metrics))
        rows = jnp.zeros((self.training.steps_per_call, len(vector)), vector.dtype)
        ahead = jax.eval_shape(self.batches, state, data)
        num_ahead = len(ahead.mask)

        def put(metrics: Metrics, rows: jax.Array, index: jax.Array) -> jax.Array:
            return jax.lax.dynamic_update_index_in_dim(rows, ravel_pytree(metrics)[0], index, 0)

        def body(loop: tuple) -> tuple:
            tried, _, unfailing, current, ahead, rows = loop
            index = tried % num_ahead
            ahead = jax.lax.cond(index == 0, lambda: self.batches(current, data), lambda: ahead)
            batch = jax.tree.map(lambda leaf: leaf[index], ahead)
            after, metrics, _ = self.step(current, batch, unfailing, watched=False)
            unfailing &= after.step > current.step
            return tried + 1, self._any(unfailing), unfailing, after, ahead, put(metrics, rows, tried)

        loop = jnp.int32(0), self._any(going), going, state, zeros_of(ahead), rows
        loop = jax.lax.while_loop(lambda loop: loop[1] & (loop[0] < stop - start - apart), body, loop)
        *_, state, _, rows = loop
        if not apart:
            return state, jax.vmap(restored)(rows), pack({})
        # Where a step before it was not finite, that one is the last, and is tried again to tell of it.
        batch = self._batch(state.seed, state.step, data)
        after, metrics, tell = self.step(state, batch, going)
        step = state.step + 1
        due = (step % self.training.log_every == 0) | (step == self.training.steps) | (after.step < step)
        told = only_if(self._any(going & due), lambda: pack(tell()))
        rows = put(metrics, rows, state.step - start)
        return after, jax.vmap(restored)(rows), told

    def _any(self, flag: jax.Array) -> jax.Array:
        """Say whether a flag holds for any run of the lockstep: a branch is taken by all or by none."""
        return flag if self.lockstep is None else jax.lax.pmax(flag.astype(jnp.int32), self.lockstep) > 0

    def batches(self, state: TrainState, data: Any) -> Batch:
        """Draw the next batches at once, stacked on a leading axis: those of a dispatch, or 16 MB of them.

        Each is a function of (seed, step), however many are drawn; together they cost less than one by one,
        where they are small.
        """
        batch = jax.eval_shape(self._batch, state.seed, state.step, data)
        num_bytes = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(batch))
        num_batches = max(1, min(self.training.steps_per_call, AHEAD_BYTES // num_bytes))
        draw = lambda step: self._batch(state.seed, step, data)  # noqa: E731
        return jax.vmap(draw)(state.step + jnp.arange(num_batches))

    @functools.cached_property
    def shapes(self) -> TrainState:
        """The shapes and dtypes of a state."""
        return jax.eval_shape(self.init, jnp.uint32(0), self.task.data)

    @functools.cached_property
    def tokens_per_step(self) -> int:
        """How many positions a batch has, the longer of its inputs and its targets, padding included."""
        batch = jax.eval_shape(lambda: self._batch(jnp.uint32(0), jnp.int32(0), self.task.data))
        specs = (self.task.input_spec(self.architecture), self.task.output_spec(self.architecture))
        return max(
            math.prod(array.shape[: array.ndim - len(spec.shape)])
            for array, spec in zip((batch.inputs, batch.targets), specs, strict=True)
        )

    def _batch(self, seed: jax.Array, step: jax.Array, data: Any) -> Batch:
        key, size = stream(seed, "batches"), self.training.batch_size
        if self.task.stream:
            return self.task.stream_batch(key, step, size, self.architecture, data)
        data = self.task.at_stage(data, self._progress(step))
        return self.task.batch(jax.random.fold_in(key, step), size, "train", self.architecture, data)
