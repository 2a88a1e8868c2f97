"""Forecasts from the past, in units of the seasonal naive forecast, with splits in order of time."""

from __future__ import annotations

import datetime
import importlib.util

import jax.numpy as jnp
import numpy as np
import pytest
from small_corpora import stand_in, write_csv, write_hub

from seqlab.tasks import SPLITS, load_task
from seqlab.tasks.series.series import NAIVE
from seqlab.types import ConfigError


def of(tmp_path, values, **fields):
    path = write_csv(tmp_path / "a.csv", [{"value": value} for value in values])
    return load_task("series", source=str(path), **{"length": 4} | fields)


def every(task, split, architecture="many_to_one"):
    return task.gather(jnp.arange(task.num_examples(split, architecture)), split, architecture, task.data)


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("difference", [0, 3])
def test_each_value_is_forecast_once_from_those_before(horizon, difference, tmp_path):
    x = np.random.default_rng(0).normal(size=40).cumsum()
    task = of(tmp_path, x, horizon=horizon, difference=difference, season=2)
    unit = np.abs(x[2:28] - x[:26]).mean()
    found = (x - x[:28].mean()) / unit
    if difference:
        found = np.concatenate([[0, 0, 0], (x[3:] - x[:-3]) / unit])
    forecast = []
    for split in SPLITS:
        batch = every(task, split)
        for window, target in zip(batch.inputs[..., 0], batch.targets[:, 0], strict=True):
            [at] = np.flatnonzero(np.isclose(found, target, atol=1e-5))
            np.testing.assert_allclose(window, found[at - horizon - 3 : at - horizon + 1], atol=1e-5)
            forecast.append(at)
    assert forecast == list(range(forecast[0], 40))
    assert [task.num_examples(split, "many_to_one") for split in SPLITS[1:]] == [6, 6]


@pytest.mark.parametrize("architecture", ["many_to_one", "many_to_many", "one_to_one"])
@pytest.mark.parametrize("difference", [0, 3])
def test_a_prompt_is_read_as_training_is_and_its_forecast_is_in_its_units(architecture, difference, tmp_path):
    x = np.random.default_rng(0).normal(5, 3, size=40).round(2)
    task = of(tmp_path, x, horizon=2, difference=difference, season=2)
    batch = every(task, "test", architecture)
    prompt = " ".join(map(str, x[:-2]))
    np.testing.assert_allclose(task.read_prompt(prompt, architecture), batch.inputs[-1], atol=1e-5)
    found = task.render_answer(np.asarray(batch.targets[-1]), prompt, architecture)
    assert float(found) == pytest.approx(x[-1], abs=1e-3)


@pytest.mark.parametrize(
    ("prompt", "complaint"),
    [("1 2 3", "reads at least 4 numbers, got 3"), ("1 2 a 4", "number 3 must be a finite number, got 'a'")],
)
def test_a_prompt_that_is_no_series_is_refused(prompt, complaint, tmp_path):
    with pytest.raises(ConfigError, match=f"^prompt: .*{complaint}$"):
        of(tmp_path, [1, 2, 4, 3] * 10).read_prompt(prompt, "many_to_one")


def test_baselines_are_the_mase_of_the_naive_forecasts(tmp_path):
    x = np.random.default_rng(0).normal(size=60).cumsum()
    task = of(tmp_path, x, season=3, horizon=2)
    unit, test = np.abs(x[3:42] - x[:39]).mean(), np.arange(51, 60)
    naive = task.baselines("test", "many_to_one")
    assert naive["persistence"] == pytest.approx(np.abs(x[test] - x[test - 2]).mean() / unit)
    assert naive["seasonal naive"] == pytest.approx(np.abs(x[test] - x[test - 3]).mean() / unit)
    raised = x[test - 3] + x[test - 2] - x[test - 5]
    assert naive["seasonal naive and the rise since"] == pytest.approx(np.abs(x[test] - raised).mean() / unit)
    reference = task.reference("many_to_one")
    assert reference.baseline == min(naive.values())
    assert naive[reference.description] == reference.baseline


def test_many_to_many_forecasts_no_value_of_another_split(tmp_path):
    task = of(tmp_path, range(60))
    batch = every(task, "test", "many_to_many")
    value = np.arange(60) - np.arange(42).mean()
    np.testing.assert_allclose(np.unique(batch.targets[batch.mask]), value[51:])
    assert task.baselines("test", "many_to_many") == dict(zip(NAIVE, (1.0, 1.0, 0.0), strict=True))


def test_rows_of_lists_are_series_that_go_on_from_split_to_split():
    task = load_task("monash_tsf", **stand_in("monash_tsf"))
    assert task.data_summary() == {"train": 2 * (200 - 24), "validation": 100, "test": 100, "series": 2}


