"""Rows of the batches of one run, spread over the devices of a mesh."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from seqlab.tasks import read_by_device
from seqlab.training.devices import ROWS
from seqlab.training.state import TrainState
from seqlab.types import Tree

WHOLE = PartitionSpec()
"""The PartitionSpec of what every device has."""

BY_ROW = PartitionSpec(ROWS)
"""The PartitionSpec of a batch."""

STATE: Any = TrainState(*[WHOLE] * 4, carries=BY_ROW)  # type: ignore[arg-type]
"""The PartitionSpecs of the state of a run."""


@dataclasses.dataclass(frozen=True)
class Spread:
    """How the rows of the batches of one run are spread over devices.

    Attributes:
        mesh: a mesh with an axis `ROWS`; None for one device.
    """

    mesh: Mesh | None = None

    def draw(self, function: Callable[[Any], Tree], data: Any, leading: int = 0) -> Tree:
        """Draw batches of which each device computes and keeps its own rows; see `draw_on`."""
        where = None if self.mesh is None else NamedSharding(self.mesh, BY_ROW)
        return draw_on(where, function, data, leading)

    def over_rows(self, function: Callable[..., Tree], arguments: Tree, results: Tree) -> Callable[..., Tree]:
        """Return a function that each device calls with its own rows.

        Args:
            function: the function; it adds up sums over rows itself (`devices.total`).
            arguments: the PartitionSpecs of its arguments, a prefix of the tuple of them.
            results: the PartitionSpecs of its results, likewise.
        """
        if self.mesh is None or self.mesh.shape[ROWS] == 1:
            return function
        # As sums over rows are explicit, JAX need not track what varies over them. How the devices compute
        # that have the same rows, and share the parameters, is left to XLA.
        specs = {"in_specs": arguments, "out_specs": results, "axis_names": {ROWS}}
        return jax.shard_map(function, mesh=self.mesh, check_vma=False, **specs)


def draw_on(
    where: NamedSharding | None, function: Callable[[Any], Tree], data: Any, leading: int = 0
) -> Tree:
    """Draw batches on the devices of a mesh, by a function that every process calls with the same arguments.

    The function draws the whole batch. XLA partitions it, so that a device computes the rows that it keeps.
    Of rows on the host, a device reads those that it keeps.

    Args:
        where: the sharding of a batch; None for one device.
        function: returns batches from the task's resident arrays.
        data: these arrays.
        leading: the number of axes of the batches before that of the rows.
    """
    if where is None:
        return function(data)
    spec = PartitionSpec(*[None] * leading, *where.spec)
    drawn = function(read_by_device(data, where))
    return jax.lax.with_sharding_constraint(drawn, NamedSharding(where.mesh, spec))
