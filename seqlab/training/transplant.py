"""Transplant of trained parameters into a new network, some of whose axes may have grown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from seqlab.architectures import Network
from seqlab.types import Batch, Images, IncompatibleError, Params, Spec

Places = tuple[np.ndarray, ...]
"""For each axis of a parameter, int `(n,)`: where each old entry stands in the new parameter."""


class Growth(NamedTuple):
    """How a spec grew. New entries stand after the old ones, and before those at the end that have a meaning.

    Attributes:
        old: the spec of the trained network.
        new: the spec of the new network.
        at_end: the number of special entries at the end, such as an end symbol, which stay at the end.
    """

    old: Spec
    new: Spec
    at_end: int = 0

    def places(self) -> np.ndarray:
        """Return where each old entry stands among the new ones."""
        index = np.arange(self.old.size)
        return np.where(index < self.old.size - self.at_end, index, index + self.new.size - self.old.size)


@dataclasses.dataclass(frozen=True)
class Transplant:
    """Trained parameters, and where they stand in those of a new network.

    Attributes:
        params: the trained parameters, arrays by path.
        places: the places of the entries of each.
    """

    params: Mapping[str, np.ndarray]
    places: Mapping[str, Places]

    def into(self, fresh: Params) -> Params:
        """Return fresh parameters in which every trained entry has its trained value."""

        def planted(path: tuple[Any, ...], leaf: jax.Array) -> np.ndarray:
            name = _path_of(path)
            new = np.array(leaf)
            new[np.ix_(*self.places[name])] = self.params[name]
            return new

        return jax.tree_util.tree_map_with_path(planted, fresh)


def transplant(
    params: Params, shapes: Params, network: Network, batch: Batch, inputs: Growth, outputs: Growth
) -> Transplant:
    """Return the transplant of trained parameters into a network.

    An axis that grows with a spec holds a block of entries for each time that it grows by one: first those of
    the inputs, then those of the outputs, then what the network adds.

    Args:
        params: the trained parameters.
        shapes: the shapes of the new network's parameters.
        network: the new network.
        batch: the shapes of a batch.
        inputs: how its inputs grew.
        outputs: how its outputs grew.

    Raises:
        IncompatibleError: a parameter is missing, or has another shape; the message names it.
    """
    old, new = _by_path(params), _by_path(shapes)
    if missing := sorted(old.keys() ^ new.keys()):
        raise IncompatibleError(f"the parameter {missing[0]} is in one of the two networks alone")
    num_inputs, num_outputs = _blocks(network, batch, inputs, outputs, new)
    places: dict[str, Places] = {}
    for name, leaf in new.items():
        axes: list[np.ndarray] = []
        for axis, size in enumerate(leaf.shape):
            blocks = [inputs] * num_inputs[name][axis] + [outputs] * num_outputs[name][axis]
            added = size - sum(block.new.size for block in blocks)
            axes.append(_places(blocks, added))
        expected, found = tuple(map(len, axes)), tuple(old[name].shape)
        if expected != found:
            raise IncompatibleError(f"the parameter {name} has the shape {found}, and {expected} is needed")
        places[name] = tuple(axes)
    return Transplant({name: np.asarray(leaf) for name, leaf in old.items()}, places)


def _places(blocks: list[Growth], added: int) -> np.ndarray:
    """Return where the old entries of an axis stand: those of blocks, then `added` ones of the network."""
    parts, start = [], 0
    for block in blocks:
        parts.append(start + block.places())
        start += block.new.size
    return np.concatenate([*parts, start + np.arange(added)]).astype(int)


def _blocks(
    network: Network, batch: Batch, inputs: Growth, outputs: Growth, params: Mapping[str, jax.Array]
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Return by how much each axis grows where the inputs, and where the outputs, have one entry more.

    Where both are the same symbols, as in a language model, they grow together, and count as inputs.
    """
    none = {name: (0,) * leaf.ndim for name, leaf in params.items()}
    if inputs.old == inputs.new and outputs.old == outputs.new:
        return none, none
    now = _shapes_of(network, batch, network.inputs, network.outputs)

    def growth(more_inputs: int, more_outputs: int) -> dict[str, tuple[int, ...]]:
        for count in (1, 2):  # a network whose inputs are just as wide as its layers has no projection
            specs = _more(network.inputs, more_inputs * count), _more(network.outputs, more_outputs * count)
            more = _shapes_of(network, batch, *specs)
            if more.keys() == now.keys():
                break
        return {
            name: tuple((b - a) // count for a, b in zip(shape, more[name], strict=True))
            for name, shape in now.items()
        }

    return (growth(1, 1), none) if inputs == outputs else (growth(1, 0), growth(0, 1))


def _more(spec: Spec, count: int) -> Spec:
    """Return a spec with further entries; images do not grow."""
    return spec if isinstance(spec, Images) else dataclasses.replace(spec, size=spec.size + count)


def _shapes_of(network: Network, batch: Batch, inputs: Spec, outputs: Spec) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the parameters of a network with other specs, by path."""
    other = dataclasses.replace(network, inputs=inputs, outputs=outputs)  # pyright: ignore[reportArgumentType]
    batch = batch._replace(
        inputs=_of_spec(batch.inputs, network.inputs, inputs),
        targets=_of_spec(batch.targets, network.outputs, outputs),
    )
    shapes = jax.eval_shape(other.init, jax.random.key(0), batch)
    return {name: tuple(leaf.shape) for name, leaf in _by_path(shapes).items()}


def _of_spec(leaf: jax.Array, old: Spec, new: Spec) -> jax.ShapeDtypeStruct:
    """Return the shape of an array of a batch with another spec; only `Vectors` and `Labels` have an axis."""
    leading = leaf.shape[: leaf.ndim - len(old.shape)]
    return jax.ShapeDtypeStruct((*leading, *new.shape), leaf.dtype)


def _by_path(tree: Params) -> dict[str, jax.Array]:
    return {_path_of(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def _path_of(path: tuple[Any, ...]) -> str:
    """Return the path of a parameter, its names joined by slashes."""
    return jax.tree_util.keystr(path, simple=True, separator="/")
