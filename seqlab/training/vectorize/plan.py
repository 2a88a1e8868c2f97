"""How do runs of one program lie on the devices? One after another, side by side, or each on several."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from seqlab.checks import require_positive
from seqlab.training.devices import ROWS
from seqlab.training.state import TrainState

RUNS = "R"
"""The mesh axis that runs are spread over."""

SHARED = PartitionSpec()
"""How arrays lie that all runs share: a copy on each device."""

LOCKSTEP = "lockstep"
"""The `vmap` axis of the runs that step together."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How many runs are one program, and how they share the devices.

    One run alone has the rows of its batches spread over the devices. Of several, each device has an equal
    share, which it takes in blocks, one after another; the runs of a block step together, by `vmap`.

    Attributes:
        num_runs: R, how many runs.
        block: how many of them step together.
        devices: how many devices are used.

    Raises:
        ValueError: the runs do not make equal numbers of whole blocks.
    """

    num_runs: int = 1
    block: int = 1
    devices: int = 1

    def __post_init__(self) -> None:
        require_positive(self, "num_runs", "block", "devices")
        if self.num_runs % self.block or (self.num_runs > 1 and self.num_runs % (self.block * self.devices)):
            raise ValueError(f"block times devices must divide num_runs={self.num_runs}, got {self}")

    @property
    def num_row_devices(self) -> int:
        """Over how many devices the rows of one batch are spread."""
        return self.devices if self.num_runs == 1 else 1

    @property
    def lockstep(self) -> str | None:
        """The axis of the runs that step together; None where none do."""
        return LOCKSTEP if self.block > 1 else None

    @functools.cached_property
    def mesh(self) -> Mesh:
        """The devices in use."""
        axis = ROWS if self.num_runs == 1 else RUNS
        return jax.make_mesh(
            (self.devices,),
            (axis,),
            (jax.sharding.AxisType.Auto,),
            devices=jax.local_devices()[: self.devices],
        )

    @property
    def own(self) -> PartitionSpec:
        """How arrays lie that each run has its own of, `(R, …)`."""
        return SHARED if self.num_runs == 1 else PartitionSpec(RUNS)

    @property
    def state(self) -> TrainState:
        """How a state lies: as all that a run has of its own, its carries by rows besides."""
        carries = PartitionSpec(None, ROWS) if self.num_runs == 1 else self.own
        return TrainState(self.own, self.own, self.own, self.own, carries=carries)

    def place(self, tree: Any, specs: Any = SHARED) -> Any:
        """Put arrays where specs, a tree's prefix, say: a copy on each device where none are given."""
        return jax.device_put(tree, jax.tree.map(lambda spec: NamedSharding(self.mesh, spec), specs))

    def abstract(self, tree: Any, specs: Any = SHARED) -> Any:
        """Return what `place` would, without its contents; the arrays may be abstract."""

        def placed(spec: PartitionSpec, part: Any) -> Any:
            lie = NamedSharding(self.mesh, spec)
            return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=lie), part)

        return jax.tree.map(placed, specs, tree)

    def of_runs(self, shapes: Any) -> Any:
        """Return the shapes of what one run has, for all runs: `(R, …)`."""
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((self.num_runs, *leaf.shape), leaf.dtype), shapes
        )

    def over(self, function: Callable, own: Any = None, results: Any = None) -> Callable:
        """Return a function of one run as one of all runs.

        Args:
            function: `(own, shared) -> results`, of what one run has of its own and what all share.
            own: the specs of `own`, a tree's prefix; `self.own` where None.
            results: likewise of the results.

        Returns:
            The function for `own` and results with a leading axis R.
        """

        def everywhere(own: Any, shared: Any) -> Any:
            def one(own: Any) -> Any:
                return function(own, shared)

            if self.num_runs == 1:
                return jax.tree.map(lambda leaf: leaf[None], one(jax.tree.map(lambda leaf: leaf[0], own)))
            if self.block == 1:
                return jax.lax.map(one, own)
            blocks = jax.tree.map(self._in_blocks, own)
            found = jax.lax.map(jax.vmap(one, axis_name=LOCKSTEP), blocks)
            return jax.tree.map(lambda leaf: jax.lax.collapse(leaf, 0, 2), found)

        if self.devices == 1:
            return everywhere
        return jax.shard_map(
            everywhere,
            mesh=self.mesh,
            in_specs=(self.own if own is None else own, SHARED),
            out_specs=self.own if results is None else results,
            check_vma=False,  # a step adds up over the devices what has to be
        )

    def _in_blocks(self, leaf: jax.Array) -> jax.Array:
        return leaf.reshape(leaf.shape[0] // self.block, self.block, *leaf.shape[1:])
