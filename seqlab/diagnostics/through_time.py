"""How far back did the gradient reach? Norms of ∂L/∂h_t for every t, and the line through them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.types import Carry, Metrics

REMAINS = 0.01
"""The share of the gradient at which the horizon is drawn."""


def through_time(
    norms: Mapping[str, Mapping[str, Carry]],
    lengths: jax.Array | Mapping[str, jax.Array | None] | None = None,
    axis: str | None = None,
) -> Metrics:
    """Return how the gradient travelled through time in every layer.

    Args:
        norms: `{layer: {direction: tree of a carry}}`, the lowest layer first, each leaf ‖∂L/∂s_bt‖ over H,
            `(B, T)`, zero after a sequence's end; as the gradients of `zero_probes` are.
        lengths: int32 `(B,)`, the real steps of each sequence; None for T each; where layers differ in what
            they read, a dict of these by layer.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.

    Returns:
        For the top layer's h under `grads/through_time/`, for a layer below under
        `grads/through_time/layer_<i>/`, and for the rest of a carry one level deeper, under `cell/`:

        - `log10_norm` `(T,)`: log10 ‖∂L/∂h_t‖ over B and H, t counted from each sequence's first step;
        - `slope`: the decades gained with each step back from the end, negative where gradients vanish;
        - `horizon`: the steps back until 1 % remains by that slope, inf where it is not negative.

        Slope and horizon count the steps back from each sequence's own end, which for the backward direction
        is its first step. Where a layer has both directions, these keys are of [forward, backward] together
        and one level deeper stand those of each. Where time is truncated, L's gradient is what the windows
        leave of it, and `log10_norm` is −inf at steps that no loss reaches.
    """
    metrics = {}
    top = list(norms)[-1]
    for layer, directions in norms.items():
        place = "grads/through_time/" + ("" if layer == top else f"{layer}/")
        own = lengths[layer] if isinstance(lengths, Mapping) else lengths
        named = {direction: _named(carry) for direction, carry in directions.items()}
        for name in next(iter(named.values())):
            series = {direction: leaves[name] for direction, leaves in named.items()}
            metrics |= _flow(f"{place}{name}", series, own, axis)
            if len(series) > 1:
                for direction, one in series.items():
                    metrics |= _flow(f"{place}{name}{direction}/", {direction: one}, own, axis)
    return metrics


def log10_norm(norms: jax.Array, axis: str | None = None) -> jax.Array:
    """Return log10 of the norm of norms over B, `(B, T) -> (T,)`, exact over the whole range of floats.

        log10 √(Σ_b n_b²) = (m + ln Σ_b exp(2 ln n_b − m)) / (2 ln 10),  m = max_b 2 ln n_b

    It is −inf where every norm is zero, and inf or NaN where one is.
    """
    logs = 2 * jnp.log(norms)
    largest = jnp.max(logs, axis=0)
    largest = largest if axis is None else jax.lax.pmax(largest, axis)
    anchor = jnp.where(jnp.isfinite(largest), largest, 0)
    total = jnp.sum(jnp.exp(logs - anchor), axis=0)
    total = total if axis is None else jax.lax.psum(total, axis)
    return (jnp.log(total) + anchor) / (2 * jnp.log(jnp.asarray(10, norms.dtype)))


def slope(log10_norms: jax.Array) -> jax.Array:
    """Return the slope of the least-squares line through `(T,)` values over their index, finite ones only.

    It is NaN where fewer than two are finite.
    """
    finite = jnp.isfinite(log10_norms)
    weights = finite / jnp.sum(finite)
    y = jnp.where(finite, log10_norms, 0)
    x = jnp.arange(y.shape[0], dtype=y.dtype)
    x = x - jnp.sum(weights * x)
    return jnp.sum(weights * x * y) / jnp.sum(weights * x * x)


def horizon(slope: jax.Array) -> jax.Array:
    """Return after how many steps 1 % remains, at a slope in decades a step; inf where nothing vanishes."""
    return jnp.where(slope < 0, jnp.log10(jnp.asarray(REMAINS, slope.dtype)) / slope, jnp.inf + 0 * slope)


def back_from_the_end(norms: jax.Array, lengths: jax.Array | None, direction: str) -> jax.Array:
    """Turn `(B, T)` so that column k stands k steps before a recurrence's end, zero where there is none.

    A sequence of length n is read forward up to its step n, and backward down to its step 1.
    """
    if direction == "backward":
        return norms
    if lengths is None:
        return norms[:, ::-1]
    source = lengths[:, None] - 1 - jnp.arange(norms.shape[1])
    return jnp.where(source >= 0, jnp.take_along_axis(norms, jnp.maximum(source, 0), axis=1), 0)


def _named(carry: Carry) -> dict[str, jax.Array]:
    """Name the leaves of a carry: h, the last, by nothing, those before it by `cell/` (`cell_<i>/`)."""
    *others, h = jax.tree.leaves(carry)
    names = ["cell/"] if len(others) == 1 else [f"cell_{index}/" for index in range(len(others))]
    return {"": h, **dict(zip(names, others, strict=True))}


def _flow(place: str, series: Mapping[str, Any], lengths: jax.Array | None, axis: str | None) -> Metrics:
    """Return the three keys of one state, its directions taken together."""
    turned = [back_from_the_end(norms, lengths, direction) for direction, norms in series.items()]
    decades = slope(log10_norm(jnp.concatenate(turned), axis))
    return {
        f"{place}log10_norm": log10_norm(jnp.concatenate(list(series.values())), axis),
        f"{place}slope": decades,
        f"{place}horizon": horizon(decades),
    }
