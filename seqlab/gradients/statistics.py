"""What flowed back? The statistics of one update, as a flat dict."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from seqlab.gradients.norms import scaled_norm
from seqlab.types import Metrics, Params


def by_path(tree: Any) -> dict[str, jax.Array]:
    """Return the leaves of a tree of dicts by their slash-joined paths."""
    return {
        "/".join(str(entry.key) for entry in path): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def count_nonfinite(tree: Any) -> jax.Array:
    """Return how many elements of each leaf are not finite: int32 `(leaves,)`, in the order of `by_path`."""
    return jnp.stack([jnp.sum(~jnp.isfinite(leaf), dtype=jnp.int32) for leaf in jax.tree.leaves(tree)])


def update_statistics(params: Params, grads: Params, updates: Params) -> Metrics:
    """Return the norms of gradients, parameters and updates, whole and by parameter.

    Args:
        params: before the update.
        grads: of the batch-mean loss, before clipping.
        updates: what the optimiser adds to `params`.

    Returns:
        `grads/norm/<path>`, `params/norm[/<path>]`, `updates/norm[/<path>]` and `updates/ratio[/<path>]`, the
        last being ‖update‖ / ‖parameter‖, around 1e-3 in healthy training.
    """
    metrics = {}
    grads, params, updates = by_path(grads), by_path(params), by_path(updates)
    metrics.update({f"grads/norm/{path}": scaled_norm(leaf).value for path, leaf in grads.items()})
    for name, tree in (("params", params), ("updates", updates)):
        metrics[f"{name}/norm"] = scaled_norm(tree).value
        metrics.update({f"{name}/norm/{path}": scaled_norm(leaf).value for path, leaf in tree.items()})
    for path in ["", *(f"/{path}" for path in params)]:
        metrics[f"updates/ratio{path}"] = _ratio(
            metrics[f"updates/norm{path}"], metrics[f"params/norm{path}"]
        )
    return metrics


def _ratio(update: jax.Array, parameter: jax.Array) -> jax.Array:
    """Return their quotient, 0 for a parameter that is still zero."""
    return jnp.where(parameter > 0, update / jnp.where(parameter > 0, parameter, 1.0), 0.0)
