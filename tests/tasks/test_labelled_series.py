"""Ragged series and their classes, standardised as a run stores it."""

from __future__ import annotations

import json

import jax.numpy as jnp
import numpy as np
import pytest
from small_corpora import labelled, stand_in, write_hub, write_jsonl

from seqlab.data.columns.series import ImageSteps
from seqlab.data.corpora import CORPORA
from seqlab.data.media.images import decode_image
from seqlab.data.standardizer import Standardizer
from seqlab.tasks import load_task
from seqlab.tasks.task import VOCABULARY
from seqlab.types import ConfigError

SERIES, LABELS = labelled()
SPLITS = ("train", "validation", "test")


def rows():
    return [{"series": steps, "label": label} for steps, label in zip(SERIES, LABELS, strict=True)]


def read(path, **fields):
    task = load_task("labelled_series", source=str(path), **fields)
    _ = task.data
    return task


def written(path):
    """Write the series as the ending of a file says."""
    if path.suffix == ".jsonl":
        return write_jsonl(path, rows())
    if path.suffix == ".parquet":
        return write_hub(path, {"series": SERIES, "label": LABELS})
    if path.suffix == ".ts":
        shown = [":".join(",".join(map(repr, feature)) for feature in zip(*x, strict=True)) for x in SERIES]
        cases = [f"{dimensions}:{label}" for dimensions, label in zip(shown, LABELS, strict=True)]
        path.write_text("\n".join(["@classLabel true left right", "@data", *cases]))
        return path
    padded = np.full((len(SERIES), 6, 2), np.nan)
    for row, steps in zip(padded, SERIES, strict=True):
        row[: len(steps)] = steps
    np.savez(path, series=padded, label=np.array(LABELS), steps=[len(steps) for steps in SERIES])
    return path


@pytest.mark.parametrize("ending", ["jsonl", "parquet", "ts", "npz"])
def test_every_format_gives_the_same_standardised_series(ending, tmp_path):
    lengths = {"lengths": "steps"} if ending == "npz" else {}
    task = read(written(tmp_path / f"a.{ending}"), **lengths)
    mean, deviation = (np.array(task.encoded.artifacts[name]) for name in ("mean", "deviation"))
    known = dict(zip((np.asarray(steps).round(3).tobytes() for steps in SERIES), LABELS, strict=True))
    found = 0
    for part in task.encoded.arrays.values():
        for steps, length, label in zip(part["series"], part["lengths"], part["labels"], strict=True):
            own = (steps[:length] * deviation + mean).round(3)
            assert known[own.tobytes()] == task.encoded.artifacts["classes"][label]
            assert not steps[length:].any()
            found += 1
    assert found == len(SERIES)
    train = task.encoded.arrays["train"]
    real = train["series"][np.arange(6) < train["lengths"][:, None]]
    np.testing.assert_allclose([real.mean(axis=0), real.std(axis=0)], [[0, 0], [1, 1]], atol=1e-5)


def test_a_series_at_once_is_its_mean_and_deviation(tmp_path):
    task = read(written(tmp_path / "a.jsonl"), length=4)
    index = jnp.arange(8)
    steps = task.gather(index, "train", "many_to_one", task.data)
    at_once = task.gather(index, "train", "one_to_one", task.data).inputs
    assert steps.inputs.shape == (8, 4, 2)
    for series, length, shown in zip(steps.inputs, steps.lengths, at_once, strict=True):
        real = np.asarray(series[:length])
        np.testing.assert_allclose(shown, [*real.mean(axis=0), *real.std(axis=0)], atol=1e-5)


def test_a_series_of_one_feature_may_be_a_list_of_numbers(tmp_path):
    flat = [{"series": [x for x, _ in row["series"]], "label": row["label"]} for row in rows()]
    nested = [{"series": [[x] for x in row["series"]], "label": row["label"]} for row in flat]
    first, second = (
        read(write_jsonl(tmp_path / f"{name}.jsonl", shown)) for name, shown in (("a", flat), ("b", nested))
    )
    assert first.fingerprint() == second.fingerprint()
    assert first.input_spec("many_to_one").size == 1


