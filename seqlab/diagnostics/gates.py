"""Gate statistics: means, histograms, shares closed and open, and the memory that a mean implies."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from seqlab.types import Metrics

NUM_BINS = 20
"""The bins of a histogram; the first ends at .05 and the last begins at .95."""
MEMORY_GATES = ("forget", "update")
"""The gates whose value is the share of the state that remains after a step."""


def gate_statistics(
    gates: Mapping[str, jax.Array], real: jax.Array, axis: str | None = None, place: str = ""
) -> Metrics:
    """Return the statistics of gates over the real steps of a batch.

    Args:
        gates: values in [0, 1] by name, with the axes of `real` in front.
        real: bool, True at the steps that count.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.
        place: the prefix of a name in the keys, such as `layer_0/`.

    Returns:
        Under `gates/<place><name>/`:

        - `mean`;
        - `histogram`: int32 `(20,)`, the number of values in each twentieth of [0, 1];
        - `closed` and `open`: the shares of its first bin (below .05) and of its last (from .95);
        - `memory_steps`: −1 / ln(mean), for `MEMORY_GATES`; after so many steps 1 / e of the state remains
          (Tallec & Ollivier 2018, "Can recurrent neural networks warp time?", section 2).
    """
    if not gates:
        return {}
    metrics = {}
    for name, (mean, histogram) in _counted(gates, real, axis).items():
        shares = histogram / jnp.sum(histogram)
        found = {"mean": mean, "histogram": histogram, "closed": shares[0], "open": shares[-1]}
        if name in MEMORY_GATES:
            found["memory_steps"] = -1 / jnp.log(mean)
        metrics |= {f"gates/{place}{name}/{key}": value for key, value in found.items()}
    return metrics


def _counted(
    gates: Mapping[str, jax.Array], real: jax.Array, axis: str | None
) -> dict[str, tuple[jax.Array, jax.Array]]:
    """Return mean and histogram by name; gates of one width are counted together."""
    flat = {name: values.reshape(*real.shape, -1) for name, values in gates.items()}
    found = {}
    for width in dict.fromkeys(values.shape[-1] for values in flat.values()):
        names = [name for name, values in flat.items() if values.shape[-1] == width]
        pairs = zip(*_summed(jnp.stack([flat[name] for name in names]), real, axis), strict=True)
        found |= dict(zip(names, pairs, strict=True))
    return {name: found[name] for name in gates}


def _summed(values: jax.Array, real: jax.Array, axis: str | None) -> tuple[jax.Array, jax.Array]:
    """Return means `(G,)` and histograms `(G, 20)` over real steps and all devices, for `(G, …, H)`."""
    counts = jnp.broadcast_to(real[..., None], values.shape)
    over = tuple(range(1, values.ndim))
    # Cumulative counts, because comparisons and sums are vectorised and a scatter is not. The last bin
    # includes 1.
    edges = jnp.arange(1, NUM_BINS + 1, dtype=values.dtype) / NUM_BINS
    edges = edges.at[-1].set(jnp.inf)
    below = jax.lax.map(lambda edge: jnp.sum(counts & (values < edge), over, jnp.int32), edges)
    sums = jnp.sum(jnp.where(counts, values, 0), over), below.T
    totals, cumulative = sums if axis is None else jax.lax.psum(sums, axis)
    return totals / cumulative[:, -1], jnp.diff(cumulative, prepend=0)
