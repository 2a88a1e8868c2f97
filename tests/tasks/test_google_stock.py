"""Returns of a stock: prices, order of time and splits."""

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.cbook import get_sample_data

from seqlab.tasks import SPLITS, load_task


def test_the_splits_are_the_scaled_returns_in_order_of_time():
    with np.load(get_sample_data("goog.npz", asfileobj=False)) as file:
        prices = file["price_data"]["adj_close"]
    data = load_task("google_stock").data
    parts = [np.asarray(data[split]["returns"], np.float64) for split in SPLITS]
    assert parts[0].std() == pytest.approx(1, abs=1e-5)
    assert [len(part) for part in parts] == [732, 157, 157]
    scale = np.log(prices[1] / prices[0]) / parts[0][0]
    rebuilt = prices[0] * np.exp(np.cumsum(np.concatenate(parts)) * scale)
    np.testing.assert_allclose(rebuilt, prices[1:], rtol=1e-4)


@pytest.mark.parametrize("split", SPLITS)
def test_windows_fill_their_own_part_and_no_more(split):
    task = load_task("google_stock", length=5)
    days = len(task.data[split]["returns"])
    own = {split: {"returns": jnp.arange(days, dtype=jnp.float32)}}
    every = jnp.arange(task.num_examples(split, "many_to_many"))
    batch = task.gather(every, split, "many_to_many", own)
    np.testing.assert_array_equal(batch.inputs[0, :, 0], np.arange(5))
    np.testing.assert_array_equal(batch.targets[-1, :, 0], np.arange(days - 5, days))
    np.testing.assert_array_equal(batch.targets, batch.inputs + 1)


def test_the_framings_show_the_same_window():
    task = load_task("google_stock", length=5)
    window = np.asarray(task.data["test"]["returns"][3:9])
    last, every, drawn, at_once = (
        task.gather(jnp.array([3]), "test", framing, task.data) for framing in task.framings
    )
    np.testing.assert_array_equal(last.inputs[0, :, 0], window[:-1])
    np.testing.assert_array_equal(last.targets[0], window[-1:])
    np.testing.assert_array_equal(every.targets[0, :, 0], window[1:])
    np.testing.assert_array_equal(drawn.inputs[0], window[:1])
    np.testing.assert_array_equal(drawn.targets[0, :, 0], window[1:])
    np.testing.assert_array_equal(at_once.inputs[0], window[:-1])
    np.testing.assert_array_equal(at_once.targets, last.targets)


def test_the_chance_level_is_the_error_of_an_unchanged_price():
    task = load_task("google_stock")
    returns = np.asarray(task.data["test"]["returns"], np.float64)
    reference = task.reference("many_to_one")
    assert reference.baseline == pytest.approx(np.mean(returns[20:] ** 2), rel=1e-5)
    assert reference.threshold == pytest.approx(0.95 * reference.baseline)
    drift = np.asarray(task.data["train"]["returns"], np.float64).mean()
    floors = task.baselines("test", "many_to_one")
    assert floors["mean training return"] == pytest.approx(np.mean((returns[20:] - drift) ** 2), rel=1e-5)
    assert floors["persistence"] == reference.baseline
