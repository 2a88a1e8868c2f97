"""sLSTM and mLSTM compared with the authors' package `xlstm` (`scripts/make_xlstm_vectors.py`)."""

from __future__ import annotations

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.cells import MLSTM, SLSTM
from seqlab.recurrence import unroll

VECTORS = Path(__file__).parents[1] / "vectors" / "xlstm.npz"
WEIGHTS = ("input_kernel", "recurrent_kernel", "bias")
CELLS = {
    "slstm-1": SLSTM(6),
    "slstm-3": SLSTM(6, num_heads=3),
    "mlstm-1": MLSTM(6, scan="sequential"),
    "mlstm-3": MLSTM(6, num_heads=3),
}
"""One mLSTM is computed step by step and one in chunks, which a law of every cell compares."""


@pytest.mark.parametrize("case", CELLS)
def test_outputs_carry_and_gradients_are_those_of_the_package(case):
    with np.load(VECTORS) as arrays:
        prefix = f"{case}/"
        stored = {name.removeprefix(prefix): arrays[name] for name in arrays.files if name.startswith(prefix)}
    with jax.enable_x64(True):
        params = {name: jnp.asarray(stored[name]) for name in WEIGHTS if name in stored}

        @functools.partial(jax.jit, static_argnums=0)
        def everything(cell, params, x):
            def loss(params, x):
                carry, y = unroll(cell, params, x)
                return jnp.vdot(y, stored["dy"]), (carry, y)

            return jax.grad(loss, (0, 1), has_aux=True)(params, x)

        (slopes, dx), (carry, y) = everything(CELLS[case], params, jnp.asarray(stored["x"]))
    np.testing.assert_allclose(y, stored["y"], atol=1e-10)
    if "y_parallel" in stored:
        np.testing.assert_allclose(y, stored["y_parallel"], atol=1e-10)
    for name, leaf in zip("cnm", carry, strict=False):
        np.testing.assert_allclose(leaf, stored[name], atol=1e-10, err_msg=name)
    for name, slope in {**slopes, "x": dx}.items():
        np.testing.assert_allclose(slope, stored[f"d{name}"], atol=1e-9, rtol=1e-9, err_msg=name)
