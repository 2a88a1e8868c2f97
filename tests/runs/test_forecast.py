"""Forecasts of what follows the end of series, by iteration, with their times."""

from __future__ import annotations

import dataclasses
import sys

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from small_corpora import write_csv
from tiny_runs import TINY

from seqlab import load_run, run
from seqlab.cli import predict
from seqlab.runs.forecast import forecast
from seqlab.tasks import load_task
from seqlab.types import ConfigError, Gaussians, Vectors


@dataclasses.dataclass(frozen=True)
class Repeats:
    """A network that forecasts the last value that it reads, in every framing."""

    framing: str
    outputs: Vectors | Gaussians

    def apply(self, params, batch):
        values = batch.inputs[:, -1:] if self.framing == "one_to_one" else batch.inputs[..., :1]
        if isinstance(self.outputs, Gaussians):
            values = jnp.concatenate([values, jnp.full_like(values, 0.5413)], axis=-1)  # σ = 1
        return values[:, -1] if self.framing == "many_to_one" else values


def of(tmp_path, rows, framing="many_to_one", **fields):
    path = write_csv(tmp_path / "a.csv", rows)
    task = load_task("series", source=str(path), **{"length": 4} | fields)
    return task, Repeats(framing, task.output_spec(framing))


X = np.random.default_rng(0).normal(5, 3, size=40).round(2)


@pytest.mark.parametrize("framing", ["many_to_one", "many_to_many", "one_to_one"])
@pytest.mark.parametrize(("horizon", "difference"), [(1, 0), (3, 0), (1, 1), (2, 5)])
def test_each_forecast_is_read_by_those_after_it(framing, horizon, difference, tmp_path):
    """Of a network that repeats, x_n = x_{n−H}, or with a lag k, x_n = x_{n−k} + x_{n−H} − x_{n−H−k}."""
    rows = [{"value": x} for x in X]
    task, network = of(tmp_path, rows, framing, horizon=horizon, difference=difference)
    found = forecast(task, network, {}, None, 7, 0)
    expected = list(X)
    for _ in range(7):
        k = difference
        rise = expected[-k] - expected[-horizon - k] if k else 0
        expected.append(expected[-horizon] + rise)
    assert found.columns.tolist() == ["step", "value"]
    np.testing.assert_allclose(found["value"], expected[-7:], atol=1e-4)


def test_a_forecast_is_the_answer_to_a_prompt(tmp_path):
    task, network = of(tmp_path, [{"value": x} for x in X], horizon=3, season=2)
    last = forecast(task, network, {}, None, 3, 0)["value"].iloc[-1]
    prompt = str(X.tolist())
    answer = task.render_answer(task.read_prompt(prompt, "many_to_one")[-1], prompt, "many_to_one")
    assert float(answer) == pytest.approx(last, abs=1e-4)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (pd.date_range("2024-01-01", periods=40, freq="MS").date, ["2027-05-01", "2027-06-01"]),
        (pd.date_range("2024-01-01", periods=40, freq="h"), ["2024-01-02 16:00:00", "2024-01-02 17:00:00"]),
        (range(0, 400, 10), [400, 410]),
    ],
)
def test_times_go_on_as_they_went(times, expected, tmp_path):
    rows = [{"date": str(at), "value": x} for at, x in zip(times, X, strict=True)]
    found = forecast(*of(tmp_path, rows, time="date"), {}, None, 2, 0)
    assert found["date"].tolist() == expected


def test_business_days_go_on_by_their_frequency(tmp_path):
    dates = pd.bdate_range("2024-01-01", periods=40).date
    rows = [{"date": str(at), "value": x} for at, x in zip(dates, X, strict=True)]
    found = forecast(*of(tmp_path, rows, time="date", frequency="B"), {}, None, 2, 0)
    assert found["date"].tolist() == ["2024-02-26", "2024-02-27"]


def test_series_of_groups_are_forecast_in_their_own_units(tmp_path):
    rows = [{"shop": shop, "value": x * size} for shop, size in (("a", 1), ("b", 100)) for x in X]
    task, network = of(tmp_path, rows, group="shop")
    found = forecast(task, network, {}, None, 2, 0)
    assert found[["shop", "step"]].values.tolist() == [["a", 1], ["a", 2], ["b", 1], ["b", 2]]
    np.testing.assert_allclose(found["value"], X[-1] * np.array([1, 1, 100, 100]), rtol=1e-5)


def test_a_distribution_widens_as_its_paths_go_on(tmp_path):
    task, network = of(tmp_path, [{"value": x} for x in X], distribution="gaussian")
    unit = task.encoded.artifacts["units"][0][0][1]
    found = forecast(task, network, {}, None, 4, 0)
    width = (found["value_q90"] - found["value_q10"]) / unit
    np.testing.assert_allclose(width, 2 * 1.2816 * np.sqrt(np.arange(1, 5)), rtol=0.25)
    np.testing.assert_allclose(found["value_q50"] / unit, np.full(4, X[-1] / unit), atol=0.5)
    assert found.equals(forecast(task, network, {}, None, 4, 0))


@pytest.mark.parametrize(
    ("fields", "steps", "message"),
    [
        ({}, 0, "steps must be a positive integer, got 0"),
        ({"inputs": ["open"]}, 2, r"steps=2: task\.inputs are not known .* at most task\.horizon=1"),
    ],
)
def test_what_cannot_be_forecast_is_refused(fields, steps, message, tmp_path):
    task, network = of(tmp_path, [{"value": x, "open": 1} for x in X], **fields)
    with pytest.raises(ConfigError, match=f"^{message}$"):
        forecast(task, network, {}, None, steps, 0)


def test_units_of_series_in_lists_are_those_of_the_run(tmp_path):
    rows = [{"value": str((X * size).tolist())} for size in (1, 100)]
    task, _ = of(tmp_path, rows)
    (tmp_path / "vocabulary.json").write_text(task.artifacts()["vocabulary.json"])
    again = dataclasses.replace(task, vocabulary=str(tmp_path / "vocabulary.json"))
    np.testing.assert_array_equal(again.data["series"]["values"], task.data["series"]["values"])


@pytest.mark.runs
def test_the_series_of_a_file_are_forecast_by_a_command(tmp_path, monkeypatch, capsys):
    dates = pd.date_range("2024-01-01", periods=len(X)).date
    rows = [{"date": str(date), "sold": x} for date, x in zip(dates, X, strict=True)]
    path = write_csv(tmp_path / "sales.csv", rows)
    keys = ["task=series", "task.value=sold", "task.time=date", "task.length=4", "task.distribution=gaussian"]
    run([*keys, f"task.source={path}", f"hydra.run.dir={tmp_path / 'run'}", *TINY, "training.steps=2"])
    path.unlink()
    trained = load_run(tmp_path / "run")
    assert {"test/crps", "test/coverage_90", "test/mase"} <= set(trained.summary["test"])
    new, output = write_csv(tmp_path / "new.csv", rows[:20]), tmp_path / "out.csv"
    words = [tmp_path / "run", new, "--steps", "3", "--output", output]
    monkeypatch.setattr(sys, "argv", ["seqlab", *map(str, words)])
    predict.main()
    found = pd.read_csv(output)
    assert found["date"].tolist() == ["2024-01-21", "2024-01-22", "2024-01-23"]
    assert found.columns.tolist() == ["step", "date", "sold", "sold_q10", "sold_q50", "sold_q90"]
    expected = trained.forecast({"date": [r["date"] for r in rows[:20]], "sold": X[:20].tolist()}, 3)
    np.testing.assert_allclose(found["sold"], expected["sold"], rtol=1e-5)
