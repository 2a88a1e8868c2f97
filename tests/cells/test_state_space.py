"""State-space cells, compared with their equations in NumPy and with the package mambapy."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_cell import from_conf, problem

from seqlab.cells import S4D, S5, SelectiveSSM
from seqlab.cells.state_space import legs
from seqlab.recurrence import unroll
from seqlab.testing import CELL_LAWS

WHOLE_SEQUENCES = next(law for law in CELL_LAWS if law.name == "whole sequences")
VECTORS = Path(__file__).parents[1] / "vectors" / "mambapy.npz"


def step(name, **fields):
    """Return parameters, x, the carry and the output of a step, in NumPy."""
    cell = from_conf(name, **fields)
    params, inputs, carry = problem(cell)
    _, y = jax.jit(cell.apply)({"params": params}, carry, inputs[:, 0])
    as_numpy = lambda leaf: np.asarray(leaf, float)  # noqa: E731
    return jax.tree.map(as_numpy, dict(params)), as_numpy(inputs[:, 0]), jax.tree.map(as_numpy, carry), y


def discretized(eigenvalues, delta, method):
    if method == "zoh":
        return np.exp(eigenvalues * delta), (np.exp(eigenvalues * delta) - 1) / eigenvalues
    return (1 + eigenvalues * delta / 2) / (1 - eigenvalues * delta / 2), delta / (
        1 - eigenvalues * delta / 2
    )


def eigenvalues_of(p):
    return -np.exp(p["log_decay"]) + 1j * p.get("frequency", 0)


def as_state(carry):
    return carry[0] + 1j * carry[1] if isinstance(carry, tuple) else carry


def test_ind_rnn():
    p, x, h, y = step("ind_rnn")
    expected = np.maximum(x @ p["input_kernel"] + p["recurrent_weight"] * h + p["bias"], 0)
    np.testing.assert_allclose(y, expected, atol=2e-6)


def test_rg_lru():
    p, x, h, y = step("rg_lru")
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    r, i, v = np.split(x @ p["input_kernel"] + p["bias"], 3, axis=-1)
    a = sigmoid(p["decay"]) ** (8 * sigmoid(r))
    np.testing.assert_allclose(y, a * h + np.sqrt(1 - a**2) * sigmoid(i) * v, atol=2e-6)


@pytest.mark.parametrize(("eigenvalues", "method"), [("lin", "zoh"), ("inv", "bilinear"), ("real", "zoh")])
def test_s4d(eigenvalues, method):
    p, x, carry, y = step("s4d", eigenvalues=eigenvalues, discretization=method)
    a, gain = discretized(eigenvalues_of(p), np.exp(p["log_step"])[:, None], method)
    u = x @ p["input_kernel"]
    s = a * as_state(carry) + gain * u[..., None]
    C = p["C"] if eigenvalues == "real" else 2 * (p["C"][0] + 1j * p["C"][1])
    np.testing.assert_allclose(y, (C * s).sum(-1).real + p["D"] * u, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("eigenvalues", "method"), [("legs", "zoh"), ("real", "bilinear")])
def test_s5(eigenvalues, method):
    p, x, carry, y = step("s5", eigenvalues=eigenvalues, discretization=method, num_states=6)
    a, gain = discretized(eigenvalues_of(p), np.exp(p["log_step"]), method)
    B, C = (p[k][0] if eigenvalues == "real" else p[k][0] + 1j * p[k][1] for k in "BC")
    s = a * as_state(carry) + gain * (x @ B)
    read = (s @ C).real * (1 if eigenvalues == "real" else 2)
    np.testing.assert_allclose(y, read + x @ p["D"], rtol=1e-5, atol=1e-5)


def test_the_initial_eigenvalues_are_those_of_the_papers():
    start = lambda cell: jax.jit(cell.init)(  # noqa: E731
        jax.random.key(0), cell.initialize_carry(None, (1, 2)), jnp.ones((1, 2))
    )["params"]
    n = np.arange(4)
    for name, expected in (("lin", np.pi * n), ("inv", 8 / np.pi * (8 / (2 * n + 1) - 1))):
        params = start(S4D(2, num_states=8, eigenvalues=name))
        np.testing.assert_allclose(params["frequency"][0], expected, rtol=1e-5)
        np.testing.assert_allclose(params["log_decay"], np.log(0.5), rtol=1e-6)
    n = np.arange(6)
    skew = np.sqrt(np.outer(2 * n + 1, 2 * n + 1)) / 2
    matrix = -np.tril(skew, -1) + np.triu(skew, 1) - 0.5 * np.eye(6)
    eigenvalues, vectors = legs(3)
    np.testing.assert_allclose(matrix @ vectors, vectors * eigenvalues, atol=1e-12)
    params = start(S5(2, num_states=6))
    np.testing.assert_allclose(np.sort(params["frequency"]), np.sort(eigenvalues.imag), rtol=1e-5)


@pytest.mark.parametrize("name", ["rg_lru", "s4d", "s5"])
def test_in_parallel_equals_step_by_step(name):
    WHOLE_SEQUENCES(from_conf(name, scan="associative"))


def test_the_selective_ssm_equals_mambapy():
    with np.load(VECTORS) as arrays:
        v = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
    ours = {
        "in_kernel": lambda d: v[f"{d}in_proj.weight"].T,
        "conv_kernel": lambda d: v[f"{d}conv1d.weight"][:, 0].T,
        "conv_bias": lambda d: v[f"{d}conv1d.bias"],
        "x_kernel": lambda d: v[f"{d}x_proj.weight"].T,
        "step_kernel": lambda d: v[f"{d}dt_proj.weight"].T,
        "step_bias": lambda d: v[f"{d}dt_proj.bias"],
        "A_log": lambda d: v[f"{d}A_log"],
        "D": lambda d: v[f"{d}D"],
        "out_kernel": lambda d: v[f"{d}out_proj.weight"].T,
    }
    params, expected = ({name: read(d) for name, read in ours.items()} for d in ("", "d"))
    cell = SelectiveSSM(4, num_states=3)

    @jax.jit
    def everything(params, x):
        loss = lambda params, x: (jnp.vdot(y := unroll(cell, params, x)[1], v["dy"]), y)  # noqa: E731
        return jax.grad(loss, (0, 1), has_aux=True)(params, x)

    slopes, y = everything(params, v["x"])
    np.testing.assert_allclose(y, v["y"], rtol=1e-5, atol=1e-5)
    for found, want in zip(jax.tree.leaves(slopes), jax.tree.leaves((expected, v["dx"])), strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("ind_rnn", {"min_recurrent": 1.0}, "min_recurrent must be below max_recurrent=1.0, got 1.0"),
        ("rg_lru", {"min_radius": 0.0}, "min_radius must be above 0"),
        ("s4d", {"num_states": 3}, "num_states must be even, got 3"),
        ("s4d", {"eigenvalues": "legs"}, "eigenvalues must be one of lin, inv, real"),
        ("s5", {"discretization": "euler"}, "discretization must be one of zoh, bilinear"),
        ("s5", {"min_step": 0.2}, "min_step must be below max_step=0.1, got 0.2"),
        ("selective_ssm", {"conv_width": 1}, "conv_width must be at least 2, got 1"),
        ("selective_ssm", {"scan": "associative"}, "scan must be one of sequential, parallel"),
    ],
)
def test_illegal_fields_are_refused(name, fields, message):
    with pytest.raises(ValueError, match=message):
        from_conf(name, **fields)
