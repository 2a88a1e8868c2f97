"""Options of a quick compilation: this version of XLA has them."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.tasks._quick_compilation import CPU_OPTIONS, quick_options


def test_xla_knows_the_options_and_computes_the_same():
    assert quick_options() == CPU_OPTIONS
    numbers = jax.jit(jax.random.bits, static_argnums=1)
    quick = jax.jit(jax.random.bits, static_argnums=1, compiler_options=quick_options())
    assert jnp.array_equal(numbers(jax.random.key(0), (100,)), quick(jax.random.key(0), (100,)))
