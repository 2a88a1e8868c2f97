"""Cells without a counterpart in a library, compared with their equations in NumPy."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_cell import LENGTHS, B, F, H, T, difference, from_conf, problem, run

from seqlab.cells import CIFG, LRU, LSTM, Elman, PeepholeLSTM
from seqlab.cells.external_memory import popped, pushed
from seqlab.cells.orthogonal_rnn import product_of_reflections
from seqlab.recurrence import unroll, zero_probes


def step(name):
    """Return a cell, its parameters by gate, x, the carry and what a step makes of them, in NumPy."""
    cell = from_conf(name)
    params, inputs, carry = problem(cell)
    found = jax.jit(cell.apply)({"params": params}, carry, inputs[:, 0])
    params = jax.tree.map(lambda a: np.asarray(a, float), params)
    return (
        cell,
        params,
        np.asarray(inputs[:, 0], float),
        jax.tree.map(lambda a: np.asarray(a, float), carry),
        found,
    )


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def LN(a):  # noqa: N802
    return (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + 1e-5)


def split(array, num):
    return np.split(array, num, axis=-1)


def check(found, h):
    np.testing.assert_allclose(found[1], h, atol=2e-6)


def test_mgu():
    _, p, x, h, found = step("mgu")
    (W_f, W_n), (R_f, R_n), (b_f, b_n) = (
        split(p[k], 2) for k in ("input_kernel", "recurrent_kernel", "bias")
    )
    f = sigmoid(x @ W_f + h @ R_f + b_f)
    check(found, (1 - f) * h + f * np.tanh(x @ W_n + (f * h) @ R_n + b_n))


def test_layer_norm_lstm():
    _, p, x, (c, h), found = step("layer_norm_lstm")
    a = p["input_gain"] * LN(x @ p["input_kernel"]) + p["recurrent_gain"] * LN(h @ p["recurrent_kernel"])
    i, f, g, o = split(a + p["bias"], 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    check(found, sigmoid(o) * np.tanh(p["memory_gain"] * LN(c) + p["memory_bias"]))


def test_layer_norm_gru():
    _, p, x, h, found = step("layer_norm_gru")
    u, v = x @ p["input_kernel"], h @ p["recurrent_kernel"]
    g, k, b = p["input_gain"], p["recurrent_gain"], p["bias"]
    rz = sigmoid(g[: 2 * H] * LN(u[:, : 2 * H]) + k[: 2 * H] * LN(v[:, : 2 * H]) + b[: 2 * H])
    r, z = split(rz, 2)
    inner = k[2 * H :] * LN(v[:, 2 * H :]) + p["candidate_bias"]
    n = np.tanh(g[2 * H :] * LN(u[:, 2 * H :]) + b[2 * H :] + r * inner)
    check(found, (1 - z) * n + z * h)


def test_min_gru():
    _, p, x, h, found = step("min_gru")
    z, n = split(x @ p["input_kernel"] + p["bias"], 2)
    check(found, (1 - sigmoid(z)) * h + sigmoid(z) * n)


def test_min_lstm():
    _, p, x, h, found = step("min_lstm")
    f, i, n = split(x @ p["input_kernel"] + p["bias"], 3)
    f, i = sigmoid(f), sigmoid(i)
    check(found, f / (f + i) * h + i / (f + i) * n)


def test_lru():
    _, p, x, (real, imaginary), found = step("lru")
    a = np.exp(-np.exp(p["nu"]) + 1j * np.exp(p["theta"]))
    s = a * (real + 1j * imaginary) + np.exp(p["gamma"]) * (x @ (p["B"][0] + 1j * p["B"][1]))
    check(found, (s @ (p["C"][0] + 1j * p["C"][1])).real + x @ p["D"])


def test_lru_starts_on_its_ring():
    cell = LRU(2000, min_radius=0.5, max_radius=0.9)
    carry = cell.initialize_carry(jax.random.key(0), (1, 1))
    params = jax.jit(cell.init)(jax.random.key(0), carry, np.zeros((1, 1), "float32"))
    radii = np.exp(-np.exp(params["params"]["nu"]))
    assert 0.5 <= radii.min() < 0.51
    assert 0.89 < radii.max() <= 0.9
    np.testing.assert_allclose(params["params"]["gamma"], np.log(np.sqrt(1 - radii**2)), atol=1e-4)


def test_peepholes_at_zero_make_an_lstm():
    params, inputs, carry = problem(LSTM(H))
    closed = {**params, "peepholes": np.zeros(3 * H, "float32")}
    found = run(PeepholeLSTM(H), closed, inputs, None, carry)
    assert difference(found, run(LSTM(H), params, inputs, None, carry)) < 1e-6
    _, p, x, (c, h), found = step("peephole_lstm")
    i, f, g, o = split(x @ p["input_kernel"] + h @ p["recurrent_kernel"] + p["bias"], 4)
    p_i, p_f, p_o = split(p["peepholes"], 3)
    c = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * np.tanh(g)
    check(found, sigmoid(o + p_o * c) * np.tanh(c))


def test_coupled_gates_are_an_lstm_whose_input_gate_mirrors_the_forget_gate():
    params, inputs, carry = problem(CIFG(H))
    mirrored = jax.tree.map(lambda leaf: np.concatenate([-leaf[..., :H], leaf], axis=-1), params)
    found = run(CIFG(H), params, inputs, None, carry)
    assert difference(found, run(LSTM(H), mirrored, inputs, None, carry)) < 1e-6


def test_irnn_starts_as_the_identity():
    cell = from_conf("irnn")
    assert (cell.activation, cell.recurrent_init) == ("relu", "identity")
    params = jax.jit(cell.init)(jax.random.key(0), np.zeros((1, H)), np.zeros((1, F)))["params"]
    np.testing.assert_array_equal(params["recurrent_kernel"], np.eye(H))
    assert from_conf("identity_elman") == Elman(H, recurrent_init="identity")


@pytest.mark.parametrize("name", ["stack_rnn", "tape_rnn", "stack_lstm"])
def test_external_memory(name):
    cell, p, x, (memory, *state), found = step(name)
    core, M = p["controller"], memory
    a = np.concatenate([x, M[:, 0]], axis=1) @ core["input_kernel"] + state[-1] @ core["recurrent_kernel"]
    if name == "stack_lstm":
        i, f, g, o = split(a + core["bias"], 4)
        h = sigmoid(o) * np.tanh(sigmoid(f) * state[0] + sigmoid(i) * np.tanh(g))
    else:
        h = np.tanh(a + core["bias"])
    check(found, h)
    v = h @ p["value_kernel"] + p["value_bias"]
    e = np.exp(h @ p["action_kernel"] + p["action_bias"])
    expected = np.zeros_like(M)
    for b, shares in enumerate(e / e.sum(axis=1, keepdims=True)):
        if name == "tape_rnn":
            written = np.concatenate([v[b : b + 1], M[b, 1:]])
            places = [0, 1, -1, cell.jump, -cell.jump]  # of the slot that comes to slot 0
            moved = [written[(np.arange(len(written)) + place) % len(written)] for place in places]
        else:
            moved = [np.vstack([v[b], M[b, :-1]]), np.vstack([M[b, 1:], 0 * v[b]]), M[b]]
        expected[b] = sum(share * one for share, one in zip(shares, moved, strict=True))
    np.testing.assert_allclose(found[0][0], expected, atol=2e-6)


def test_a_stack_that_pushes_and_pops_returns_what_was_pushed():
    M, v = np.zeros((1, 3, 2)), np.arange(8.0).reshape(4, 1, 1, 2)
    push, pop = jax.jit(pushed), jax.jit(popped)
    for one in v:
        M = push(M, one)
    np.testing.assert_array_equal(np.asarray(M)[0], v[:0:-1, 0, 0])
    np.testing.assert_array_equal(np.asarray(pop(pop(M)))[0], [v[1, 0, 0], [0, 0], [0, 0]])


def test_orthogonal_rnn():
    _, p, x, h, found = step("orthogonal_rnn")
    R = np.eye(H)
    for v in p["reflections"]:
        R = R @ (np.eye(H) - 2 * np.outer(v, v) / (v @ v))
    a = x @ p["input_kernel"] + h @ R
    check(found, np.sign(a) * np.maximum(np.abs(a) + p["bias"], 0))


@pytest.mark.parametrize("num_reflections", [1, 5])
def test_a_product_of_reflections_is_orthogonal(num_reflections):
    lengths = np.geomspace(1e-5, 1e5, num_reflections)[:, None]
    v = np.float32(lengths * np.random.default_rng(0).standard_normal((num_reflections, 7)))
    R = np.asarray(jax.jit(product_of_reflections)(v), float)
    np.testing.assert_allclose(R @ R.T, np.eye(7), atol=2e-6)
    np.testing.assert_allclose(np.linalg.det(R), (-1) ** num_reflections, atol=1e-5)
    none = jax.jit(product_of_reflections)(np.zeros_like(v))
    np.testing.assert_array_equal(none, np.eye(7))


@pytest.mark.parametrize(("name", "reverse"), [("min_gru", False), ("min_lstm", True), ("lru", True)])
def test_in_parallel_equals_in_sequence(name, reverse):
    params, _, carry = problem(from_conf(name))
    inputs = np.float32(np.random.default_rng(2).standard_normal((B, 300, F)))
    lengths = np.array([300, 0, 123])

    def everything(scan):
        def loss(params, inputs, carry):
            found = unroll(from_conf(name, scan=scan), params, inputs, lengths, carry, reverse)
            return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(found)), found

        return jax.jit(jax.grad(loss, (0, 1, 2), has_aux=True))(params, inputs, carry)

    (slopes, found), (expected_slopes, expected) = everything("associative"), everything("sequential")
    assert difference(found, expected) < 1e-5
    assert difference(slopes, expected_slopes) < 1e-4


@pytest.mark.parametrize("scan", ["sequential", "associative"])
@pytest.mark.parametrize("name", ["min_gru", "min_lstm", "lru"])
def test_the_probes_of_a_linear_cell_are_the_norms_of_explicit_probes(name, scan):
    """Each s_t is shifted, and with it both its output and all that comes later."""
    cell = from_conf(name, scan=scan)
    params, inputs, carry = problem(cell)
    lengths = np.array(LENGTHS)

    def probed(probes):
        a, b = cell.coefficients(params, inputs)
        state, outputs = cell.to_state(carry), []
        for t in range(T):
            shifted = (a[:, t] if a.ndim > 1 else a) * state + b[:, t]
            shifted += cell.to_state(jax.tree.map(lambda probe, t=t: probe[:, t], probes))
            real = (t < lengths)[:, None]
            state = jnp.where(real, shifted, state)
            outputs.append(jnp.where(real, cell.out(params, inputs[:, t], state), 0))
        return cell.to_carry(state), jnp.stack(outputs, axis=1)

    def loss(run, zeros):
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(run(zeros)))

    probes = jax.tree.map(lambda leaf: np.zeros((B, T, H), "float32"), carry)
    shifts = jax.jit(jax.grad(functools.partial(loss, probed)))(probes)
    probed = lambda probes: unroll(cell, params, inputs, lengths, carry, probes=probes)  # noqa: E731
    found = jax.jit(jax.grad(functools.partial(loss, probed)))(zero_probes(carry, T))
    assert difference(found, jax.tree.map(lambda leaf: np.linalg.norm(leaf, axis=-1), shifts)) < 1e-6


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scan": "parallel"}, "scan must be one of sequential, associative"),
        ({"min_radius": 0.99}, "min_radius must be below"),
        ({"max_radius": 1.0}, "below 1"),
        ({"max_phase": 0.0}, "max_phase must be positive"),
    ],
)
def test_illegal_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        LRU(H, **fields)
