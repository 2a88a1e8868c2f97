"""Norms of gradients, parameters and updates, by layer and by parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from seqlab.recurrence.norms import power_of_two_above
from seqlab.types import Metrics, Params, Tree


def by_path(tree: Tree) -> dict[str, jax.Array]:
    """Return the leaves of a tree of dicts by their slash-joined paths."""
    return {
        "/".join(str(entry.key) for entry in path): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def layers(tree: Tree, path: str = "") -> dict[str, Tree]:
    """Return the subtrees that are a layer, by their slash-joined paths.

    A layer is a subtree named `layer_<i>`, or one outside of these whose leaves are its direct children.
    """
    found = {}
    for name, subtree in tree.items():
        nested = isinstance(subtree, Mapping) and any(isinstance(part, Mapping) for part in subtree.values())
        if nested and not name.startswith("layer_"):
            found |= layers(subtree, f"{path}{name}/")
        else:
            found[f"{path}{name}"] = subtree
    return found


def count_nonfinite(tree: Tree) -> dict[str, jax.Array]:
    """Return how many elements of each leaf are not finite, int32 scalars by path."""
    return {path: jnp.sum(~jnp.isfinite(leaf), dtype=jnp.int32) for path, leaf in by_path(tree).items()}


def update_statistics(params: Params, grads: Params, updates: Params) -> Metrics:
    """Return the norms of gradients, parameters and updates: global, by layer and by parameter.

    Args:
        params: the parameters before the update.
        grads: the gradient of the batch-mean loss, before clipping.
        updates: what the optimiser adds to `params`.

    Returns:
        `grads/norm/<path>`, `params/norm[/<path>]`, `updates/norm[/<path>]` and `updates/ratio[/<path>]`. The
        ratio is ‖update‖ / ‖parameter‖, and 0 where the parameter is zero; about 1e-3 is healthy.
    """
    groups = _groups(params)
    # The three trees together, so that XLA has a third of the reductions to compile.
    trees = [jax.tree.leaves(tree) for tree in (grads, params, updates)]
    stacked = [jnp.stack([jnp.ravel(leaf) for leaf in three]) for three in zip(*trees, strict=True)]
    norms = group_norms(stacked, list(groups.values()))
    _, of_params, of_updates = norms
    ratios = jnp.where(of_params > 0, of_updates / jnp.where(of_params > 0, of_params, 1), 0)
    names = ("grads/norm", "params/norm", "updates/norm", "updates/ratio")
    metrics = {}
    for name, values in zip(names, [*norms, ratios], strict=True):
        metrics |= {f"{name}{path}": value for path, value in zip(groups, jnp.unstack(values), strict=True)}
    del metrics["grads/norm"]  # the step reports it
    return metrics


def group_norms(leaves: Sequence[jax.Array], groups: Sequence[Sequence[bool]]) -> jax.Array:
    """Return the Euclidean norms of groups of arrays, exact over the whole range of floats.

    Each array is scaled by the power of two above its largest element, as in `global_norm`, and the sums of
    squares are combined under the largest scale of a group. A NaN or inf makes the norms of its groups so.

    Args:
        leaves: K versions of each array, `(K, n)`.
        groups: bool `(G, len(leaves))`, the members of each group.

    Returns:
        `(K, G)`.
    """
    member = jnp.array(groups)
    scale = power_of_two_above(jnp.stack([jnp.max(jnp.abs(leaf), axis=1) for leaf in leaves], axis=1))
    scaled = (leaf / scale[:, index, None] for index, leaf in enumerate(leaves))
    squares = jnp.stack([jnp.sum(jnp.square(leaf), axis=1) for leaf in scaled], axis=1)
    common = jnp.max(jnp.where(member, scale[:, None], 0), axis=2)
    shares = squares[:, None] * jnp.square(scale[:, None] / common[..., None])
    return common * jnp.sqrt(jnp.sum(jnp.where(member, shares, 0), axis=2))


def _groups(params: Params) -> dict[str, list[bool]]:
    """Return which leaves make up the whole tree "", each layer and each parameter, by "/" and its path."""
    paths = list(by_path(params))
    names = dict.fromkeys([*layers(params), *paths])
    members = {f"/{name}": [path == name or path.startswith(f"{name}/") for path in paths] for name in names}
    return {"": [True] * len(paths), **members}
