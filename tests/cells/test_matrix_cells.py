"""Cells with a matrix as memory, compared with their equations in NumPy, and at the ends of their ranges."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_cell import difference, problem, run

from seqlab.cells import MLSTM, SLSTM, DeltaNet, GatedDeltaNet, GatedLinearAttention
from seqlab.cells.delta_rule import inverse_of_unit_lower
from seqlab.recurrence import unroll

H, N, K, V = 6, 2, 4, 3
FORMS = {"num_heads": N, "key_features": K}
CELLS = {
    "gated_linear_attention": GatedLinearAttention(H, gate_rank=2, gate_logit_normalizer=4.0, **FORMS),
    "delta_net": DeltaNet(H, **FORMS),
    "gated_delta_net": GatedDeltaNet(H, **FORMS),
    "delta_product": DeltaNet(H, eigenvalues=[-1, 1], num_householder=3, **FORMS),
    "gated_delta_product": GatedDeltaNet(H, eigenvalues=[-1, 1], num_householder=2, **FORMS),
}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def silu(a):
    return a * sigmoid(a)


def unit(a):
    return a / np.sqrt(np.sum(a * a, -1, keepdims=True) + 1e-6)


def blocks(z, *sizes):
    """Split a row of z by sizes, each block by heads."""
    assert sum(sizes) == len(z)
    return [block.reshape(N, -1) for block in np.split(z, np.cumsum(sizes)[:-1])]


def attend(cell, p, x, S):
    """Take a step of gated linear attention on one row; return S, o and the factor of o."""
    q, k, v, low, r = np.split(x @ p["input_kernel"], np.cumsum([N * K, N * K, H, 2]))
    alpha = sigmoid(low @ p["decay_kernel"] + p["decay_bias"]).reshape(N, K) ** (1 / 4)
    q, k, v, r = q.reshape(N, K), k.reshape(N, K), v.reshape(N, V), r.reshape(N, V)
    return [np.diag(alpha[n]) @ S[n] + np.outer(k[n], v[n]) for n in range(N)], q, silu(r)


def replace(cell, p, x, S):
    """Take a step of a delta rule on one row; return S, o and the factor of o."""
    M, gated = cell.num_householder, isinstance(cell, GatedDeltaNet)
    sizes = (N * K, M * N * K, M * H, M * N, *((N, H) if gated else ()))
    q, k, v, beta, *gates = blocks(x @ p["input_kernel"], *sizes)
    k, v = unit(silu(k.reshape(N, M, K))), silu(v.reshape(N, M, V))
    beta = sigmoid(beta) * (2 if cell.eigenvalues == (-1, 1) else 1)
    alpha, factor = np.ones(N), 1.0
    if gated:
        rate = np.log1p(np.exp(gates[0][:, 0] + p["decay_bias"]))
        alpha, factor = np.exp(-np.exp(p["log_rate"]) * rate), silu(gates[1])
    after = []
    for n in range(N):
        S_n = alpha[n] * S[n]
        for m in range(M):
            S_n = (np.eye(K) - beta[n, m] * np.outer(k[n, m], k[n, m])) @ S_n
            S_n += beta[n, m] * np.outer(k[n, m], v[n, m])
        after.append(S_n)
    return after, unit(silu(q)), factor


@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_that_of_the_equations(name):
    cell = CELLS[name]
    params, inputs, carry = problem(cell)
    apply = jax.jit(lambda *a: cell.apply({"params": params}, *a, mutable="gates"))
    (S, y), sown = jax.device_get(apply(carry, inputs[:, 0]))
    p = {key: np.asarray(value, float) for key, value in params.items()}
    step = attend if isinstance(cell, GatedLinearAttention) else replace
    for b, x in enumerate(np.asarray(inputs[:, 0], float)):
        after, q, factor = step(cell, p, x, np.asarray(carry[b], float))
        o = np.stack([S_n.T @ q_n for S_n, q_n in zip(after, q, strict=True)])
        o = o / np.sqrt(np.mean(o * o, -1, keepdims=True) + 1e-5) * p["norm_gain"] * factor
        np.testing.assert_allclose(S[b], after, atol=3e-6)
        np.testing.assert_allclose(y[b], o.reshape(-1) @ p["output_kernel"], atol=1e-5)
    for gate in sown["gates"].values():
        assert 0 < gate.min() < gate.max() < 1


def at_once_and_in_sequence(cell, params, inputs, carry):
    """Return results and gradients in chunks, and those step by step."""
    resets = np.arange(inputs.shape[1]) == 20

    def loss(scan, *arguments):
        form = cell.clone(scan=scan)
        found = unroll(form, arguments[0], arguments[1], None, arguments[2], resets=resets[None].repeat(3, 0))
        return sum(jnp.mean(jnp.sin(leaf)) for leaf in jax.tree.leaves(found)), found

    both = [
        jax.jit(jax.value_and_grad(lambda *a, scan=scan: loss(scan, *a), (0, 1, 2), has_aux=True))
        for scan in ("chunked", "sequential")
    ]
    return [one(params, inputs, carry) for one in both]


def test_decays_of_any_size_neither_overflow_nor_lose_digits():
    """α is e^−400 in a half of the rows of the memory."""
    cell = GatedLinearAttention(H, gate_logit_normalizer=1.0, scan="chunked")
    params, _, carry = problem(cell)
    inputs = np.float32(np.random.default_rng(3).standard_normal((3, 40, 3)))
    alternating = np.where(np.arange(len(params["decay_bias"])) % 2, params["decay_bias"], np.float32(-400))
    found, expected = at_once_and_in_sequence(cell, params | {"decay_bias": alternating}, inputs, carry)
    assert difference(found, expected) < 1e-5


@pytest.mark.parametrize("preactivation", [-200.0, 200.0])
def test_exponential_gates_of_any_size_do_not_overflow(preactivation):
    cell = MLSTM(H)
    params, _, carry = problem(cell)
    inputs = np.float32(np.random.default_rng(3).standard_normal((3, 40, 3)))
    shifted = params["bias"].copy()
    shifted[-H - 2] = preactivation  # of i
    found, expected = at_once_and_in_sequence(cell, params | {"bias": shifted}, inputs, carry)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found))
    if preactivation < 0:  # else the denominator may vanish, and the quotient has few digits
        assert difference(found, expected) < 1e-5
    scalar = SLSTM(H)
    params, _, _ = problem(scalar)
    shifted = params["bias"].copy()
    shifted[:H] = preactivation
    (c, n, *_), y = jax.device_get(run(scalar, params | {"bias": shifted}, inputs))
    assert np.isfinite(y).all()
    assert (n >= 1).all()
    assert (np.abs(c) <= n).all()


def test_equal_keys_lose_no_digits():
    """With β = 2 the steps are reflections; products of powers would add terms of 10¹⁵ that cancel."""
    A = np.tril(np.full((32, 32), 2.0), -1)
    X = np.asarray(jax.jit(inverse_of_unit_lower)(A.astype("float32")))
    np.testing.assert_array_equal(X @ (np.eye(32) + A), np.eye(32))
    lower = np.tril(np.random.default_rng(0).standard_normal((7, 7)), -1)
    direction = np.tril(np.ones((7, 7)), -1)
    with jax.enable_x64(True):
        both = jax.jit(lambda a, along: jax.jvp(inverse_of_unit_lower, (a,), (along,)))
        X, slope = jax.device_get(both(lower, direction))
    np.testing.assert_allclose(X, np.linalg.inv(np.eye(7) + lower), atol=1e-10)
    np.testing.assert_allclose(slope, -X @ direction @ X, atol=1e-10)


@pytest.mark.parametrize(
    ("cell", "fields", "message"),
    [
        (SLSTM, {"num_heads": 4}, "num_heads must divide features=6, got 4"),
        (MLSTM, {"num_heads": 4}, "num_heads must divide features=6, got 4"),
        (MLSTM, {"scan": "associative"}, "scan must be one of auto, sequential, chunked"),
        (GatedLinearAttention, {"gate_logit_normalizer": 0.5}, "gate_logit_normalizer must be .*at least 1"),
        (GatedLinearAttention, {"key_features": 0}, "key_features must be a positive integer"),
        (DeltaNet, {"eigenvalues": [-1, 0]}, r"eigenvalues must be \[0, 1\] or \[-1, 1\], got \[-1, 0\]"),
        (GatedDeltaNet, {"eigenvalues": 1}, r"eigenvalues must be \[0, 1\] or \[-1, 1\], got 1"),
        (GatedDeltaNet, {"num_householder": 0}, "num_householder must be a positive integer"),
    ],
)
def test_illegal_fields_are_refused(cell, fields, message):
    with pytest.raises(ValueError, match=message):
        cell(H, **fields)


@pytest.mark.parametrize(("platform", "small", "wide"), [("cpu", False, True), ("gpu", True, True)])
def test_auto_computes_small_memories_step_by_step_on_a_cpu_alone(monkeypatch, platform, small, wide):
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    assert MLSTM(64, num_heads=4).is_parallel is small  # heads of 16 keys by 16 values
    assert MLSTM(64, num_heads=4, key_features=17).is_parallel is wide
    assert MLSTM(64, num_heads=4, scan="chunked").is_parallel
    assert not MLSTM(64, scan="sequential").is_parallel
