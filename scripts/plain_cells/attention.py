"""Causal multi-head attention with rotary positions by Flax's own layer."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

NUM_HEADS = 2


def rotated(x: jax.Array) -> jax.Array:
    """Return x `(B, T, N, d)`, d even, at the positions 0 … T − 1 (Su et al. 2021)."""
    half = x.shape[-1] // 2
    angles = jnp.arange(x.shape[1])[:, None, None] * 10_000.0 ** (-jnp.arange(half) / half)
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    first, second = x[..., :half], x[..., half:]
    return jnp.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)


def attend(query: jax.Array, key: jax.Array, value: jax.Array, mask: jax.Array) -> jax.Array:
    """Return Flax's attention of rotated queries and keys; Flax passes only the arguments that are named."""
    return nn.dot_product_attention(rotated(query), rotated(key), value, mask=mask)


def flax(params: dict, x: jax.Array) -> jax.Array:
    """Return the outputs of `nn.MultiHeadDotProductAttention`."""
    F, H = x.shape[-1], params["output_kernel"].shape[0]
    layer = nn.MultiHeadDotProductAttention(
        NUM_HEADS, qkv_features=H, out_features=H, use_bias=False, attention_fn=attend
    )
    kernels = zip(("query", "key", "value"), jnp.split(params["input_kernel"], 3, axis=1), strict=True)
    theirs = {name: {"kernel": kernel.reshape(F, NUM_HEADS, -1)} for name, kernel in kernels}
    theirs["out"] = {"kernel": params["output_kernel"].reshape(NUM_HEADS, -1, H)}
    return layer.apply({"params": theirs}, x, mask=nn.make_causal_mask(x[..., 0]))


FORMS = {"flax.linen.MultiHeadDotProductAttention": flax}
