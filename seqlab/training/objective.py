"""Forward and backward pass of a batch: its loss, its metrics and ∂L/∂θ, at once or in microbatches."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqlab.architectures import Network, Recurrent
from seqlab.metrics import Mean, Measures
from seqlab.recurrence import GradientControl, RecurrenceSettings
from seqlab.tasks.task import Task
from seqlab.training import devices
from seqlab.training.evaluation import measure
from seqlab.training.mixed_precision import in_bfloat16
from seqlab.training.settings import Training
from seqlab.training.state import TrainState, stream
from seqlab.types import Batch, Params, Tree


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
class Objective:
    """The loss that a run minimises, as a function of its state and a batch.

    Attributes:
        task: the task.
        network: the network.
        training: the options of the backward pass, and the number of microbatches.
        measures: the loss and the metrics that are not the task's.
        recurrence: how recurrences are computed.
        axis: the mesh axis that a batch's rows are spread over, inside `shard_map`; None on one device.
    """

    task: Task
    network: Network
    training: Training
    measures: Measures
    recurrence: RecurrenceSettings
    axis: str | None

    def differentiate(
        self, state: TrainState, batch: Batch, probes: Any = None, params: Params | None = None
    ) -> Backpropagated:
        """Run a batch forward and backward.

        Each device differentiates its share of the loss, the sum over its rows divided by the weight of all
        rows. So the sums over the devices are the loss and its gradient.

        Args:
            state: the state before the update, whose masks of dropout and stage of the network are used.
            batch: this device's rows.
            probes: the probes of the network; None for none.
            params: the parameters; those of the state by default.
        """
        params = state.params if params is None else params
        if self.training.accumulate == 1:
            found = self._of_rows(state, params, state.carries, batch, probes)
        else:
            found = self._accumulated(state, params, batch, probes)
        omega = None if found.omega is None else found.omega / self.training.batch_size
        means, grads, omega = devices.total((found.means, found.grads, omega), self.axis)
        return Backpropagated(means, grads, omega, found.carries, found.flow)

    def value(self, state: TrainState, batch: Batch, params: Params) -> jax.Array:
        """Return the loss of a batch at some parameters, over all devices."""
        means, _ = self._forward(state, params, state.carries, batch, self._key(state))
        total, weight = devices.total(means["loss"], self.axis)
        return total / weight

    def _accumulated(self, state: TrainState, params: Params, batch: Batch, probes: Any) -> Backpropagated:
        """Run equal shares of the rows one after another, and add up their gradients.

        Each share is divided by the weight of the whole batch, so the sum is the gradient of the whole.
        """
        weight = self._forward(state, params, state.carries, batch, self._key(state))[0]["loss"].weight
        count = self.training.accumulate
        shares = jax.tree.map(
            lambda leaf: leaf.reshape(count, leaf.shape[0] // count, *leaf.shape[1:]),
            (state.carries, batch, probes),
        )

        def of_share(index: jax.Array, share: Tree) -> tuple[Tree, Tree]:
            carries, rows, probes = share
            found = self._of_rows(state, params, carries, rows, probes, weight, index)
            return (found.means, found.grads, found.omega), (found.carries, found.flow)

        def add(sums: Tree, indexed: tuple[jax.Array, Tree]) -> tuple[Tree, Tree]:
            summed, rows = of_share(*indexed)
            return jax.tree.map(jnp.add, sums, summed), rows

        first = jax.tree.map(lambda leaf: leaf[0], shares)
        shapes, _ = jax.eval_shape(of_share, jnp.int32(0), first)
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        (means, grads, omega), rows = jax.lax.scan(add, zeros, (jnp.arange(count), shares))
        carries, flow = jax.tree.map(lambda leaf: jax.lax.collapse(leaf, 0, 2), rows)
        return Backpropagated(means, grads, omega, carries, flow)

    def _of_rows(
        self,
        state: TrainState,
        params: Params,
        carries: Any,
        batch: Batch,
        probes: Any,
        weight: Any = None,
        index: jax.Array | None = None,
    ) -> Backpropagated:
        """Run rows forward and backward; the results are sums over these rows of this device.

        Args:
            state: the state before the update.
            params: the parameters.
            carries: the carries of the rows.
            batch: the rows.
            probes: the probes of the rows; None for none.
            weight: what the loss of this device is divided by, summed over the devices; None for the rows'
                own.
            index: the number of the microbatch; None for a whole batch.
        """
        key = self._key(state)
        key = key if index is None else jax.random.fold_in(key, index)

        def objective(params: Params, probes: Any, control: GradientControl) -> tuple[jax.Array, Any]:
            means, after = self._forward(state, params, carries, batch, key, probes, control)
            total, own = means["loss"]
            whole = devices.total(own if weight is None else weight, self.axis)
            return total / whole, (means, after)

        differentiate = jax.grad(objective, (0, 1, 2), has_aux=True)
        if self.training.precision == "bfloat16":
            differentiate = in_bfloat16(differentiate)
        control = self.recurrence.applied(self.training.backward).control
        (grads, flow, slopes), (means, after) = differentiate(params, probes, control)
        return Backpropagated(means, grads, slopes.omega, after, flow)

    def _forward(
        self,
        state: TrainState,
        params: Params,
        carries: Any,
        batch: Batch,
        key: jax.Array,
        probes: Any = None,
        control: GradientControl | None = None,
    ) -> tuple[dict[str, Mean], Any]:
        """Return the loss and the metrics of rows, and the carries after them."""
        network = self.network.at_stage(state.step / max(1, self.training.steps))
        backward = self.recurrence.applied(self.training.backward)
        backward = backward if control is None else backward._replace(control=control)
        options = key, probes, backward
        if self.task.stream and isinstance(network, Recurrent):
            carries, predictions = network.apply_with_carries(carries, params, batch, *options)
        else:
            predictions = network.apply(params, batch, *options)
        means = measure(self.task, network, predictions, batch, self.measures) | _padding(batch)
        return means, carries

    def _key(self, state: TrainState) -> jax.Array:
        """Return the PRNG key of the masks of dropout on this device."""
        key = jax.random.fold_in(stream(state.seed, "dropout"), state.step)
        return devices.local_key(key, self.axis)


def _padding(batch: Batch) -> dict[str, Mean]:
    """Return the share of a batch's steps that are padding; empty for a batch without lengths."""
    if batch.lengths is None:
        return {}
    steps = jnp.asarray(len(batch.lengths) * batch.inputs.shape[1], float)
    return {"padding": Mean(steps - batch.lengths.sum(), steps)}
