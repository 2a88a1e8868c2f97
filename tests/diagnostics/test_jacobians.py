"""Spectra of the recurrent Jacobian, compared with a linear algebra library."""

from __future__ import annotations

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flows import B, F, H, orthogonal

from seqlab.cells import GRU, LRU, LSTM, Elman
from seqlab.diagnostics.recurrent import jacobians
from seqlab.diagnostics.spectra import recurrent_blocks, spectra, spectral_radius
from seqlab.recurrence import Stack
from seqlab.recurrence.trajectory import trajectories

pytestmark = pytest.mark.slow

DRAW = np.random.default_rng(0)
MATRICES = {
    "random": DRAW.normal(size=(9, 9)),
    "orthogonal": 1.1 * orthogonal(size=9),
    "tiny": 1e-30 * DRAW.normal(size=(9, 9)),
    "huge": 1e30 * DRAW.normal(size=(9, 9)),
    "not normal": np.triu(DRAW.normal(size=(9, 9)), 1) + np.diag(np.linspace(0.1, 0.9, 9)),
    "defective": 0.5 * np.eye(9) + np.diag([1, 0, 1, 0, 1, 0, 0, 0], 1),
    "nilpotent": np.triu(np.ones((9, 9)), 1),
    "zero": np.zeros((9, 9)),
}
PRECISIONS = {"float32": 1e-4, "float64": 1e-10}


@pytest.fixture(params=PRECISIONS)
def precision(request):
    """Hold in both precisions: the dtype, and the relative tolerance it is held to."""
    with jax.enable_x64(request.param == "float64"):
        yield jnp.dtype(request.param), PRECISIONS[request.param]


def test_the_spectral_radius_is_the_largest_modulus_of_an_eigenvalue():
    matrices = np.float32(list(MATRICES.values()))
    exact = np.abs(np.linalg.eigvals(np.float64(matrices))).max(axis=1)
    np.testing.assert_allclose(jax.jit(jax.vmap(spectral_radius))(matrices), exact, rtol=1e-4)


@pytest.mark.parametrize(
    ("cell", "count"),
    [(Elman(H), 1), (GRU(H), 3), (LSTM(H), 4), (nn.GRUCell(H), 3), (nn.OptimizedLSTMCell(H), 4), (LRU(H), 0)],
)
def test_every_gate_has_a_block(cell, count):
    blocks = jax.eval_shape(
        lambda key: recurrent_blocks(Stack(cell).init(key, F)["layer_0"]["forward"]), jax.random.key(0)
    )
    assert [block.shape for block in blocks] == count * [(H, H)]


def test_of_several_gates_the_largest_counts():
    blocks = [scale * orthogonal(seed) for seed, scale in enumerate((0.5, 2, 1))]
    blocks[1][0] *= 3
    found = spectra({"recurrent_kernel": np.float32(np.concatenate(blocks, axis=1))})
    np.testing.assert_allclose(found["recurrent/spectral_norm"], np.linalg.norm(blocks[1], 2), rtol=1e-5)
    radius = np.abs(np.linalg.eigvals(blocks[1])).max()
    np.testing.assert_allclose(found["recurrent/spectral_radius"], radius, rtol=1e-4)
    assert spectra({"input_kernel": blocks[0]}) == {}


def measured(cell, num_steps, dtype, lengths=None, resets=None, **replaced):
    """Return the results of `jacobians` for a cell, its trajectory, and its parameters."""
    params = jax.device_get(initialized(cell))
    params["layer_0"]["forward"] |= replaced
    params = jax.tree.map(lambda leaf: np.asarray(leaf, dtype), params)
    inputs = np.asarray(np.random.default_rng(1).normal(size=(B, num_steps, F)), dtype)
    lengths = None if lengths is None else np.array(lengths)
    found, met = jax.device_get(diagnosed(cell, params, inputs, lengths, resets))
    return found, met, params["layer_0"]["forward"]


@functools.partial(jax.jit, static_argnums=0)
def initialized(cell):
    return Stack(cell).init(jax.random.key(0), F)


@functools.partial(jax.jit, static_argnums=0)
def diagnosed(cell, params, inputs, lengths, resets):
    met = trajectories(Stack(cell), params, inputs, lengths, None, resets)
    return jacobians(Stack(cell), params, met), met["layer_0"]["forward"]


