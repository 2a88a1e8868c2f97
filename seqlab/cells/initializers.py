"""Initialisation of recurrent kernels, one `(H, H)` block for each gate."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp


def _identity(key: jax.Array, shape: tuple[int, int], dtype: jnp.dtype) -> jax.Array:
    return jnp.eye(*shape, dtype=dtype)


def _normal(key: jax.Array, shape: tuple[int, int], dtype: jnp.dtype) -> jax.Array:
    return jax.random.normal(key, shape, dtype) * shape[0] ** -0.5


BLOCKS = {"orthogonal": nn.initializers.orthogonal(), "identity": _identity, "normal": _normal}
"""Initialisers of one block.

Orthogonal (Saxe et al. 2014), the identity (Le et al. 2015, IRNN), or independent normal entries of variance
1/H, whose spectral radius tends to 1 (Girko's circular law).
"""


def recurrent(name: str, scale: float, num_gates: int) -> nn.initializers.Initializer:
    """Return an initialiser of an `(H, G·H)` recurrent kernel: `scale` times one block for each gate.

    Args:
        name: a key of `BLOCKS`.
        scale: factor on the blocks; for an orthogonal or identity block it is the spectral radius ρ.
        num_gates: G, the number of blocks.
    """

    def init(key: jax.Array, shape: tuple[int, int], dtype: jnp.dtype) -> jax.Array:
        block = (shape[0], shape[1] // num_gates)
        keys = jax.random.split(key, num_gates)
        return scale * jnp.concatenate([BLOCKS[name](key, block, dtype) for key in keys], axis=1)

    return init
