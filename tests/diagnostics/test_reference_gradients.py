"""Reference gradients: three ways agree."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.cells import GRU, LSTM, Elman
from seqlab.diagnostics.reference_gradients import bptt, compare, rtrl, truncated_bptt
from seqlab.recurrence import Stack, unroll

B, T, F, H = 2, 5, 2, 3
CELLS = [Elman(H), LSTM(H), GRU(H)]
each_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)


def loss(outputs):
    """Weigh every output differently, and not linearly."""
    weights = jnp.cos(jnp.arange(outputs.size, dtype=outputs.dtype)).reshape(outputs.shape)
    return jnp.sum(weights * jnp.sin(outputs))


@functools.cache
def problem(cell):
    """Return parameters and inputs in float64."""
    draw = np.random.default_rng(0)
    params = jax.jit(lambda key: Stack(cell).init(key, F))(jax.random.key(0))["layer_0"]["forward"]
    params = jax.tree.map(
        lambda leaf: jnp.asarray(leaf + 0.3 * draw.normal(size=leaf.shape), "float64"), params
    )
    return params, jnp.asarray(draw.normal(size=(B, T, F)))


def gradient(method, cell, *further):
    return jax.jit(lambda params, inputs: method(cell, params, inputs, loss, *further))(*problem(cell))


def equal(found, expected, rtol=1e-10):
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=rtol, atol=1e-14), found, expected)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@each_cell
def test_all_are_the_gradient_of_unroll(cell):
    params, inputs = problem(cell)
    truth = jax.jit(jax.grad(lambda params: loss(unroll(cell, params, inputs)[1])))(params)
    equal(gradient(bptt, cell), truth)
    equal(gradient(rtrl, cell), truth)
    equal(gradient(truncated_bptt, cell, T), truth)


def test_truncation_is_the_sum_of_its_windows():
    """Each output's own window, run from a carry that is constant, with the slope of its own output."""
    cell, window = LSTM(H), 2
    params, inputs = problem(cell)

    @jax.jit
    def windows(params):
        slopes = jax.grad(loss)(unroll(cell, params, inputs)[1])
        total = jax.tree.map(jnp.zeros_like, params)
        for t in range(T):
            first = max(t + 1 - window, 0)
            start = None if first == 0 else unroll(cell, params, inputs[:, :first])[0]
            own = lambda p, f=first, t=t, s=start: unroll(cell, p, inputs[:, f : t + 1], carry=s)[1][:, -1]  # noqa: E731
            part = jax.vjp(own, params)[1](slopes[:, t])[0]
            total = jax.tree.map(jnp.add, total, part)
        return total

    found = gradient(truncated_bptt, cell, window)
    equal(found, windows(params))
    agreement = compare(found, gradient(bptt, cell))
    assert agreement.keys() == params.keys()
    assert all(0 < one.cosine < 0.9999 for one in agreement.values())
    np.testing.assert_allclose(list(compare(found, found).values()), 1, rtol=1e-12)


@pytest.mark.parametrize(("one", "other"), [(1e-35, 1e-35), (1e35, 1e35), (1e35, 1.0)])
def test_gradients_are_compared_over_the_whole_range(one, other):
    draw = np.random.default_rng(0)
    a, b = draw.normal(size=(2, 50))
    found = compare(*({"layer": {"b": jnp.asarray(v * s, "float32")}} for v, s in ((a, one), (b, other))))[
        "layer/b"
    ]
    np.testing.assert_allclose(found.cosine, a @ b / np.linalg.norm(a) / np.linalg.norm(b), rtol=1e-5)
    relative = np.linalg.norm(a) / np.linalg.norm(b) * (one / other)
    np.testing.assert_allclose(found.relative_norm, relative, rtol=1e-5)


def test_a_window_of_no_steps_is_refused():
    with pytest.raises(ValueError, match="num_steps must be a positive integer, got 0"):
        truncated_bptt(Elman(H), *problem(Elman(H)), loss, 0)
