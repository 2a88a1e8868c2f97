"""Placement of the runs of one program on the devices: in sequence, under `vmap`, or sharded."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from seqlab.checks import require_positive
from seqlab.training.devices import ROWS, first_devices, put
from seqlab.training.program import Program
from seqlab.training.spread import Spread
from seqlab.training.state import TrainState
from seqlab.types import Tree

RUNS = "R"
"""The mesh axis that runs are spread over."""

REPLICATED = PartitionSpec()
"""The PartitionSpec of arrays that all runs share: a copy on each device."""

FEATURES = "H"
"""The mesh axis that parameters are spread over."""

OVER_FEATURES = PartitionSpec(FEATURES)
"""Stands for the PartitionSpec of each array of parameters, which depends on its shape."""

LOCKSTEP = "lockstep"
"""The `vmap` axis of the runs that are stepped together."""

SMALL = 256
"""B·H up to which runs are computed together on CPUs where nothing is measured. Below it, XLA's fixed cost
of a step outweighs the loss by batched small matrix products. See experiments/vectorised_sweeps."""


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
        feature_devices: the number of devices that share the parameters of a single run, and compute together
            with the same rows.

    Raises:
        ValueError: the runs do not make equal numbers of whole groups, or several runs are to share
            parameters, or the devices are not whole groups either.
    """

    num_runs: int = 1
    vmap_size: int = 1
    devices: int = 1
    feature_devices: int = 1

    def __post_init__(self) -> None:
        require_positive(self, "num_runs", "vmap_size", "devices", "feature_devices")
        if self.devices % self.feature_devices or (self.num_runs > 1 and self.feature_devices > 1):
            raise ValueError(f"feature_devices must divide devices, and be 1 for several runs, got {self}")
        unit = self.vmap_size * (self.devices if self.num_runs > 1 else 1)
        if self.num_runs % unit:
            raise ValueError(f"vmap_size times devices must divide num_runs={self.num_runs}, got {self}")

    @property
    def axis(self) -> str | None:
        """The mesh axis that the rows of one batch are spread over; None where they are not."""
        return ROWS if self.num_runs == 1 and self.devices > self.feature_devices else None

    @property
    def spread(self) -> Spread:
        """How the rows of one batch are spread over devices; several runs have whole batches."""
        return Spread(self.mesh if self.num_runs == 1 and self.devices > 1 else None)

    @property
    def lockstep(self) -> str | None:
        """The `vmap` axis of the runs that are stepped together; None where none are."""
        return LOCKSTEP if self.vmap_size > 1 else None

    @functools.cached_property
    def mesh(self) -> Mesh:
        """The mesh of the devices in use: an axis of rows or runs, and one of features where there is one."""
        axes = {ROWS if self.num_runs == 1 else RUNS: self.devices // self.feature_devices}
        if self.feature_devices > 1:
            axes[FEATURES] = self.feature_devices
        kinds = (jax.sharding.AxisType.Auto,) * len(axes)
        return jax.make_mesh(tuple(axes.values()), tuple(axes), kinds, devices=first_devices(self.devices))

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
        return TrainState(*[self.per_run] * 2, *[self.params] * 2, carries=carries)  # type: ignore[arg-type]

    @property
    def params(self) -> PartitionSpec:
        """The PartitionSpec of parameters, and of the states of optimisers, which have their shapes."""
        return self.per_run if self.feature_devices == 1 else OVER_FEATURES

    def place(self, tree: Tree, specs: Tree = REPLICATED) -> Tree:
        """Put arrays on the devices.

        Args:
            tree: the arrays.
            specs: their PartitionSpecs, a prefix of the tree.
        """
        return put(tree, self._shardings(tree, specs))

    def placed(self, tree: Tree, specs: Tree) -> Tree:
        """Return traced arrays that will be where `place` puts arrays, to be arguments again."""
        if self.devices == 1:
            return tree
        return jax.lax.with_sharding_constraint(tree, self._shardings(tree, specs))

    def abstract(self, tree: Tree, specs: Tree = REPLICATED) -> Tree:
        """Return the shapes, dtypes and shardings of what `place` returns; the arrays may be abstract."""
        return jax.tree.map(
            lambda leaf, where: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where),
            tree,
            self._shardings(tree, specs),
        )

    def stacked(self, shapes: Tree) -> Tree:
        """Return the shapes `(R, …)` of the stacked arrays of all runs, from those of one run."""
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((self.num_runs, *leaf.shape), leaf.dtype), shapes
        )

    def for_evaluation(self, program: Program) -> Plan:
        """Return the plan, with one run evaluated after another where its batches are large."""
        rows, features = program.training.evaluation_batch_size, program.network.cell.features
        return self if pays_together(rows, features) else dataclasses.replace(self, vmap_size=1)

    def vectorized(self, function: Callable[..., Tree]) -> Callable[..., Tree]:
        """Return a function of all runs from a function of one run.

        Args:
            function: `(arguments, shared) -> results`, with the arguments of one run, and those that all
                runs share.

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

        if self.num_runs == 1 or self.devices == 1:
            return of_all
        specs = (self.per_run, REPLICATED)
        return jax.shard_map(of_all, mesh=self.mesh, in_specs=specs, out_specs=self.per_run, check_vma=False)

    def _shardings(self, tree: Tree, specs: Tree) -> Tree:
        """Return the sharding of every array of a tree, whose PartitionSpecs are a prefix of it."""

        def of_part(spec: PartitionSpec, part: Tree) -> Tree:
            return jax.tree.map(lambda leaf: NamedSharding(self.mesh, self._fitted(spec, leaf)), part)

        return jax.tree.map(of_part, specs, tree)

    def _fitted(self, spec: PartitionSpec, leaf: Any) -> PartitionSpec:
        """Return the PartitionSpec of an array: `OVER_FEATURES` divides the last axis that can be divided."""
        if spec != OVER_FEATURES:
            return spec
        shape = np.shape(leaf)
        legal = [axis for axis in range(1, len(shape)) if shape[axis] % self.feature_devices == 0]
        return PartitionSpec(*[None] * legal[-1], FEATURES) if legal else REPLICATED

    def _grouped(self, leaf: jax.Array) -> jax.Array:
        return leaf.reshape(leaf.shape[0] // self.vmap_size, self.vmap_size, *leaf.shape[1:])


def pays_together(rows: int, features: int) -> bool:
    """Return whether several runs are likely computed faster together, by `vmap`, than one after another.

    Args:
        rows: B, the rows of a batch of one run.
        features: H.
    """
    return jax.default_backend() != "cpu" or rows * features <= SMALL
