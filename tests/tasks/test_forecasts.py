"""Generated series: equations, framings and naive forecasts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of

from seqlab.tasks import load_task
from seqlab.tasks.lengths import between
from seqlab.tasks.series import lorenz, mackey_glass

pytestmark = pytest.mark.slow

NAMES = ["sine_mixture", "mackey_glass", "lorenz"]
every_series = pytest.mark.parametrize("name", NAMES)


@every_series
def test_the_framings_show_the_same_series(name):
    task, key = load_task(name, length=9, horizon=3), jax.random.key(0)
    last, every, drawn = (batch_of(task, key, 4, "test", framing) for framing in task.framings)
    np.testing.assert_array_equal(every.inputs[:, 3:], every.targets[:, :-3])
    np.testing.assert_array_equal(last.inputs, every.inputs)
    np.testing.assert_array_equal(last.targets, every.targets[:, -1])
    np.testing.assert_array_equal(drawn.targets, every.targets)


@every_series
def test_a_shorter_example_looks_as_far_ahead(name):
    task, key = load_task(name, length=9, horizon=3, curriculum="uniform"), jax.random.key(0)
    short = between(5, 5)
    last, every, drawn = (batch_of(task, key, 4, "test", framing, short) for framing in task.framings)
    np.testing.assert_array_equal(last.targets, every.targets[:, 4])
    np.testing.assert_array_equal(every.targets[:, :2], every.inputs[:, 3:5])
    np.testing.assert_array_equal(drawn.mask, every.mask)
    np.testing.assert_array_equal(every.mask.sum(axis=1), 5)
    assert not np.asarray(every.targets)[~np.asarray(every.mask)].any()
    assert drawn.lengths is None


@every_series
def test_naive_forecasts_have_the_stated_errors(name):
    task = load_task(name, length=20, horizon=4)
    batch = batch_of(task, jax.random.key(0), 2048, "test", "many_to_many")
    targets, latest = np.asarray(batch.targets[..., 0]), np.asarray(batch.inputs[..., 0])
    baselines = task.baselines("test", "many_to_many")
    for found, stated in (
        ((targets - targets.mean()) ** 2, task.reference("many_to_many").baseline),
        ((targets - latest) ** 2, baselines["persistence"]),
    ):
        error = found.mean(axis=1).std() / np.sqrt(len(found))  # the steps of a series depend on each other
        assert found.mean() == pytest.approx(stated, abs=6 * error)
    assert "persistence" not in task.baselines("test", "one_to_many")


@every_series
def test_the_state_determines_the_series(name):
    """Two series that start from the same state are one, and from the state each can be gone on with."""
    task = load_task(name, length=20, horizon=1)
    state, series = task.series.sample(jax.random.key(0), 8, 21)
    if name == "sine_mixture":
        sines, cosines, frequencies = np.split(np.asarray(state, np.float64), 3, axis=1)
        angles = np.arctan2(sines, cosines)[:, None] + frequencies[:, None] * np.arange(21)[:, None]
        again = np.sqrt(2 / 3) * np.sin(angles).sum(axis=-1)
    elif name == "lorenz":
        centre = jnp.array([0, 0, lorenz.RHO - 1])
        now, again = state * lorenz.RADIUS + centre, []
        for _ in range(21):
            again.append((now / lorenz.RADIUS)[:, 0])
            for _ in range(lorenz.STEPS_PER_SAMPLE):
                now = lorenz.advance(now, lorenz.STEP)
        again = np.stack(again, axis=1)
    else:
        again = np.concatenate([state[:, -1:], mackey_glass.advance(state + 1, 1.0)[:, 1:] - 1], axis=1)
        series = series[:, : task.series.tau + 1]
    tolerance = 0.02 if name == "mackey_glass" else 1e-3  # there the state has a tenth of the steps
    np.testing.assert_allclose(again, series, atol=tolerance)


def order(solutions, exact):
    """Return log2 of how much smaller the error becomes with each halving of the step."""
    errors = [float(jnp.abs(solution - exact).max()) for solution in solutions]
    return np.log2(np.array(errors[:-1]) / errors[1:])


def test_the_lorenz_system_is_integrated_to_order_four():
    begin = jnp.array([[1.0, 2.0, 20.0]])

    def at_half(step):
        return jax.lax.fori_loop(0, round(0.5 / step), lambda _, now: lorenz.advance(now, step), begin)

    found = order([at_half(step) for step in (1 / 16, 1 / 32, 1 / 64)], at_half(1 / 256))
    np.testing.assert_allclose(found, 4, atol=0.6)


def test_the_mackey_glass_equation_is_integrated_to_order_two():
    def after_two_delays(steps):
        past = jnp.full((1, 17 * steps + 1), 0.6)
        for _ in range(2):
            past = mackey_glass.advance(past, 1 / steps)
        return past[:, ::steps]

    found = order([after_two_delays(steps) for steps in (1, 2, 4)], after_two_delays(32))
    np.testing.assert_allclose(found, 2, atol=0.2)


def test_the_delayed_past_is_followed_step_by_step():
    """The recurrence of the trapezoidal rule, written as a loop."""
    past = np.linspace(0.4, 1.3, 35)
    produced = 0.2 * past / (1 + past**10)
    now = [past[-1]]
    for k in range(34):
        rate = (produced[k] + produced[k + 1] - 0.1 * now[-1]) * 0.25
        now.append((now[-1] + rate) / (1 + 0.25 * 0.1))
    np.testing.assert_allclose(
        mackey_glass.advance(jnp.array(past[None], jnp.float32), 0.5)[0], now, rtol=1e-5
    )


@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_the_fixed_points_of_the_lorenz_system_stay(sign):
    point = jnp.array([sign * lorenz.RADIUS, sign * lorenz.RADIUS, (lorenz.RHO - 1) * abs(sign)])
    np.testing.assert_allclose(lorenz.velocity(point), 0, atol=1e-4)
    np.testing.assert_allclose(lorenz.advance(point, lorenz.STEP), point, atol=1e-5)


def test_the_chaotic_series_stay_on_their_attractors():
    for name, bound in (("lorenz", 2.5), ("mackey_glass", 0.7)):
        series = load_task(name).series.sample(jax.random.key(0), 64, 400)[1]
        assert np.isfinite(series).all()
        assert np.abs(series).max() < bound
        assert series.std(axis=1).min() > 0.1  # none is at rest