def test_series_that_do_not_go_on_are_refused(tmp_path):
    for split, values in (("train", [[1.0, 2.0]]), ("test", [[1.0, 3.0, 4.0]])):
        write_hub(tmp_path / split, {"value": values})
    with pytest.raises(
        ConfigError, match=r"train\.parquet, row 1, value: does not begin the series of the split"
    ):
        _ = load_task("series", source=str(tmp_path)).data


@pytest.mark.parametrize(
    ("bad", "shown"), [("nan", "'nan'"), ("", "None"), ("many", "'many'"), ("inf", "'inf'")]
)
def test_what_is_no_number_is_named(bad, shown, tmp_path):
    task = of(tmp_path, [1, 2, bad, *range(40)])
    with pytest.raises(
        ConfigError, match=rf"a\.csv, row 3, value: must be a finite number, got ({shown}|'')$"
    ):
        _ = task.data


def test_a_blank_line_of_a_column_alone_is_a_missing_value(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("value\n1\n2\n\n" + "\n".join(map(str, range(40))) + "\n")
    with pytest.raises(ConfigError, match=r"a\.csv, row 3, value: must be a finite number, got (None|'')$"):
        _ = load_task("series", source=str(path)).data


@pytest.mark.parametrize(
    ("values", "fields", "message"),
    [
        (range(20), {"length": 19}, r"task\.length=19 leaves no window in the split train of "),
        ([5] * 40, {}, r"task\.season=1: in training, a series of 40 values from .* has no season"),
        (range(40), {"value": "price"}, r"task\.value=price is not a column of .*: its columns are value$"),
    ],
)
def test_series_that_do_not_fit_are_refused(values, fields, message, tmp_path):
    task = of(tmp_path, values, **fields)
    with pytest.raises(ConfigError, match=f"^{message}"):
        _ = task.data


@pytest.mark.parametrize(("name", "count"), [("sunspots", 309), ("co2", 526)])
def test_a_series_of_statsmodels_is_whole(name, count):
    if importlib.util.find_spec("statsmodels") is None:
        pytest.skip("statsmodels is not installed: pip install 'seqlab[data]'")
    task = load_task(name)
    assert len(task.data["series"]["values"]) == count
    assert {task.data_summary()["validation"], task.data_summary()["test"]} <= {46, 47, 78, 79}


def long_form(names=("a", "b"), count=40):
    """Return rows of several series, day after day, with a covariate and a second target."""
    draw = np.random.default_rng(0)
    dates = [str(datetime.date(2020, 1, 1) + datetime.timedelta(day)) for day in range(count)]
    return [
        {
            "date": d,
            "shop": name,
            "value": draw.normal(10 * at),
            "more": draw.normal(),
            "open": int(day % 7 < 5),
        }
        for at, name in enumerate(names)
        for day, d in enumerate(dates)
    ]


def of_rows(tmp_path, rows, **fields):
    path = write_csv(tmp_path / "a.csv", rows)
    return load_task("series", source=str(path), **{"length": 4} | fields)


def test_a_window_lies_in_one_group_and_rows_are_sorted_by_time(tmp_path):
    rows = long_form()
    task = of_rows(tmp_path, rows, time="date", group="shop")
    assert task.data_summary() == {"train": 2 * 24, "validation": 12, "test": 12, "series": 2}
    inputs = {split: np.asarray(every(task, split).inputs) for split in SPLITS}
    shuffled = [rows[at] for at in np.random.default_rng(1).permutation(len(rows))]
    again = of_rows(tmp_path, sorted(shuffled, key=lambda row: row["shop"]), time="date", group="shop")
    for split in SPLITS:
        np.testing.assert_array_equal(inputs[split], every(again, split).inputs)
    for at, name in enumerate("ab"):
        alone = of_rows(tmp_path, [row for row in rows if row["shop"] == name], time="date")
        windows = inputs["test"][6 * at : 6 * at + 6]
        np.testing.assert_allclose(windows, every(alone, "test").inputs, atol=1e-5)


def test_scores_are_the_mase_of_each_group_and_their_mean(tmp_path):
    task = of_rows(tmp_path, long_form(), time="date", group="shop")
    batch = every(task, "test")
    wrong = np.asarray(batch.targets) + np.repeat([1.0, 3.0], 6)[:, None]
    found = task.scores(wrong, np.asarray(batch.targets), np.asarray(batch.mask), "test")
    assert found == pytest.approx({"mase_of_series": 2.0, "mase/a": 1.0, "mase/b": 3.0}, rel=1e-5)


@pytest.mark.parametrize("framing", ["many_to_one", "many_to_many", "one_to_one"])
def test_several_values_are_forecast_and_further_inputs_read(framing, tmp_path):
    by = {"time": "date", "group": "shop"}
    alone = every(of_rows(tmp_path, long_form(), **by), "test", framing)
    task = of_rows(tmp_path, long_form(), value=["value", "more"], inputs=["open"], **by)
    sizes = task.input_spec(framing).size, task.output_spec(framing).size
    assert sizes == (12 if framing == "one_to_one" else 3, 2)
    batch = every(task, "test", framing)
    inputs = np.asarray(batch.inputs).reshape(12, 4, 3)
    np.testing.assert_allclose(inputs[..., 0], np.asarray(alone.inputs).reshape(12, 4), atol=1e-5)
    np.testing.assert_allclose(batch.targets[..., 0], alone.targets[..., 0], atol=1e-5)
    assert len(np.unique(inputs[..., 2].round(4))) <= 4
    assert task.baselines("test", framing)["persistence"] > 0


@pytest.mark.parametrize(
    ("change", "fields", "message"),
    [
        ({}, {}, r"row 41, date: 2020-01-01 is not after the row before: set task\.time=date, .*"),
        ({"date": None}, {}, r"the rows of each shop stand together, .*: set task\.group=shop, or .*"),
        ({}, {"time": "date"}, r"date: row 1 has the time 2020-01-01 too: set task\.frequency, .*"),
        ({"date": "3/4/2020"}, {"time": "date"}, r"date: must be a number or a date as 1990-05-01 .*"),
    ],
)
def test_rows_of_several_series_are_not_read_as_one(change, fields, message, tmp_path):
    rows = [{k: v for k, v in (row | change).items() if v is not None} for row in long_form()]
    with pytest.raises(ConfigError, match=rf"^.*a\.csv.*{message}$"):
        _ = of_rows(tmp_path, rows, **fields).data


@pytest.mark.parametrize(("frequency", "count"), [("D", 60), ("2D", 30), ("B", 43)])
def test_gaps_are_refused_or_resampled(frequency, count, tmp_path):
    rows = [row for at, row in enumerate(long_form(("a",), 60)) if at not in (5, 17, 18)]
    with pytest.raises(ConfigError, match=r"date: there is a gap before 2020-01-07, after 2020-01-05: set "):
        _ = of_rows(tmp_path, rows, time="date").data
    task = of_rows(tmp_path, rows, time="date", frequency=frequency)
    assert sum(task.data_summary()[split] for split in SPLITS) == count - 4
    if frequency == "D":
        mean, size = task.encoded.artifacts["units"][0][0]
        read = np.asarray(task.data["series"]["values"])[:, 0] * size + mean
        assert read[5] == pytest.approx((read[4] + read[6]) / 2, abs=1e-4)


def test_a_bad_frequency_or_one_without_times_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^task\.frequency=often: legal are aliases of pandas, such as "):
        _ = of_rows(tmp_path, long_form(("a",)), time="date", frequency="often").data
    with pytest.raises(ConfigError, match=r"^task\.frequency=D needs time, the column of times$"):
        of_rows(tmp_path, long_form(("a",)), frequency="D")


def test_a_prompt_needs_the_units_of_the_run_alone(tmp_path):
    x = np.random.default_rng(0).normal(5, 3, size=40).round(2)
    task, stored = of(tmp_path, x), tmp_path / "vocabulary.json"
    stored.write_text(task.artifacts()["vocabulary.json"])
    again = load_task("series", source="gone.csv", length=4, vocabulary=str(stored))
    prompt, framing = " ".join(map(str, x[:9])), "many_to_one"
    np.testing.assert_array_equal(task.read_prompt(prompt, framing), again.read_prompt(prompt, framing))
    answers = {found.render_answer(np.ones(1), prompt, framing) for found in (task, again)}
    assert len(answers) == 1


def test_other_data_are_evaluated_in_the_units_of_the_run(tmp_path):
    rows, stored = long_form(), tmp_path / "vocabulary.json"
    fields = {"time": "date", "group": "shop", "inputs": ["open"], "length": 4}
    task = of_rows(tmp_path, rows, **fields)
    stored.write_text(task.artifacts()["vocabulary.json"])
    (tmp_path / "new").mkdir()
    write_csv(tmp_path / "new" / "test.csv", [row for row in long_form("bc") if row["date"] > "2020-01-20"])
    other = load_task("series", source=str(tmp_path / "new"), vocabulary=str(stored), **fields)
    assert other.num_examples("test", "many_to_one") == 2 * (20 - 4)
    assert other.num_examples("train", "many_to_one") == 0
    [[mean, size], *_] = dict(zip("ab", task.encoded.artifacts["units"], strict=True))["b"]
    values = [row["value"] for row in long_form("bc") if row["shop"] == "b" and row["date"] > "2020-01-20"]
    expected = (np.array(values[4:]) - mean) / size
    np.testing.assert_allclose(every(other, "test").targets[:16, 0], expected, atol=1e-4)
    assert other.reference("many_to_one").baseline > 0
