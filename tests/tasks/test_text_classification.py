"""Texts and classes: what is read of every schema, and what baselines reach."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from draws import evaluation_of
from small_corpora import reviews, stand_in, write_csv, write_hub
from tiny_runs import TINY

from seqlab import run
from seqlab.data.corpora import CORPORA
from seqlab.data.encoded import Encoded
from seqlab.runs import evaluate, load
from seqlab.tasks import load_task
from seqlab.tasks._classification import class_reference
from seqlab.types import ConfigError

PRESETS = ["sms_spam", "movie_snippets", "ucirvine_sms_spam", "rotten_tomatoes", "imdb"]


def rows():
    texts, labels = reviews()
    return [
        {"text": text, "label": ("bad", "good")[label]} for text, label in zip(texts, labels, strict=True)
    ]


def small(**fields):
    return load_task("text_classification", **stand_in("text_classification"), **fields)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_reads_a_file_of_its_schema(preset):
    task = load_task(preset, **stand_in(preset))
    texts, labels = reviews()
    assert task.encoded.artifacts["classes"] == ["bad", "good"]
    assert sum(task.num_examples(split, "many_to_one") for split in ("train", "validation", "test")) == len(
        texts
    )
    batch = evaluation_of(task, jnp.int32(0), 4, "train", "many_to_one", task.data)
    for tokens, length, label in zip(batch.inputs, batch.lengths, batch.targets, strict=True):
        words = " ".join(task.encoded.artifacts["tokens"][number - 1] for number in tokens[:length].tolist())
        assert label == labels[texts.index(words)]


def test_counts_are_those_of_the_tokens_read():
    task = small(length=5)
    index = jnp.arange(4)
    sequence = task.gather(index, "train", "many_to_one", task.data)
    counts = task.gather(index, "train", "one_to_one", task.data).inputs
    for tokens, length, counted in zip(sequence.inputs, sequence.lengths, counts, strict=True):
        np.testing.assert_array_equal(counted, np.bincount(tokens[:length], minlength=len(counted)))


def test_the_vocabulary_knows_what_training_has_twice(tmp_path):
    write_csv(tmp_path / "train.csv", [*rows(), {"text": "lynx film", "label": "good"}])
    write_csv(tmp_path / "test.csv", [{"text": f"zebra zebra {n}", "label": "good"} for n in range(5)])
    known = set(load_task("text_classification", source=str(tmp_path)).encoded.artifacts["tokens"])
    assert known & {"film", "lynx", "zebra"} == {"film"}
    assert small(most_tokens=5).input_spec("many_to_one").size == 6


@pytest.mark.runs
def test_a_run_stores_its_vocabulary_and_is_evaluated_with_it(tmp_path):
    path = write_csv(tmp_path / "reviews.csv", rows())
    few = [*TINY, "training.steps=2", f"task.source={path}", f"hydra.run.dir={tmp_path / 'run'}"]
    summary = run(["task=text_classification", "architecture=many_to_one", *few])
    assert summary["data"]["duplicates"] == 0
    learnt = load(tmp_path / "run")[0].task.encoded.artifacts
    write_csv(path, [*rows(), *({"text": f"wholly new {n}", "label": "good"} for n in range(20))])
    program, params = load(tmp_path / "run")
    assert program.task.encoded.artifacts == learnt
    assert load_task("text_classification", source=str(path)).encoded.artifacts["tokens"] != learnt["tokens"]
    scores = {"test/loss", "test/accuracy", "test/balanced_accuracy", "test/macro_f1", "test/ece"}
    assert evaluate(program, params, "test").keys() == scores
    path.unlink()
    program, params = load(tmp_path / "run")
    with pytest.raises(ConfigError, match=r"^task\.source=.*reviews\.csv does not exist$"):
        evaluate(program, params, "test")


BAD = {
    "a missing text": ({"text": ""}, r"reviews\.csv, row 41, text: the text is empty"),
    "a missing label": ({"label": ""}, r"reviews\.csv, row 41, label: the label is missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named(name, tmp_path):
    change, message = BAD[name]
    broken = rows()
    broken[40] |= change
    path = write_csv(tmp_path / "reviews.csv", broken)
    with pytest.raises(ConfigError, match=rf"^.*{message}$"):
        _ = load_task("text_classification", source=str(path)).data


def test_a_wrong_column_is_named():
    with pytest.raises(
        ConfigError, match=r"^task\.text=review is not a column of .*\.csv: its columns are text, label$"
    ):
        _ = small(text="review").data


def test_a_class_of_the_test_split_alone_is_refused(tmp_path):
    write_csv(tmp_path / "train.csv", rows())
    write_csv(
        tmp_path / "test.csv", [{"text": "fine", "label": "good"}, {"text": "odd", "label": "middling"}]
    )
    with pytest.raises(
        ConfigError, match=r"test\.csv, row 2, label: 'middling' is not a class of the training"
    ):
        _ = load_task("text_classification", source=str(tmp_path)).data


def test_an_empty_class_is_refused(tmp_path):
    from datasets import ClassLabel, Value

    texts, labels = reviews()
    kinds = {"text": Value("string"), "label": ClassLabel(names=["bad", "good", "ugly"])}
    path = write_hub(tmp_path / "a", {"text": texts, "label": labels}, kinds)
    with pytest.raises(ConfigError, match=r"the class 'ugly' of label is empty in the training split$"):
        _ = load_task("text_classification", source=str(path)).data


@pytest.mark.parametrize(("corpus", "count"), [("sms_spam", 5574), ("movie_snippets", 10568)])
def test_a_fetched_corpus_is_whole(corpus, count):
    try:
        read = CORPORA[corpus].read()
    except ConfigError as missing:
        pytest.skip(str(missing))
    assert len(read["text"]) == len(read["label"]) == count
    assert len(set(read["label"])) == 2


def test_the_majority_class_of_training_never_reaches_the_threshold():
    counts = {"train": [2, 1], "validation": [9, 1], "test": [1, 9]}
    data = Encoded({split: {"labels": np.repeat([0, 1], found)} for split, found in counts.items()})
    for split, baseline in (("validation", 0.9), ("test", 0.1)):
        for models in ({}, {"naive Bayes": baseline}, {"naive Bayes": 0.95}):
            reference = class_reference(data, split, models)
            assert reference.baseline == baseline < reference.threshold <= 1.0


@pytest.mark.parametrize(("best", "threshold"), [(1.0, 0.9), (0.7, 0.7)])
def test_a_threshold_leaves_room_for_one_wrong_answer(best, threshold):
    data = Encoded({split: {"labels": np.repeat([0, 1], [6, 4])} for split in ("train", "test")})
    assert class_reference(data, "test", {"naive Bayes": best}).threshold == threshold


def test_baselines_beat_chance_on_texts_that_tell():
    task = small()
    chance = task.reference("many_to_one").baseline
    for name, accuracy in task.baselines("train", "many_to_one").items():
        assert accuracy > chance + 0.2, name
