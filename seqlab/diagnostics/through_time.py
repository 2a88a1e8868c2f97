"""Gradient through time: norms of ∂L/∂h_t and ∂L/∂x_t for every step t, and the line through their logs."""

from __future__ import annotations

import re
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from seqlab.types import Carry, Metrics, Tree

REMAINS = 0.01
"""The share of the gradient that remains at the horizon."""


def through_time(
    norms: Mapping[str, Mapping[str, Carry]],
    lengths: jax.Array | Mapping[str, jax.Array | None] | None = None,
    axis: str | None = None,
) -> Metrics:
    """Return how the gradient changes on its way back through time, for every layer.

    Args:
        norms: `{layer: {direction: carry}}`, in any order; the top layer has the highest number. Each leaf is
            ‖∂L/∂s_bt‖ over all axes but B, `(B, T)`, and zero after a sequence's end; the entry `inputs` is
            ‖∂L/∂x_bt‖ of what the lowest layer reads. The gradients of `zero_probes` are of this form.
        lengths: int32 `(B,)`, the real steps of each sequence; None for T each; a dict of these by layer
            where layers read sequences of different lengths.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.

    Returns:
        Three keys, under `grads/through_time/` for h of the top layer, under `grads/through_time/layer_<i>/`
        for a lower layer, under `grads/through_time/inputs/` for the inputs, and one level deeper, under
        `cell/`, for the other leaves of a carry:

        - `log10_norm` `(T,)`: log10 ‖∂L/∂h_t‖ over B and H, t counted from each sequence's first step; the
          mean square over the sequences that have a step t stands for all B;
        - `slope`: the decades gained with each step back from the end, negative where gradients vanish; a
          step is compared with the next over the sequences that have both;
        - `horizon`: the steps back until 1 % remains at that slope, inf where it is not negative.

        Slope and horizon count steps back from each sequence's own end, which is its first step for the
        backward direction. In a bidirectional layer these keys are of both directions together, and the keys
        of each direction stand one level deeper. With truncated BPTT the gradient is the truncated one, and
        `log10_norm` is −inf at steps that no loss reaches.
    """
    metrics = {}
    layers = sorted(norms, key=_height)
    for layer in layers:
        directions = norms[layer]
        place = "grads/through_time/" + ("" if layer == layers[-1] else f"{layer}/")
        of_layer = lengths[layer] if isinstance(lengths, Mapping) else lengths
        named = {direction: _named(carry) for direction, carry in directions.items()}
        for name in next(iter(named.values())):
            series = {direction: leaves[name] for direction, leaves in named.items()}
            metrics |= _flow(f"{place}{name}", series, of_layer, axis)
            if len(series) > 1:
                for direction, one in series.items():
                    metrics |= _flow(f"{place}{name}{direction}/", {direction: one}, of_layer, axis)
    return metrics


def log10_norm(norms: jax.Array, real: jax.Array, axis: str | None = None) -> jax.Array:
    """Return log10 of the norm of norms over B, `(B, T) -> (T,)`, exact over the whole range of floats.

        log10 √(B/N_t Σ_b n_bt²) = (m + ln Σ_b exp(2 ln n_bt − m) + ln B/N_t) / (2 ln 10)
        m = max_b 2 ln n_bt

    N_t is the number of sequences that have step t. Their mean square stands for all B, so that a step which
    fewer sequences have is no smaller for it. The result is −inf where every norm is zero or no sequence has
    the step, and inf or NaN where a norm is.

    Args:
        norms: `(B, T)`, zero where `real` is false.
        real: bool `(B, T)`, the steps that each sequence has.
        axis: the mesh axis that the rows are spread over, inside `shard_map`.
    """
    logs = 2 * jnp.log(norms)
    largest = jnp.max(logs, axis=0)
    largest = largest if axis is None else jax.lax.pmax(largest, axis)
    anchor = jnp.where(jnp.isfinite(largest), largest, 0)
    sums = jnp.sum(jnp.exp(logs - anchor), axis=0), jnp.sum(real, axis=0), len(real)
    total, count, rows = sums if axis is None else jax.lax.psum(sums, axis)
    share = (jnp.maximum(count, 1) / rows).astype(norms.dtype)
    return (jnp.log(total) + anchor - jnp.log(share)) / (2 * jnp.log(jnp.asarray(10, norms.dtype)))


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
    """Return the steps until 1 % remains, at a slope in decades a step; inf where it is not negative."""
    return jnp.where(slope < 0, jnp.log10(jnp.asarray(REMAINS, slope.dtype)) / slope, jnp.inf + 0 * slope)


def back_from_the_end(norms: jax.Array, lengths: jax.Array | None, direction: str) -> jax.Array:
    """Reorder `(B, T)` so that column k is k steps before the end of the recurrence, zero past its start.

    The forward direction ends at a sequence's last real step, the backward direction at its first step.
    """
    if direction == "backward":
        return norms
    if lengths is None:
        return norms[:, ::-1]
    source = lengths[:, None] - 1 - jnp.arange(norms.shape[1])
    return jnp.where(source >= 0, jnp.take_along_axis(norms, jnp.maximum(source, 0), axis=1), 0)


def _height(layer: str) -> list[str | int]:
    """Return a sort key by which layer_10 is above layer_9; JAX sorts the keys of a dict as texts."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", layer)]


def _named(carry: Carry) -> dict[str, jax.Array]:
    """Return the leaves of a carry by the ends of their keys: "" for h, `cell/` or `cell_<i>/` for others."""
    *others, h = jax.tree.leaves(carry)
    names = ["cell/"] if len(others) == 1 else [f"cell_{index}/" for index in range(len(others))]
    return {"": h, **dict(zip(names, others, strict=True))}


def _same_sequences(norms: jax.Array, lengths: jax.Array, axis: str | None) -> jax.Array:
    """Return `log10_norm` over the steps back, `(B, T) -> (T,)`, without what a change of sequences adds.

        y_k = r_k(S_k) + Σ_{j<k} (r_j(S_j) − r_j(S_{j+1}))

    S_k are the sequences with more than k steps, and r_k(S) is `log10_norm` of column k over the sequences S.
    So y_{k+1} − y_k compares the norms of the same sequences, and is log10 ρ where each norm is scaled by ρ.
    """
    steps = jnp.arange(norms.shape[1])
    real, longer = (steps + more < lengths[:, None] for more in (0, 1))
    found, of_longer = log10_norm(norms, real, axis), log10_norm(jnp.where(longer, norms, 0), longer, axis)
    change = jnp.where(jnp.isfinite(found) & jnp.isfinite(of_longer), found - of_longer, 0)
    return found + jnp.cumsum(change) - change


def _flow(place: str, series: Mapping[str, Tree], lengths: jax.Array | None, axis: str | None) -> Metrics:
    """Return the keys of one leaf of a carry, with its directions taken together."""
    norms = jnp.concatenate(list(series.values()))
    turned = jnp.concatenate([back_from_the_end(one, lengths, name) for name, one in series.items()])
    lengths = jnp.full(len(norms), norms.shape[1]) if lengths is None else jnp.tile(lengths, len(series))
    decades = slope(_same_sequences(turned, lengths, axis))
    real = jnp.arange(norms.shape[1]) < lengths[:, None]
    return {
        f"{place}log10_norm": log10_norm(norms, real, axis),
        f"{place}slope": decades,
        f"{place}horizon": horizon(decades),
    }
