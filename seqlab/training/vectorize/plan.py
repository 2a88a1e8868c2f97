"""Placement of the runs of one program on the devices: in sequence, under `vmap`, or sharded."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from seqlab.checks import require_positive
from seqlab.training.devices import ROWS, first_devices, put
from seqlab.training.state import TrainState
from seqlab.types import Tree

RUNS = "R"
"""The mesh axis that runs are spread over."""

REPLICATED = PartitionSpec()
"""The PartitionSpec of arrays that all runs share: a copy on each device."""

LOCKSTEP = "lockstep"
"""The `vmap` axis of the runs that are stepped together."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How many runs are one program, and how they share the devices.

    The rows of the batches of a single run are spread over the devices. Several runs are spread over the
    devices in equal shares. Each device steps its share in groups of `vmap_size` runs, one group after the
    other, and the runs of a group together, by `vmap`.

    Attributes:
        num_runs: R, the number of runs.
        vmap_size: the number of runs of a group.
        devices: the number of devices.

    Raises:
        ValueError: the runs do not make equal numbers of whole groups.
    """

    num_runs: int = 1
    vmap_size: int = 1
    devices: int = 1

    def __post_init__(self) -> None:
        require_positive(self, "num_runs", "vmap_size", "devices")
        unit = self.vmap_size * (self.devices if self.num_runs > 1 else 1)
        if self.num_runs % unit:
            raise ValueError(f"vmap_size times devices must divide num_runs={self.num_runs}, got {self}")

    @property
    def axis(self) -> str | None:
        """The mesh axis that the rows of one batch are spread over; None where they are not."""
        return ROWS if self.num_runs == 1 and self.devices > 1 else None

    @property
    def lockstep(self) -> str | None:
        """The `vmap` axis of the runs that are stepped together; None where none are."""
        return LOCKSTEP if self.vmap_size > 1 else None

    @functools.cached_property
    def mesh(self) -> Mesh:
        """The mesh of the devices in use, of one axis."""
        return jax.make_mesh(
            (self.devices,),
            (ROWS if self.num_runs == 1 else RUNS,),
            (jax.sharding.AxisType.Auto,),
            devices=first_devices(self.devices),
        )

    @property
    def per_run(self) -> PartitionSpec:
        """The PartitionSpec of arrays `(R, …)` with an entry for each run."""
        return REPLICATED if self.num_runs == 1 else PartitionSpec(RUNS)

    @property
    def per_row(self) -> PartitionSpec:
        """The PartitionSpec of the arrays of a batch that all runs share, `(B, …)`."""
        return PartitionSpec(ROWS) if self.num_runs == 1 else REPLICATED

    @property
    def state(self) -> TrainState:
        """PartitionSpecs of a `TrainState`: per run; carries also over the batch axis."""
        carries = PartitionSpec(None, ROWS) if self.num_runs == 1 else self.per_run
        return TrainState(*[self.per_run] * 4, carries=carries)  # type: ignore[arg-type]

    def place(self, tree: Tree, specs: Tree = REPLICATED) -> Tree:
        """Put arrays on the devices.

        Args:
            tree: the arrays.
            specs: their PartitionSpecs, a prefix of the tree.
        """
        return put(tree, jax.tree.map(lambda spec: NamedSharding(self.mesh, spec), specs))

    def abstract(self, tree: Tree, specs: Tree = REPLICATED) -> Tree:
        """Return the shapes, dtypes and shardings of what `place` returns; the arrays may be abstract."""

        def placed(spec: PartitionSpec, part: Tree) -> Tree:
            where = NamedSharding(self.mesh, spec)
            return jax.tree.map(
                lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where), part
            )

        return jax.tree.map(placed, specs, tree)

    def stacked(self, shapes: Tree) -> Tree:
        """Return the shapes `(R, …)` of the stacked arrays of all runs, from those of one run."""
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((self.num_runs, *leaf.shape), leaf.dtype), shapes
        )

    def on_each_device(self, function: Callable[..., Tree], specs: Tree) -> Callable[..., Tree]:
        """Return a function that every device calls with the same arguments.

        Args:
            function: the function.
            specs: the PartitionSpecs of its results, a prefix of the tree.
        """
        return self._sharded(function, REPLICATED, specs)

    def vectorized(
        self,
        function: Callable[..., Tree],
        specs: Tree = None,
        results: Tree = None,
        shared: Tree = REPLICATED,
    ) -> Callable[..., Tree]:
        """Return a function of all runs from a function of one run.

        Args:
            function: `(arguments, shared) -> results`, with the arguments of one run, and those that all
                runs share.
            specs: the PartitionSpecs of `arguments`, a prefix of the tree; None for `per_run`.
            results: the PartitionSpecs of the results, likewise.
            shared: the PartitionSpecs of `shared`, a prefix of the tree.

        Returns:
            The function of arguments and results with a leading axis R.
        """

        def of_all(arguments: Tree, shared: Tree) -> Tree:
            def of_one(arguments: Tree) -> Tree:
                return function(arguments, shared)

            if self.num_runs == 1:
                result = of_one(jax.tree.map(lambda leaf: leaf[0], arguments))
                return jax.tree.map(lambda leaf: leaf[None], result)
            if self.vmap_size == 1:
                return jax.lax.map(of_one, arguments)
            groups = jax.tree.map(self._grouped, arguments)
            found = jax.lax.map(jax.vmap(of_one, axis_name=LOCKSTEP), groups)
            return jax.tree.map(lambda leaf: jax.lax.collapse(leaf, 0, 2), found)

        specs = self.per_run if specs is None else specs
        return self._sharded(of_all, (specs, shared), self.per_run if results is None else results)

    def _sharded(self, function: Callable[..., Tree], specs: Tree, results: Tree) -> Callable[..., Tree]:
        if self.devices == 1:
            return function
        # Sums over devices are explicit (`devices.total`), so JAX need not track what varies over them.
        return jax.shard_map(function, mesh=self.mesh, in_specs=specs, out_specs=results, check_vma=False)

    def _grouped(self, leaf: jax.Array) -> jax.Array:
        return leaf.reshape(leaf.shape[0] // self.vmap_size, self.vmap_size, *leaf.shape[1:])
