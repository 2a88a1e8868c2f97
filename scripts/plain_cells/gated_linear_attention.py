"""Gated linear attention with one head and gates of rank 16, in plain JAX."""

from __future__ import annotations

import jax
import jax.numpy as jnp

RANK, TAU, CHUNK = 16, 16.0, 32


def project(params: dict, x: jax.Array) -> tuple[jax.Array, ...]:
    """Return q, k, v, log α and r, `(…, H)` each."""
    H = params["output_kernel"].shape[0]
    ends = (H, 2 * H, 3 * H, 3 * H + RANK)
    q, k, v, low, r = jnp.split(x @ params["input_kernel"], ends, axis=-1)
    logits = low @ params["decay_kernel"] + params["decay_bias"]
    return q, k, v, jax.nn.log_sigmoid(logits) / TAU, r


def out(params: dict, o: jax.Array, r: jax.Array) -> jax.Array:
    """Return y."""
    o = o * jax.lax.rsqrt(jnp.mean(o * o, axis=-1, keepdims=True) + 1e-5) * params["norm_gain"]
    return (o * jax.nn.silu(r)) @ params["output_kernel"]


def scan(params: dict, x: jax.Array) -> jax.Array:
    """Take one step after another."""
    q, k, v, log_decay, r = project(params, jnp.swapaxes(x, 0, 1))

    def step(S: jax.Array, now: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        q, k, v, log_decay = now
        S = jnp.exp(log_decay)[..., None] * S + k[..., None] * v[:, None]
        return S, jnp.einsum("bk,bkv->bv", q, S)

    first = jnp.zeros((x.shape[0], q.shape[-1], v.shape[-1]))
    _, o = jax.lax.scan(step, first, (q, k, v, log_decay))
    return jnp.swapaxes(out(params, o, r), 0, 1)


def chunks(params: dict, x: jax.Array) -> jax.Array:
    """Take chunks of steps by the plain parallel form, which overflows where a memory decays by e^−80."""
    B, T, F = x.shape
    q, k, v, log_decay, r = project(params, jnp.swapaxes(x.reshape(B, T // CHUNK, CHUNK, F), 0, 1))
    b = jnp.cumsum(log_decay, axis=-2)

    def step(S: jax.Array, now: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        q, k, v, b = now
        end = b[:, -1:]
        q = q * jnp.exp(b)
        scores = jnp.tril(jnp.einsum("btk,bjk->btj", q, k * jnp.exp(-b)))
        o = jnp.einsum("btk,bkv->btv", q, S) + jnp.einsum("btj,bjv->btv", scores, v)
        S = jnp.exp(end[:, 0])[..., None] * S + jnp.einsum("bjk,bjv->bkv", k * jnp.exp(end - b), v)
        return S, o

    _, o = jax.lax.scan(step, jnp.zeros((B, q.shape[-1], v.shape[-1])), (q, k, v, b))
    return jnp.swapaxes(out(params, o, r), 0, 1).reshape(B, T, -1)


FORMS = {"scan": scan, "chunks": chunks}
