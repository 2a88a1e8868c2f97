"""DeltaNet with one head, in plain JAX."""

from __future__ import annotations

import jax
import jax.numpy as jnp

CHUNK = 32


def unit(a: jax.Array) -> jax.Array:
    """Return vectors of length 1 over the last axis."""
    return a * jax.lax.rsqrt(jnp.sum(a * a, axis=-1, keepdims=True) + 1e-6)


def project(params: dict, x: jax.Array) -> tuple[jax.Array, ...]:
    """Return q, k and v, `(…, H)` each, and β `(…, 1)`."""
    H = params["output_kernel"].shape[0]
    q, k, v, beta = jnp.split(x @ params["input_kernel"], (H, 2 * H, 3 * H), axis=-1)
    return unit(jax.nn.silu(q)), unit(jax.nn.silu(k)), jax.nn.silu(v), jax.nn.sigmoid(beta)


def out(params: dict, o: jax.Array) -> jax.Array:
    """Return y."""
    o = o * jax.lax.rsqrt(jnp.mean(o * o, axis=-1, keepdims=True) + 1e-5)
    return (o * params["norm_gain"]) @ params["output_kernel"]


def scan(params: dict, x: jax.Array) -> jax.Array:
    """Take one step after another."""
    reading = project(params, jnp.swapaxes(x, 0, 1))

    def step(S: jax.Array, now: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        q, k, v, beta = now
        u = beta * (v - jnp.einsum("bk,bkv->bv", k, S))
        S = S + k[..., None] * u[:, None]
        return S, jnp.einsum("bk,bkv->bv", q, S)

    _, o = jax.lax.scan(step, jnp.zeros((x.shape[0], *params["output_kernel"].shape)), reading)
    return jnp.swapaxes(out(params, o), 0, 1)


def chunks(params: dict, x: jax.Array) -> jax.Array:
    """Take chunks of steps, with `jax.scipy.linalg.solve_triangular`."""
    B, T, F = x.shape
    reading = project(params, jnp.swapaxes(x.reshape(B, T // CHUNK, CHUNK, F), 0, 1))

    def step(S: jax.Array, now: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        q, k, v, beta = now
        A = jnp.eye(CHUNK) + jnp.tril(beta * jnp.einsum("btk,bjk->btj", k, k), -1)
        right = beta * (v - jnp.einsum("btk,bkv->btv", k, S))
        u = jax.scipy.linalg.solve_triangular(A, right, lower=True, unit_diagonal=True)
        scores = jnp.tril(jnp.einsum("btk,bjk->btj", q, k))
        o = jnp.einsum("btk,bkv->btv", q, S) + jnp.einsum("btj,bjv->btv", scores, u)
        return S + jnp.einsum("bjk,bjv->bkv", k, u), o

    _, o = jax.lax.scan(step, jnp.zeros((B, *params["output_kernel"].shape)), reading)
    return jnp.swapaxes(out(params, o), 0, 1).reshape(B, T, -1)


FORMS = {"scan": scan, "chunks": chunks}
