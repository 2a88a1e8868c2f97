"""What flowed back? The statistics of one update, as a flat dict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.recurrence.norms import global_norm
from seqlab.types import Metrics, Params


def by_path(tree: Any) -> dict[str, jax.Array]:
    """Return the leaves of a tree of dicts by their slash-joined paths."""
    return {
        "/".join(str(entry.key) for entry in path): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def layers(tree: Any, path: str = "") -> dict[str, Any]:
    """Return the subtrees that are a layer, by their slash-joined paths.

    They are those named `layer_<i>` and, beside them, those that hold nothing but parameters.
    """
    found = {}
    for name, subtree in tree.items():
        nested = isinstance(subtree, Mapping) and any(isinstance(part, Mapping) for part in subtree.values())
        if nested and not name.startswith("layer_"):
            found |= layers(subtree, f"{path}{name}/")
        else:
            found[f"{path}{name}"] = subtree
    return found


def count_nonfinite(tree: Any) -> jax.Array:
    """Return how many elements of each leaf are not finite: int32 `(leaves,)`, in the order of `by_path`."""
    return jnp.stack([jnp.sum(~jnp.isfinite(leaf), dtype=jnp.int32) for leaf in jax.tree.leaves(tree)])


def update_statistics(params: Params, grads: Params, updates: Params) -> Metrics:
    """Return the norms of gradients, parameters and updates: whole, by layer and by parameter.

    Args:
        params: before the update.
        grads: of the batch-mean loss, before clipping.
        updates: what the optimiser adds to `params`.

    Returns:
        `grads/norm/<path>`, `params/norm[/<path>]`, `updates/norm[/<path>]` and `updates/ratio[/<path>]`, the
        last being ‖update‖ / ‖parameter‖, around 1e-3 in healthy training.
    """
    metrics = {f"grads/norm/{path}": norm for path, norm in _norms(grads).items()}
    for name, tree in (("params", params), ("updates", updates)):
        metrics[f"{name}/norm"] = global_norm(tree).value
        metrics |= {f"{name}/norm/{path}": norm for path, norm in _norms(tree).items()}
    for key in [key for key in metrics if key.startswith("params/norm")]:
        where = key.removeprefix("params/norm")
        metrics[f"updates/ratio{where}"] = _ratio(metrics[f"updates/norm{where}"], metrics[key])
    return metrics


def _norms(tree: Any) -> dict[str, jax.Array]:
    """Return the norm of every layer and of every parameter."""
    parts = {**layers(tree), **by_path(tree)}
    return {path: global_norm(part).value for path, part in parts.items()}


def _ratio(update: jax.Array, parameter: jax.Array) -> jax.Array:
    """Return their quotient, 0 for a parameter that is still zero."""
    return jnp.where(parameter > 0, update / jnp.where(parameter > 0, parameter, 1.0), 0.0)
