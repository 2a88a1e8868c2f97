"""Norms of gradients, parameters and updates, by layer and by parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.recurrence.norms import scaled_norm
from seqlab.types import Metrics, Params


def by_path(tree: Any) -> dict[str, jax.Array]:
    """Return the leaves of a tree of dicts by their slash-joined paths."""
    return {
        "/".join(str(entry.key) for entry in path): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def layers(tree: Any, path: str = "") -> dict[str, Any]:
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


def count_nonfinite(tree: Any) -> dict[str, jax.Array]:
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
        ratio is ‖update‖ / ‖parameter‖; about 1e-3 is healthy.
    """
    metrics = {f"grads/norm/{path}": norm for path, norm in _norms(grads).items()}
    for name, tree in (("params", params), ("updates", updates)):
        metrics[f"{name}/norm"] = scaled_norm(tree).value
        metrics |= {f"{name}/norm/{path}": norm for path, norm in _norms(tree).items()}
    for key in [key for key in metrics if key.startswith("params/norm")]:
        where = key.removeprefix("params/norm")
        metrics[f"updates/ratio{where}"] = _ratio(metrics[f"updates/norm{where}"], metrics[key])
    return metrics


def _norms(tree: Any) -> dict[str, jax.Array]:
    """Return the norm of every layer and of every parameter."""
    parts = {**layers(tree), **by_path(tree)}
    return {path: scaled_norm(part).value for path, part in parts.items()}


def _ratio(update: jax.Array, parameter: jax.Array) -> jax.Array:
    """Return ‖update‖ / ‖parameter‖, and 0 where the parameter is zero."""
    return jnp.where(parameter > 0, update / jnp.where(parameter > 0, parameter, 1.0), 0.0)
