"""Decompositions of matrices: equal to those of LAPACK, whose calls can wait for each other for ever."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.diagnostics.lyapunov import orthonormalised
from seqlab.diagnostics.spectra import spectra, spectral_norm


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30, 0.0])
def test_the_spectral_norm_is_the_largest_singular_value(scale):
    matrix = np.random.default_rng(0).normal(size=(9, 9))
    found = spectral_norm(jnp.asarray(scale * matrix, jnp.float32))
    np.testing.assert_allclose(found, scale * np.linalg.norm(matrix, 2), rtol=2e-5)


@pytest.mark.parametrize("num_heads", [1, 3])
def test_the_spectra_of_a_gate_are_those_of_its_block_diagonal_matrix(num_heads):
    heads = np.random.default_rng(0).normal(size=(num_heads, 4, 2 * 4)).astype("float32")
    found = spectra({"recurrent_kernel": jnp.asarray(heads if num_heads > 1 else heads[0])})
    gates = np.zeros((2, num_heads, 4, num_heads, 4))
    for head in range(num_heads):
        gates[:, head, :, head] = heads[head].reshape(4, 2, 4).swapaxes(0, 1)
    gates = gates.reshape(2, 4 * num_heads, 4 * num_heads)
    radius = np.abs(np.linalg.eigvals(gates)).max()
    np.testing.assert_allclose(found["recurrent/spectral_radius"], radius, rtol=1e-3)
    np.testing.assert_allclose(
        found["recurrent/spectral_norm"], np.linalg.norm(gates, 2, (1, 2)).max(), rtol=1e-4
    )


@pytest.mark.parametrize("squeeze", [1.0, 1e-3])
def test_a_frame_is_that_of_a_qr_decomposition(squeeze):
    frames = np.random.default_rng(0).normal(size=(3, 8, 4)) * np.array([1, squeeze, 1, squeeze**2])
    frames[..., 2] = frames[..., 0] + squeeze * frames[..., 2]
    basis, logs = orthonormalised(jnp.asarray(frames, jnp.float32))
    gram = np.einsum("bnk,bnl->bkl", basis, basis)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(4), gram.shape), atol=1e-5)
    expected = np.log(np.abs(np.diagonal(np.linalg.qr(frames)[1], axis1=1, axis2=2)))
    np.testing.assert_allclose(logs, expected, atol=1e-3)


def test_neither_calls_lapack():
    frames = jnp.zeros((3, 8, 4))
    for function, argument in ((orthonormalised, frames), (jax.vmap(spectral_norm), frames[:, :4])):
        assert "lapack" not in jax.jit(function).lower(argument).as_text()
