"""Encoders of columns: what they learn from training, what a run stores, and what they make of other rows."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from small_corpora import write_jsonl

from seqlab.data.columns.classes import Classes
from seqlab.data.columns.series import Numbers, Series, Steps
from seqlab.data.columns.tags import Tags
from seqlab.data.columns.targets import EveryTarget, Targets, Writing
from seqlab.data.columns.texts import Texts, TokenLists
from seqlab.data.columns.transcripts import Transcripts
from seqlab.data.encoded import encode
from seqlab.data.reader import Reader
from seqlab.data.table import Table
from seqlab.types import ConfigError

WORDS = [["a", "b", "a"], ["b", "b"], ["c", "a", "b"], ["a"]]
TEXTS = [" ".join(words) for words in WORDS]
NUMBERS = [[[float(len(word)), index] for index, word in enumerate(text)] for text in TEXTS]
COLUMNS = [
    (Texts("text", "x", "word", 2, 9), TEXTS),
    (Texts("text", "x", "character", 4, 2, min_count=1), TEXTS),
    (TokenLists("tokens", "x", 2, 9), WORDS),
    (Classes("label", "x"), ["low", "high", "low", "high"]),
    (Targets("target", "x", Writing("word", 3, 9)), TEXTS),
    (EveryTarget("text", "x", Writing("character", 4, 9)), [[text, "b"] for text in TEXTS]),
    (Series("series", "x", 3, Numbers()), NUMBERS),
    (Tags("tags", "x", "x", 3), WORDS),
    (Transcripts("text", "x", 9, "sound", 9), TEXTS),
]
every_column = pytest.mark.parametrize(("column", "values"), COLUMNS, ids=lambda value: type(value).__name__)


def read(column, values):
    """Return values as a table that the column has read."""
    table = Table.of("a file", {column.name: values})
    return dataclasses.replace(table, columns={column.key: column.read(table)})


def assert_same(arrays, others):
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, others[name])


@every_column
def test_stored_artifacts_encode_as_fitted_ones(column, values):
    tables = {"train": read(column, values), "test": read(column, values[:1])}
    artifacts = column.fit(tables["train"])
    stored = json.loads(json.dumps(artifacts))
    assert stored == artifacts
    assert_same(column.encode(tables, artifacts)["train"], column.encode(tables, stored)["train"])


@every_column
def test_a_row_is_encoded_alike_whatever_rows_are_beside_it(column, values):
    artifacts = column.fit(read(column, values))
    every = column.encode({"train": read(column, values)}, artifacts)["train"]
    for index in range(len(values)):
        tables = {"train": read(column, values), "test": read(column, values[index : index + 1])}
        alone = column.encode(tables, artifacts)["test"]
        for name, array in alone.items():
            if name != "row" and len(every[name]) == len(values):
                np.testing.assert_array_equal(array[0], every[name][index])


@every_column
def test_what_follows_the_end_of_a_row_is_zero(column, values):
    arrays = column.encode({"train": read(column, values)}, column.fit(read(column, values)))["train"]
    for name, lengths in {"tokens": "lengths", "series": "lengths", "targets": "target_lengths"}.items():
        if name in arrays and lengths in arrays:
            padding = np.arange(arrays[name].shape[1]) >= arrays[lengths][:, None]
            assert not arrays[name][padding].any()
            assert (arrays[lengths] >= 1).all()


@every_column
def test_cut_says_which_values_lose_their_end(column, values):
    cut = column.cut(read(column, values).columns[column.key])
    if cut is None:
        return
    longer = dataclasses.replace(column, **longer_than(column))
    again = longer.cut(read(longer, values).columns[longer.key])
    assert cut.any()
    assert not again.any()


def longer_than(column):
    if hasattr(column, "writing"):
        return {"writing": dataclasses.replace(column.writing, length=99)}
    return {"length": 99}


ROWS = [{"text": f"word {n} {n % 3}", "label": ("odd", "even")[n % 2]} for n in range(60)]
PAIR = (Texts("text", "text", "word", 4, 99), Classes("label", "label"))


def test_artifacts_are_those_of_training_alone(tmp_path):
    write_jsonl(tmp_path / "train.jsonl", ROWS)
    found = []
    for word in ("known", "other"):
        write_jsonl(
            tmp_path / "test.jsonl", [{"text": f"{word} {word} {n}", "label": "odd"} for n in range(9)]
        )
        found.append(encode(Reader(str(tmp_path)), PAIR, None))
    assert found[0] is not found[1]
    assert found[0].artifacts == found[1].artifacts


def test_a_column_may_be_named_by_a_number(tmp_path):
    rows = [{"0": row["text"], "1": row["label"]} for row in ROWS]
    columns = (Texts("text", 0, "word", 4, 99), Classes("label", 1))
    encoded = encode(Reader(str(write_jsonl(tmp_path / "a.jsonl", rows))), columns, None)
    assert encoded.artifacts["classes"] == ["even", "odd"]


def test_a_source_is_read_once_and_again_when_it_changes(tmp_path):
    reader = Reader(str(write_jsonl(tmp_path / "a.jsonl", ROWS)))
    first = encode(reader, PAIR, None)
    assert encode(Reader(reader.source), PAIR, None) is first
    write_jsonl(tmp_path / "a.jsonl", ROWS[:50])
    assert sum(encode(reader, PAIR, None).summary[split] for split in ("train", "validation", "test")) == 50


def test_examples_of_several_rows_are_merged_only_where_a_column_says_so(tmp_path):
    twice = [{"text": "same", "label": label} for label in ("one", "two")]
    others = [{"text": f"text {n}", "label": "one"} for n in range(60)]
    reader = Reader(str(write_jsonl(tmp_path / "a.jsonl", [*twice, *others])))
    text, writing = Texts("text", "text", "word", 4, 99), Writing("word", 4, 99)
    for column, expected in ((Targets, ("one",)), (EveryTarget, ("one", "two"))):
        encoded = encode(reader, (text, column("label", "label", writing)), None)
        found = {t: label for part in encoded.texts.values() for t, label in zip(*part.values(), strict=True)}
        assert found["same"] == expected
        assert encoded.summary["duplicates"] == 1


@pytest.mark.parametrize("content", ["{", "[1]", "3"])
def test_a_vocabulary_that_no_run_wrote_is_refused_in_one_line(content, tmp_path):
    reader = Reader(str(write_jsonl(tmp_path / "a.jsonl", ROWS)))
    (tmp_path / "vocabulary.json").write_text(content)
    with pytest.raises(ConfigError, match=r"^task\.vocabulary=.*vocabulary\.json cannot be read: .*$"):
        encode(reader, PAIR, str(tmp_path / "vocabulary.json"))


def test_a_transcript_must_fit_the_frames_of_its_sound():
    column = Transcripts("text", "x", 9, "sound", 4)
    table = Table.of("a file", {"text": ["aa", "ab"], "sound": [Steps(np.zeros((2, 1)), "")] * 2})
    with pytest.raises(ConfigError, match=r"^a file, row 1, x: takes 3 frames to spell, and 2 are read"):
        column.check(table)
    column.check(table.take([1]))