@pytest.mark.parametrize("rho", [0.3, 1.0, 2.5])
def test_a_scaled_orthogonal_matrix_stretches_alike_everywhere(rho, precision):
    dtype, tolerance = precision
    cell = Elman(H, activation="identity")
    found, _, _ = measured(cell, 101, dtype, recurrent_kernel=rho * orthogonal())
    close = functools.partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance)
    close(found["recurrent/lyapunov"], H * [np.log(rho)])
    close(found["recurrent/spectral_radius"], rho)
    close(found["recurrent/spectral_norm"], rho)
    for k in (1, 10, 100):
        close(found[f"recurrent/log10_singular_value/{k}"], k * np.log10(rho))
    close(found["recurrent/singular_value/10"], rho**10)


@pytest.mark.parametrize("cell", [Elman(H), LSTM(H), GRU(H)], ids=["elman", "lstm", "gru"])
def test_a_product_of_jacobians_is_that_of_its_dense_matrices(cell):
    """Rows of 14, 2 and 11 steps, of which the first and the last are reset, the last too late for ten."""
    lengths, starts = (14, 2, 11), (2, 0, 3)
    resets = (np.arange(14) == np.array(starts)[:, None]) & (np.arange(14) > 0)
    with jax.enable_x64(True):
        found, met, params = measured(cell, 14, jnp.float64, lengths, resets)
        joined = lambda carry: jnp.concatenate(jax.tree.leaves(carry))  # noqa: E731
        form = jax.tree.structure(met.before)

        def step(state, x):
            carry = form.unflatten(jnp.split(state, form.num_leaves))
            return joined(cell.apply({"params": params}, carry, x)[0])

        states = np.concatenate(jax.tree.leaves(met.before), axis=-1)
        dense = np.asarray(jax.jit(jax.vmap(jax.vmap(jax.jacobian(step))))(states, met.inputs))

    def product(row, last, first=0):
        return functools.reduce(lambda after, J: J @ after, dense[first:last, row])

    for k in (1, 10):
        logs = [
            np.log10(np.linalg.norm(product(row, length, length - k), 2))
            for row, (start, length) in enumerate(zip(starts, lengths, strict=True))
            if length - start > k
        ]
        np.testing.assert_allclose(found[f"recurrent/log10_singular_value/{k}"], np.mean(logs), atol=1e-8)
        np.testing.assert_allclose(found[f"recurrent/singular_value/{k}"], 10 ** np.mean(logs), rtol=1e-8)
    assert "recurrent/singular_value/100" not in found
    exponents = np.asarray(found["recurrent/lyapunov"])
    if len(exponents) == dense.shape[-1]:  # all of them: they add up to the volume's growth
        volume = [np.linalg.slogdet(product(row, length))[1] for row, length in enumerate(lengths)]
        np.testing.assert_allclose(exponents.sum(), sum(volume) / sum(lengths), rtol=1e-8)


def test_the_leading_exponent_of_a_long_trajectory_is_that_of_its_product():
    """Of a diagonal recurrence, where it is ln max |λ|: the first units must not be taken for the largest."""
    nu = np.log(-np.log([0.2, 0.3, 0.4, 0.5, 0.6, 0.9]))
    found, _, _ = measured(LRU(6), 200, jnp.float32, nu=nu)
    np.testing.assert_allclose(found["recurrent/lyapunov"][:2], np.log(0.9), atol=0.02)
    np.testing.assert_allclose(found["recurrent/singular_value/10"], 0.9**10, rtol=1e-3)
    assert "recurrent/spectral_radius" not in found


def test_no_product_leaves_the_range():
    cell = Elman(H, activation="identity")
    for rho in (1e-3, 1e3):
        found, _, _ = measured(cell, 101, jnp.float32, recurrent_kernel=rho * orthogonal())
        np.testing.assert_allclose(
            found["recurrent/log10_singular_value/100"], 100 * np.log10(rho), rtol=1e-5
        )


def test_where_nothing_passes_the_logarithm_is_minus_infinity():
    cell = Elman(H, activation="identity")
    found, _, _ = measured(cell, 101, jnp.float32, recurrent_kernel=np.zeros((H, H)))
    assert found["recurrent/log10_singular_value/10"] == -np.inf
    assert found["recurrent/singular_value/10"] == found["recurrent/spectral_radius"] == 0
    assert np.isneginf(found["recurrent/lyapunov"]).all()
