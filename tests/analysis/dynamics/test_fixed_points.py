"""Fixed points that are known are found, with the eigenvalues of NumPy and the right stability."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.analysis.dynamics import find_fixed_points, lyapunov_spectrum
from seqlab.analysis.dynamics.network_map import NetworkMap, read_constant_input
from seqlab.analysis.principal_axes import principal_axes
from seqlab.architectures import ManyToMany
from seqlab.cells import LSTM, Elman
from seqlab.tasks import load_task
from seqlab.types import Batch, ConfigError, Vectors

RANDOM = np.random.default_rng(0)


def positive_root(gain):
    """Return the positive solution of h = tanh(gain · h)."""
    h = 1.0
    for _ in range(200):
        h = np.tanh(gain * h)
    return h


def bistable(gains):
    """Return a network whose units are each h = tanh(gain · h + x), and its parameters."""
    H = len(gains)
    network = ManyToMany(Elman(H), Vectors(H), Vectors(H))
    cell = {"input_kernel": np.eye(H), "recurrent_kernel": np.diag(gains), "bias": np.zeros(H)}
    readout = {"kernel": np.eye(H), "bias": np.zeros(H)}
    return network, {"recurrence": {"layer_0": {"forward": cell}}, "readout": readout}


def under(system, constant):
    return lambda rows: system.step(rows, jnp.broadcast_to(jnp.asarray(constant), (len(rows), len(constant))))


def test_every_fixed_point_of_a_hand_built_network_is_found():
    gains = (1.5, 2.0)
    system = NetworkMap(*bistable(gains))
    points = find_fixed_points(under(system, np.zeros(2)), RANDOM.uniform(-1, 1, (64, 2)))
    roots = [np.array([-1, 0, 1]) * positive_root(gain) for gain in gains]
    expected = np.stack(np.meshgrid(*roots, indexing="ij"), axis=-1).reshape(-1, 2)
    assert len(points) == len(expected) == 9
    assert points.fixed.all()
    for state in expected:
        (place,) = np.flatnonzero(np.abs(points.states - state).max(axis=1) < 1e-6)
        eigenvalues = np.array(gains) * (1 - state**2)
        np.testing.assert_allclose(points.eigenvalues[place], np.sort(eigenvalues)[::-1], atol=1e-6)
        assert points.num_unstable[place] == (eigenvalues > 1).sum() == (state == 0).sum()
        np.testing.assert_allclose(
            points.time_constants[place], 1 / np.abs(np.log(np.sort(eigenvalues)[::-1]))
        )
    assert points.kinds == ["stable"] * 4 + ["saddle"] * 4 + ["unstable"]
    np.testing.assert_allclose(system.outputs(points.states, np.zeros((9, 2))), points.states, atol=1e-6)


def test_a_constant_input_moves_the_points():
    system = NetworkMap(*bistable((2.0,)))
    (point,) = find_fixed_points(under(system, [1.0]), RANDOM.uniform(-1, 1, (16, 1))).states
    np.testing.assert_allclose(point, np.tanh(2 * point + 1), atol=1e-9)


def test_eigenvalues_are_those_of_the_matrix_and_turn_by_their_angle():
    rotation = 0.9 * np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    matrix, target = (
        np.block([[rotation, np.zeros((2, 3))], [np.zeros((3, 2)), 0.1 * np.eye(3)]]),
        np.arange(5.0),
    )
    points = find_fixed_points(lambda s: (s - target) @ matrix.T + target, RANDOM.normal(size=(8, 5)))
    np.testing.assert_allclose(points.states, target[None], atol=1e-9)
    np.testing.assert_allclose(points.jacobians[0], matrix, atol=1e-12)
    expected = np.linalg.eigvals(matrix)
    np.testing.assert_allclose(np.sort_complex(points.eigenvalues[0]), np.sort_complex(expected), atol=1e-9)
    (row,) = points.frame().to_dict("records")
    assert row["period"] == pytest.approx(2 * np.pi / 0.5)
    assert row["time_constant"] == pytest.approx(-1 / np.log(0.9))
    assert (row["point"], row["stability"], row["num_starts"]) == ("fixed", "stable", 8)


def test_a_minimum_of_the_speed_that_is_not_zero_is_a_slow_point():
    points = find_fixed_points(lambda s: s + s**2 + 1e-4, RANDOM.uniform(-1, 1, (16, 1)))
    np.testing.assert_allclose(points.states, 0, atol=1e-3)
    np.testing.assert_allclose(points.speeds, 0.5 * 1e-8, rtol=0.1)
    assert not points.fixed.any()


def test_without_a_point_there_is_an_empty_frame():
    points = find_fixed_points(lambda s: s + 1, RANDOM.normal(size=(4, 2)))
    assert len(points) == len(points.frame()) == 0


def test_the_map_of_a_deep_network_takes_the_steps_of_the_network():
    network = ManyToMany(LSTM(3), Vectors(2), Vectors(1), num_layers=2)
    inputs = jnp.asarray(RANDOM.normal(size=(2, 4, 2)), jnp.float32)
    batch = Batch(inputs, jnp.zeros((2, 4, 1)), jnp.ones((2, 4), bool))
    params = jax.jit(network.init)(jax.random.key(0), batch)
    system = NetworkMap(network, params)
    assert system.size == 2 * 2 * 3
    visited = system.visited(batch)
    with jax.enable_x64(True):
        after = jax.jit(system.step)(
            jnp.asarray(visited.states[:-1].reshape(6, -1)), jnp.asarray(visited.inputs[:-1].reshape(6, -1))
        )
        np.testing.assert_allclose(after, visited.states[1:].reshape(6, -1), atol=1e-12)
    said = system.outputs(visited.states[-1], visited.inputs[-1])
    np.testing.assert_allclose(said, network.apply(params, batch)[:, -1], atol=1e-6)


def test_a_symbol_is_a_constant_input():
    task = load_task("parity_check")
    network = ManyToMany(Elman(2), task.input_spec("many_to_many"), task.output_spec("many_to_many"))
    assert read_constant_input(task, network, {}, "1").tolist() == [0, 1]
    assert read_constant_input(task, network, {}, None).tolist() == [0, 0]
    for wrong in ("2", "01x", "-1"):
        with pytest.raises(ConfigError, match=f"^constant_input={wrong}: legal is one symbol, or its number"):
            read_constant_input(task, network, {}, wrong)


def test_a_network_that_reads_backwards_is_refused():
    network = ManyToMany(Elman(2), Vectors(1), Vectors(1), bidirectional=True)
    with pytest.raises(ConfigError, match=r"^architecture.bidirectional=true .* legal value is false"):
        NetworkMap(network, {})


def test_the_lyapunov_spectrum_of_a_linear_map_is_the_logs_of_its_moduli():
    moduli = np.array([1.1, 0.9, 0.5])
    basis = np.linalg.qr(RANDOM.normal(size=(3, 3)))[0]
    matrix = basis @ np.diag(moduli) @ basis.T
    real = np.arange(400)[:, None] < np.array([400, 300])
    found = lyapunov_spectrum(lambda s, x: s @ matrix.T, np.zeros((400, 2, 3)), np.zeros((400, 2, 1)), real)
    np.testing.assert_allclose(found, np.log(moduli), atol=0.01)


def test_the_participation_dimension_counts_the_directions_taken():
    points = np.concatenate([3 * np.eye(7)[:4], -3 * np.eye(7)[:4]])
    axes = principal_axes(points)
    assert axes.participation_dimension == pytest.approx(4)
    assert axes.spread == pytest.approx(3)
    assert principal_axes(np.ones((3, 2))).participation_dimension == 0
