"""Gradients through time obey the laws that are known of them."""

from __future__ import annotations

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flows import B, F, H, batch_of, flow, initialized, network_of, orthogonal, params_of, ratios

from seqlab.architectures import ManyToMany, OneToMany
from seqlab.cells import GRU, LSTM, Elman
from seqlab.diagnostics.through_time import log10_norm, through_time
from seqlab.recurrence import Stack, unroll

pytestmark = pytest.mark.slow

KEY = "grads/through_time/log10_norm"
PRECISIONS = {"float32": 1e-4, "float64": 1e-10}


@pytest.fixture(params=PRECISIONS)
def precision(request):
    """Hold in both precisions: the dtype, and the relative tolerance it is held to."""
    with jax.enable_x64(request.param == "float64"):
        yield jnp.dtype(request.param), PRECISIONS[request.param]


def linear(R, num_steps, dtype, lengths=None, seed=0):
    """Return the flow of an Elman network without a squashing function, its recurrent matrix given."""
    network = network_of(Elman(H, activation="identity"))
    batch = batch_of(num_steps, dtype, lengths, seed)
    return flow(network, params_of(network, batch, dtype, recurrent_kernel=R), batch)


@pytest.mark.parametrize(
    ("rho", "expected"), [(0.5, 9.313226e-10), (0.9, 0.9**30), (1.1, 17.4494), (2, 2.0**30)]
)
def test_a_scaled_orthogonal_matrix_gives_a_power_of_its_scale(rho, expected, precision):
    dtype, tolerance = precision
    found = linear(rho * orthogonal(), 31, dtype)
    np.testing.assert_allclose(ratios(found), float(rho) ** np.arange(30, -1, -1), rtol=tolerance)
    np.testing.assert_allclose(ratios(found)[0], expected, rtol=1e-4)
    np.testing.assert_allclose(found["grads/through_time/slope"], np.log10(rho), rtol=tolerance)
    horizon = -2 / np.log10(rho) if rho < 1 else np.inf
    np.testing.assert_allclose(found["grads/through_time/horizon"], horizon, rtol=tolerance)


def test_the_power_does_not_depend_on_the_input(precision):
    dtype, tolerance = precision
    one, other = (linear(0.9 * orthogonal(), 20, dtype, seed=seed)[KEY] for seed in (0, 1))
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_a_matrix_that_is_not_normal_gives_the_norms_of_its_powers(precision):
    dtype, tolerance = precision
    R = 2 * np.triu(np.random.default_rng(0).normal(size=(H, H)), 1) + 0.5 * np.eye(H)
    network, batch = network_of(Elman(H, activation="identity")), batch_of(20, dtype)
    params = params_of(network, batch, dtype, recurrent_kernel=R)
    weights = np.cos(np.arange(B * F)).reshape(B, F)
    v = weights @ np.asarray(params["readout"]["kernel"], np.float64).T
    R = np.asarray(params["recurrence"]["layer_0"]["forward"]["recurrent_kernel"], np.float64)
    norms = [np.linalg.norm(v @ np.linalg.matrix_power(R.T, k)) for k in range(19, -1, -1)]
    assert max(norms) > 2 * norms[-1]  # it grows at first, though its radius is one half
    np.testing.assert_allclose(10 ** np.float64(flow(network, params, batch)[KEY]), norms, rtol=tolerance)


def test_tanh_gives_the_product_of_its_jacobians(precision):
    dtype, tolerance = precision
    network, batch = network_of(Elman(H)), batch_of(15, dtype)
    params = params_of(network, batch, dtype, recurrent_kernel=1.2 * orthogonal())
    own = params["recurrence"]["layer_0"]["forward"]
    h = np.asarray(jax.jit(functools.partial(unroll, network.cell))(own, batch.inputs)[1], np.float64)
    R, readout = (
        np.asarray(leaf, np.float64) for leaf in (own["recurrent_kernel"], params["readout"]["kernel"])
    )
    v = np.cos(np.arange(B * F)).reshape(B, F) @ readout.T
    norms = [np.linalg.norm(v)]
    for t in range(14, 0, -1):
        v = (v * (1 - h[:, t] ** 2)) @ R.T
        norms.append(np.linalg.norm(v))
    np.testing.assert_allclose(
        10 ** np.float64(flow(network, params, batch)[KEY]), norms[::-1], rtol=tolerance
    )


def test_a_saturated_network_vanishes_though_its_radius_is_three():
    network, batch = network_of(Elman(H)), batch_of(30, jnp.float32)
    params = params_of(network, batch, jnp.float32, recurrent_kernel=3 * np.eye(H), bias=np.full(H, 2.0))
    assert flow(network, params, batch)["grads/through_time/slope"] < -1


