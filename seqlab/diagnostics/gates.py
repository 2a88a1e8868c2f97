"""How open are the gates? Their means and histograms, the shares closed and open, the memory they make."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from seqlab.types import Metrics

NUM_BINS = 20
"""Of the histograms; the first ends at .05 and the last begins at .95."""
KEEPING = ("forget", "update")
"""The gates that say which share of the state is kept."""


def gate_statistics(
    gates: Mapping[str, jax.Array], real: jax.Array, axis: str | None = None, place: str = ""
) -> Metrics:
    """Return what gates did over the real steps of a batch.

    Args:
        gates: by name, values in [0, 1], `(…, H)`.
        real: bool `(…)`, the steps that count.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.
        place: what stands before a name in the keys, such as `layer_0/`.

    Returns:
        Under `gates/<place><name>/`:

        - `mean`;
        - `histogram`: int32 `(20,)`, how many values lie in each twentieth of [0, 1];
        - `closed` and `open`: the shares of its first (below .05) and last (from .95);
        - `memory_steps` −1 / ln(mean), of a gate that keeps the state: after so many steps 1 / e of it
          remains (Tallec & Ollivier 2018, "Can recurrent neural networks warp time?", section 2).
    """
    if not gates:
        return {}
    means, histograms = _summed(jnp.stack(list(gates.values())), real, axis)
    metrics = {}
    for name, mean, histogram in zip(gates, means, histograms, strict=True):
        shares = histogram / jnp.sum(histogram)
        found = {"mean": mean, "histogram": histogram, "closed": shares[0], "open": shares[-1]}
        if name in KEEPING:
            found["memory_steps"] = -1 / jnp.log(mean)
        metrics |= {f"gates/{place}{name}/{key}": value for key, value in found.items()}
    return metrics


def _summed(values: jax.Array, real: jax.Array, axis: str | None) -> tuple[jax.Array, jax.Array]:
    """Return means `(G,)` and histograms `(G, 20)` over real steps and all devices, for `(G, …, H)`."""
    counts = jnp.broadcast_to(real[..., None], values.shape)
    over = tuple(range(1, values.ndim))
    # Cumulative, as comparisons and sums are vectorised and a scatter is not; 1 is the last bin's end.
    edges = jnp.arange(1, NUM_BINS + 1, dtype=values.dtype) / NUM_BINS
    edges = edges.at[-1].set(jnp.inf)
    below = jax.lax.map(lambda edge: jnp.sum(counts & (values < edge), over, jnp.int32), edges)
    sums = jnp.sum(jnp.where(counts, values, 0), over), below.T
    totals, cumulative = sums if axis is None else jax.lax.psum(sums, axis)
    return totals / cumulative[:, -1], jnp.diff(cumulative, prepend=0)
