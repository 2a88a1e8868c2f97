"""Interface of a diagnostic, and the observation that it is a function of."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple, Protocol

from seqlab.architectures import Network
from seqlab.diagnostics.recurrent import Trajectories, follow
from seqlab.types import Batch, Metrics, Params, Tree


class Update(NamedTuple):
    """The gradient of a batch, and the update that the optimiser makes of it.

    Attributes:
        grads: ∂L/∂θ of the batch-mean loss L over all devices, before clipping.
        updates: what the optimiser adds to the parameters.
        flow: the norms ‖∂L/∂s_bt‖ over all axes but B, `{layer: {direction: carry}}` with `(B, T)` a leaf of
            a carry; None for a network without recurrence.
    """

    grads: Params
    updates: Params
    flow: Tree


@dataclasses.dataclass(frozen=True)
class Observation:
    """A state before an update, with the batch of that update.

    `update` and `trajectories` are computed when a diagnostic first reads them, so that a diagnostic costs
    only what it uses. All arrays hold this device's rows of the batch.

    Attributes:
        network: the network that is trained.
        params: its parameters before the update.
        batch: the batch of the update.
        carries: the carries before the batch's first step; None for the initial ones.
        axis: the mesh axis that the rows are spread over, inside `shard_map`; None on one device.
        differentiate: computes `update`.
    """

    network: Network
    params: Params
    batch: Batch
    carries: Tree
    axis: str | None
    differentiate: Callable[[], Update]

    @functools.cached_property
    def update(self) -> Update:
        """The gradient and the update."""
        return self.differentiate()

    @functools.cached_property
    def trajectories(self) -> Trajectories:
        """The trajectory of every layer, without noise; empty for a network without recurrence."""
        return follow(self.network, self.params, self.batch, self.carries)


class Diagnostic(Protocol):
    """A pure function of an observation whose results stand in rows of `metrics.jsonl`.

    It is jitted together with the other diagnostics of the same cadence, and called by the host on the state
    before an update that is due a row.

    Attributes:
        every: the steps between rows that hold its results: the first row of a run, and the first row at or
            after every multiple. None for every row.
    """

    @property
    def every(self) -> int | None: ...

    def diagnose(self, observation: Observation) -> Metrics:
        """Return arrays by metric key, equal on all devices; sums over rows go over `observation.axis`."""
        ...


def is_due(every: int | None, step: int, log_every: int) -> bool:
    """Return whether the row at `step` holds the results of a diagnostic.

    Args:
        every: the cadence of the diagnostic.
        step: the step of a row.
        log_every: the steps between rows.
    """
    last_row = (step - 1) // log_every * log_every
    return every is None or last_row == 0 or step // every > last_row // every