@pytest.mark.parametrize(
    ("bias", "expected"), [(0, 9.313e-10), (1, 8.290e-5), (2, 2.2196e-2), (5, 0.81754), (40, 1.0)]
)
def test_an_lstm_remembers_as_its_forget_bias_says(bias, expected, precision):
    dtype, tolerance = precision
    stack = Stack(LSTM(H))
    shapes = jax.eval_shape(lambda: stack.init(jax.random.key(0), F))
    params = jax.tree.map(lambda leaf: np.zeros(leaf.shape, dtype), shapes)
    params["layer_0"]["forward"]["bias"][H : 2 * H] = bias
    found = ratios(_of_the_last_cell(stack, params), "grads/through_time/cell/log10_norm")
    np.testing.assert_allclose(found, (1 / (1 + np.exp(-bias))) ** np.arange(30, -1, -1), rtol=tolerance)
    np.testing.assert_allclose(found[0], expected, rtol=1e-4)


@functools.partial(jax.jit, static_argnums=0)
def _of_the_last_cell(stack, params):
    """Return the statistics through time of the sum of c_31, where nothing is read."""

    def loss(probes):
        zeros = jnp.zeros((B, 31, F), jnp.result_type(*jax.tree.leaves(params)))
        return jnp.sum(stack.apply(params, zeros, probes=probes)[0]["layer_0"]["forward"][0])

    return through_time(jax.grad(loss)(stack.zero_probes(params, B, 31)))


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("bias", [0.0, 2.0, 5.0])
def test_a_gru_remembers_as_its_update_bias_says(bias, reset_after, precision):
    dtype, tolerance = precision
    network, batch = network_of(GRU(H, reset_after=reset_after)), batch_of(31, dtype)
    usual = jax.device_get(initialized(network, batch))["recurrence"]["layer_0"]["forward"]
    own = jax.tree.map(np.zeros_like, usual)
    own["bias"][H : 2 * H] = bias
    params = params_of(network, batch, dtype, **own)
    expected = (1 / (1 + np.exp(-bias))) ** np.arange(30, -1, -1)
    np.testing.assert_allclose(ratios(flow(network, params, batch)), expected, rtol=tolerance)


@pytest.mark.parametrize(("rho", "decades"), [(0.5, -32.8), (2.0, 32.8)])
def test_a_hundred_and_ten_steps_stay_in_range(rho, decades):
    log10 = np.asarray(linear(rho * orthogonal(), 110, jnp.float32)[KEY])
    assert np.isfinite(log10).all()
    np.testing.assert_allclose(log10[0] - log10[-1], decades, atol=0.02)
    np.testing.assert_allclose(log10[0] - log10[-1], 109 * np.log10(rho), atol=0.01)


def test_what_explodes_past_the_range_is_not_finite():
    found = linear(2 * orthogonal(), 200, jnp.float32)
    assert not np.isfinite(found[KEY][0])
    np.testing.assert_allclose(found["grads/through_time/slope"], np.log10(2), rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-35, 1e35])
def test_the_ends_of_the_range_are_exact(scale):
    network, batch = network_of(Elman(H, activation="identity")), batch_of(5, jnp.float32)
    params = params_of(network, batch, jnp.float32, recurrent_kernel=np.eye(H))
    usual, far = (flow(network, params, batch, s)[KEY] for s in (1.0, scale))
    np.testing.assert_allclose(far - usual, np.log10(scale), rtol=1e-5)


def test_padding_changes_nothing(precision):
    """Sequences of one length, padded: their real steps stand where they would without the padding."""
    dtype, tolerance = precision
    R = 0.9 * orthogonal()
    padded = linear(R, 12, dtype, lengths=[8, 8, 8])
    network, batch = network_of(Elman(H, activation="identity")), batch_of(12, dtype)
    short = flow(
        network,
        params_of(network, batch, dtype, recurrent_kernel=R),
        batch._replace(inputs=batch.inputs[:, :8]),
    )
    np.testing.assert_allclose(padded[KEY][:8], short[KEY], rtol=tolerance, atol=tolerance)
    assert np.isneginf(padded[KEY][8:]).all()


def test_ragged_sequences_share_one_slope(precision):
    """Each counts its steps back from its own end; neighbouring steps of one sequence are compared."""
    dtype, tolerance = precision
    same = linear(0.5 * orthogonal(), 12, dtype, lengths=[12, 12, 12])
    np.testing.assert_allclose(same["grads/through_time/slope"], np.log10(0.5), rtol=tolerance)
    ragged = linear(0.5 * orthogonal(), 12, dtype, lengths=[12, 3, 7])
    np.testing.assert_allclose(ragged["grads/through_time/slope"], np.log10(0.5), rtol=tolerance)


@pytest.mark.parametrize("lengths", [[12, 12, 12], [12, 3, 7], [1, 2, 9]])
def test_a_recurrence_that_keeps_norms_has_no_slope_at_any_lengths(lengths, precision):
    dtype, tolerance = precision
    found = linear(orthogonal(), 12, dtype, lengths=lengths)
    np.testing.assert_allclose(found["grads/through_time/slope"], 0, atol=min(tolerance, 1e-6))


def test_the_mean_square_over_the_sequences_that_have_a_step_stands_for_all():
    lengths = np.array([4, 2, 3])
    norms = np.random.default_rng(0).uniform(1, 2, (3, 5)) * (np.arange(5) < lengths[:, None])
    found = jax.jit(through_time)({"layer_0": {"forward": norms}}, lengths)[KEY]
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = [np.log10(np.sqrt(3 * np.mean(norms[lengths > t, t] ** 2))) for t in range(4)]
    found = np.asarray(found)
    np.testing.assert_allclose(found[:4], expected, rtol=1e-5)
    assert found[4] == -np.inf  # no sequence has the step


