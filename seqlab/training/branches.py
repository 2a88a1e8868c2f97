"""What happens only where it is wanted? Branches inside a compiled program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def only_if(wanted: jax.Array, make: Callable[[], Any]) -> Any:
    """Return what `make` makes where it is wanted, and zeros of the same form where it is not."""
    shapes = jax.eval_shape(make)
    return jax.lax.cond(wanted, make, lambda: zeros_of(shapes))


def once_if(wanted: jax.Array, change: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree changed where that is wanted, and as it is where it is not.

    A loop of at most one round, since XLA changes a loop's arrays in place, and copies those of a branch.
    """
    never = jnp.zeros_like(wanted)
    return jax.lax.while_loop(lambda held: held[0], lambda held: (never, change(held[1])), (wanted, tree))[1]


def zeros_of(shapes: Any) -> Any:
    """Return zeros of the shapes and dtypes of a tree."""
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
