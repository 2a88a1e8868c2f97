"""Largest singular value where many are nearly equal."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.diagnostics.singular_values import log10_singular_value

N = 64


@pytest.mark.parametrize("k", [1, 10])
@pytest.mark.parametrize("spread", [0.0, 0.01, 1.0])
def test_equals_that_of_the_dense_product(spread, k):
    draw = np.random.default_rng(0)
    left, right = (np.linalg.qr(draw.normal(size=(N, N)))[0] for _ in range(2))
    matrix = left * np.linspace(1, 1 - spread, N) @ right
    states, inputs, real = jnp.zeros((k + 1, 2, N)), jnp.zeros((k + 1, 2, 1)), jnp.ones((k + 1, 2), bool)
    step = lambda state, _: state @ jnp.asarray(matrix, state.dtype)  # noqa: E731
    found = jax.jit(lambda: log10_singular_value(step, states, inputs, real, k))()
    expected = np.log10(np.linalg.norm(np.linalg.matrix_power(matrix, k), 2))
    np.testing.assert_allclose(found, expected, atol=1e-5)