def test_layers_and_directions_have_keys_of_their_own():
    network = network_of(LSTM(H), ManyToMany, num_layers=2, bidirectional=True)
    batch = batch_of(6, jnp.float32, lengths=[6, 2, 4], per_step=True)
    found = flow(network, initialized(network, batch), batch)
    top = "grads/through_time"
    places = {f"{top}/{layer}{cell}{direction}" for layer in ("", "layer_0/") for cell in ("", "cell/")
              for direction in ("", "forward/", "backward/")}  # fmt: skip
    places.add(f"{top}/inputs/")
    assert set(found) == {f"{place}{name}" for place in places for name in ("log10_norm", "slope", "horizon")}
    both = 10 ** (2 * found[f"{top}/forward/log10_norm"]) + 10 ** (2 * found[f"{top}/backward/log10_norm"])
    np.testing.assert_allclose(10 ** (2 * found[KEY]), both, rtol=1e-4)


def test_the_backward_direction_flows_the_other_way(precision):
    dtype, tolerance = precision
    network = network_of(Elman(H, activation="identity"), bidirectional=True)
    batch = batch_of(10, dtype)
    params = params_of(network, batch, dtype, recurrent_kernel=0.5 * orthogonal())
    found = flow(network, params, batch)
    for direction, order in (("forward", 1), ("backward", -1)):
        log10 = np.asarray(found[f"grads/through_time/{direction}/log10_norm"])[::order]
        np.testing.assert_allclose(np.diff(log10), np.log10(2), rtol=tolerance)
        slope = found[f"grads/through_time/{direction}/slope"]
        np.testing.assert_allclose(slope, np.log10(0.5), rtol=tolerance)
    np.testing.assert_allclose(found["grads/through_time/slope"], np.log10(0.5), rtol=tolerance)


@pytest.mark.parametrize(
    "cell", [nn.SimpleCell(H), nn.OptimizedLSTMCell(H), nn.GRUCell(H)], ids=lambda c: type(c).__name__
)
def test_the_cells_of_flax_have_diagnostics_too(cell):
    network, batch = network_of(cell), batch_of(9, jnp.float32)
    found = flow(network, initialized(network, batch), batch)
    assert found[KEY].shape == (9,)
    assert np.isfinite(found[KEY]).all()
    assert ("grads/through_time/cell/slope" in found) == isinstance(cell, nn.OptimizedLSTMCell)


def test_many_to_one_flows_from_the_last_step_alone(precision):
    """At the last step the gradient is the readout's, and without a recurrence nothing comes before it."""
    found = linear(np.zeros((H, H)), 7, precision[0])
    assert np.isfinite(found[KEY][-1])
    assert np.isneginf(found[KEY][:-1]).all()


def test_one_to_many_reads_its_input_at_the_first_step_alone():
    network = network_of(GRU(H), OneToMany)
    batch = batch_of(5, jnp.float32, per_step=True)
    batch = batch._replace(inputs=batch.inputs[:, 0])
    params = initialized(network, batch)
    assert np.isfinite(flow(network, params, batch)[KEY]).all()

    def written(features):
        return network.stack.apply(params["recurrence"], features)[1].sum()

    @jax.jit
    def slope():
        features = network.first_layer_inputs(params, batch)
        return jax.grad(written)(features)[..., :F] * (features[..., :F] != 0)

    through_input = np.asarray(slope())
    assert through_input[:, 0].any()
    assert not through_input[:, 1:].any()


def test_the_gradient_of_the_inputs_is_that_of_autodiff():
    stack, lengths = Stack(Elman(3)), np.array([5, 3])
    params = jax.jit(lambda key: stack.init(key, 2))(jax.random.key(0))
    inputs = np.float32(np.random.default_rng(1).standard_normal((2, 5, 2)))

    def loss(probes, inputs):
        return jnp.sum(stack.apply(params, inputs, lengths, probes=probes)[1] ** 2)

    norms, slopes = jax.jit(jax.grad(loss, (0, 1)))(stack.zero_probes(params, 2, 5), inputs)
    expected = np.linalg.norm(slopes, axis=-1)
    np.testing.assert_allclose(norms["inputs"]["forward"], expected, rtol=1e-4)
    found = jax.jit(through_time)(norms, lengths)["grads/through_time/inputs/log10_norm"]
    real = np.arange(5) < lengths[:, None]
    np.testing.assert_allclose(found, jax.jit(log10_norm)(expected, real), atol=1e-4)


def test_the_top_layer_is_the_one_of_the_highest_number():
    norms = {layer: {"forward": jnp.full((1, 4), 10.0**n)} for n, layer in enumerate(["layer_10", "layer_9"])}
    found = through_time(norms)
    np.testing.assert_allclose(found[KEY], np.zeros(4), atol=1e-6)
    np.testing.assert_allclose(found["grads/through_time/layer_9/log10_norm"], np.ones(4), atol=1e-6)