def test_a_feature_that_never_changes_in_training_stays_finite(tmp_path):
    constant = [row | {"series": [[0.1, *step] for step in row["series"]]} for row in rows()]
    task = read(write_jsonl(tmp_path / "a.jsonl", constant))
    assert np.abs(task.encoded.arrays["train"]["series"][..., 0]).max() < 1e-6


def test_a_series_that_occurs_twice_is_counted_once(tmp_path):
    task = read(write_jsonl(tmp_path / "a.jsonl", [*rows(), *rows()[:3]]), length=5)
    account = task.data_summary()
    assert (account["duplicates"], sum(account[name] for name in SPLITS)) == (3, len(SERIES))
    assert account["cut"] == sum(len(steps) == 6 for steps in SERIES)


def test_a_run_stores_its_classes_and_standardizer(tmp_path):
    path, stored = write_jsonl(tmp_path / "a.jsonl", rows()), tmp_path / VOCABULARY
    learnt = read(path)
    stored.write_text(learnt.artifacts()[VOCABULARY])
    write_jsonl(path, [{"series": [[9.0, 9.0]] * length, "label": "right"} for length in range(1, 120)])
    task = read(path, vocabulary=str(stored))
    assert task.encoded.artifacts == learnt.encoded.artifacts
    mean, deviation = (np.array(learnt.encoded.artifacts[name]) for name in ("mean", "deviation"))
    np.testing.assert_allclose(
        task.encoded.arrays["train"]["series"][0, 0], (9 - mean) / deviation, rtol=1e-5
    )
    assert task.render(task.encoded.arrays["train"]["labels"][:1], "many_to_one") == "right"


OTHERS = {
    "label: 'up' is not a class of the training split: left, right": {"label": "up"},
    "series: must have 2 numbers a step, as those of training, got 1": {"series": [1.0, 2.0]},
}


@pytest.mark.parametrize("message", OTHERS)
def test_a_run_is_evaluated_on_the_classes_and_features_of_its_training(message, tmp_path):
    path, stored = write_jsonl(tmp_path / "a.jsonl", rows()), tmp_path / VOCABULARY
    stored.write_text(read(path).artifacts()[VOCABULARY])
    write_jsonl(tmp_path / "test.jsonl", [{"series": [[1.0, 2.0]], "label": "left"} | OTHERS[message]])
    path.rename(tmp_path / "train.jsonl")
    with pytest.raises(ConfigError, match=rf"^.*test\.jsonl, row 1, {message}$"):
        read(tmp_path, vocabulary=str(stored))


def test_a_prompt_is_read_as_a_row_is(tmp_path):
    task = read(written(tmp_path / "a.npz"), lengths="steps")
    first = task.gather(jnp.arange(1), "train", "one_to_one", task.data).inputs[0]
    part = task.encoded.arrays["train"]
    deviation, mean = (np.array(task.encoded.artifacts[name]) for name in ("deviation", "mean"))
    shown = json.dumps((part["series"][0, : part["lengths"][0]] * deviation + mean).tolist())
    np.testing.assert_allclose(task.read_prompt(shown, "one_to_one"), first, atol=1e-5)
    assert task.read_prompt(shown, "many_to_one").shape == (part["lengths"][0], 2)
    for bad, message in (
        ("zap", " must be a list, as .*, got 'zap'"),
        ("[1]", ", row 1, series: must have 2 .*"),
    ):
        with pytest.raises(ConfigError, match=f"^prompt{message}$"):
            task.read_prompt(bad, "many_to_one")


