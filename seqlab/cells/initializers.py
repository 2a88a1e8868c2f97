"""How does a recurrent kernel start? Each gate's `(H, H)` block is drawn on its own, then they are joined."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp


def _identity(key: jax.Array, shape: tuple[int, int], dtype: jnp.dtype) -> jax.Array:
    return jnp.eye(*shape, dtype=dtype)


def _normal(key: jax.Array, shape: tuple[int, int], dtype: jnp.dtype) -> jax.Array:
    return jax.random.normal(key, shape, dtype) * shape[0] ** -0.5


BLOCKS = {"orthogonal": nn.initializers.orthogonal(), "identity": _identity, "normal": _normal}
"""How one `(H, H)` block is drawn: orthogonal (Saxe et al. 2014), the identity (Le et al. 2015, IRNN), or
independent normal entries of variance 1/H, whose spectral radius tends to 1 (Girko's circular law)."""


def recurrent(name: str, scale: float, num_gates: int) -> nn.initializers.Initializer:
    """Return an initialiser of an `(H, G·H)` recurrent kernel: `scale` times one block a gate.

    Args:
        name: a key of `BLOCKS`.
        scale: the factor on the initial kernel; with an orthogonal or identity block, its spectral radius ρ.
        num_gates: G, the number of blocks.
    """

    def init(key: jax.Array, shape: tuple[int, int], dtype: jnp.dtype) -> jax.Array:
        block = (shape[0], shape[1] // num_gates)
        keys = jax.random.split(key, num_gates)
        return scale * jnp.concatenate([BLOCKS[name](key, block, dtype) for key in keys], axis=1)

    return init