BAD = {
    "a missing series": ({"series": None}, "series: must be a list of numbers, or of steps .*"),
    "a text": ({"series": "1 2"}, "series: must be a list of numbers, or of steps .*"),
    "a ragged step": ({"series": [[1.0, 2.0], [3.0]]}, "series: must be a list of numbers, or of steps .*"),
    "no step": ({"series": []}, "series: the series is empty"),
    "NaN": ({"series": [[1.0, 2.0], [float("nan"), 3.0]]}, r"series\[1\]: must hold finite numbers, got nan"),
    "a gap": ({"series": [[1.0, None], [2.0, 3.0]]}, r"series\[0\]: must hold finite numbers, got nan"),
    "another width": ({"series": [[1.0, 2.0, 3.0]] * 2}, "series: must have 2 numbers a step, .* got 3"),
    "a missing label": ({"label": ""}, "label: the label is missing"),
    "a length": ({"steps": 7}, "steps: must be an integer from 1 to ., the steps that there are, got 7"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named(name, tmp_path):
    change, message = BAD[name]
    broken = [row | {"steps": 2} for row in rows()]
    broken[40] |= change
    with pytest.raises(ConfigError, match=rf"^.*a\.jsonl, row 41, {message}$"):
        read(write_jsonl(tmp_path / "a.jsonl", broken), lengths="steps")


@pytest.mark.parametrize("key", ["series", "label", "lengths"])
def test_a_wrong_column_is_named(key, tmp_path):
    with pytest.raises(ConfigError, match=rf"^task\.{key}=zap is not a column of .*: its columns are series"):
        read(written(tmp_path / "a.jsonl"), **{key: "zap"})


def test_an_empty_class_is_refused(tmp_path):
    path = written(tmp_path / "a.ts")
    path.write_text(path.read_text().replace("left right", "left right up", 1))
    with pytest.raises(ConfigError, match=r"the class 'up' of label is empty in the training split$"):
        read(path)


@pytest.mark.parametrize("name", ["labelled_images", "mnist", "labelled_sounds", "spoken_digits"])
def test_files_are_series_by_class(name):
    task = load_task(name, **stand_in(name))
    part = task.encoded.arrays["train"]
    assert task.encoded.artifacts["classes"] == ["left", "right"]
    real = np.arange(part["series"].shape[1]) < part["lengths"][:, None]
    np.testing.assert_allclose(part["series"][real].mean(axis=0), 0, atol=1e-4)
    nearest = task.baselines("test", "many_to_one")["nearest neighbour"]
    assert nearest > task.reference("many_to_one").baseline + 0.2


@pytest.mark.parametrize(("by", "shape"), [("row", (4, 6)), ("pixel", (8, 3))])
def test_an_image_is_read_by_row_or_by_pixel(by, shape):
    fields = {"by": by, "height": 4, "width": 2, "channels": 3} | stand_in("labelled_images")
    task = load_task("labelled_images", **fields)
    table = task.reader.tables()["train"]
    image = decode_image(table.columns["image"][0], 4, 2, 3)
    series = ImageSteps(by, 4, 2, 3).decode(table, "image")[0].steps
    np.testing.assert_array_equal(series, image.reshape(shape))
    standardizer = Standardizer.restore(task.encoded.artifacts)
    np.testing.assert_array_equal(
        task.read_prompt(str(table.columns["image"][0]), "many_to_one"), standardizer.apply(series)
    )


CORPUS = {"japanese_vowels": (270, 370, 9, 12), "mnist1d": (4000, 1000, 10, 1)}


@pytest.mark.parametrize("corpus", CORPUS)
def test_a_corpus_is_whole(corpus):
    train, test, classes, features = CORPUS[corpus]
    try:
        parts = [*map(CORPORA[corpus].read, ("train", "test"))]
    except ConfigError as missing:
        pytest.skip(str(missing))
    for part, count in zip(parts, (train, test), strict=True):
        assert len(part["series"]) == len(part["label"]) == count
        assert {np.size(x[0]) for x in part["series"]} == {features}
        assert len(set(part["label"])) == classes


def test_baselines_beat_chance_on_series_that_tell():
    task = load_task("labelled_series", **stand_in("labelled_series"))
    chance = task.reference("many_to_one").baseline
    for name, accuracy in task.baselines("train", "many_to_one").items():
        assert accuracy > chance + 0.2, name
