"""Encoders of columns: what they learn from training, what a run stores, and what they make of other rows."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from small_corpora import write_jsonl

from seqlab.data.columns.classes import Classes
from seqlab.data.columns.groups import groups_of
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


def test_every_text_is_right_that_a_row_of_the_example_has(tmp_path):
    twice = [{"text": "same", "label": label} for label in ("one", "two")]
    others = [{"text": f"text {n}", "label": "one"} for n in range(60)]
    reader = Reader(str(write_jsonl(tmp_path / "a.jsonl", [*twice, *others])))
    text, writing = Texts("text", "text", "word", 4, 99), Writing("word", 4, 99)
    for column in (Targets, EveryTarget):
        encoded = encode(reader, (text, column("label", "label", writing)), None)
        found = {t: label for part in encoded.texts.values() for t, label in zip(*part.values(), strict=True)}
        assert found["same"] == ("one", "two")
        assert encoded.summary["duplicates"] == 1


def test_a_class_keeps_the_first_label_of_an_example(tmp_path):
    rows = [{"text": "same", "label": label} for label in ("one", "two")]
    table = Table.of("a file", {"label": [row["label"] for row in rows]})
    assert Classes("label", "label").merge(Classes("label", "label").read(table)) == "one"


@pytest.mark.parametrize(
    ("rows", "share"),
    [
        ([{"text": f"w{n} w{n} common", "label": "ab"[n % 2]} for n in range(80)], 0),
        ([{"text": f"w{n} common", "label": "ab"[n % 2]} for n in range(80)], 0.5),
    ],
)
def test_the_summary_has_the_share_of_unknown_tokens(rows, share, tmp_path):
    reader = Reader(str(write_jsonl(tmp_path / "a.jsonl", rows)))
    unknown = encode(reader, PAIR, None).summary["unknown"]
    assert unknown["text"]["train"] == pytest.approx(share)
    assert unknown["text"].keys() == {"train", "validation", "test"}


@pytest.mark.parametrize("texts", ["我不喜欢这部电影{}啊", "ACGTTGCA{}ACG"])
def test_a_level_that_knows_no_word_is_refused_with_one_that_does(texts, tmp_path):
    digits = [str(n).translate(str.maketrans("0123456789", "一二三四五六七八九十")) for n in range(80)]
    rows = [{"text": texts.format(digit), "label": "ab"[n % 2]} for n, digit in enumerate(digits)]
    reader = Reader(str(write_jsonl(tmp_path / "a.jsonl", rows)))
    with pytest.raises(ConfigError, match=r"^task\.level=word does not fit text .* task\.level=character$"):
        encode(reader, PAIR, None)
    for level in ("character", "byte"):
        columns = (Texts("text", "text", level, 40, 999, min_count=1), PAIR[1])
        assert encode(reader, columns, None).summary["unknown"]["text"]["train"] == 0


@pytest.mark.parametrize("rare", [{"rare"}, {"rare", "odd one"}])
def test_a_split_that_is_made_keeps_every_label_in_training(rare, tmp_path):
    for seed in range(20):
        rows = [{"text": f"text {seed} {n}", "label": "ab"[n % 2]} for n in range(60)]
        rows[1:1] = [{"text": f"{name} {seed}", "label": name} for name in rare]
        reader = Reader(str(write_jsonl(tmp_path / f"{seed}.jsonl", rows)))
        encoded = encode(reader, PAIR, None)
        assert encoded.artifacts["classes"] == sorted({"a", "b", *rare})
        assert sum(encoded.summary[name] for name in encoded.arrays) == len(rows)


def test_a_group_is_in_one_split(tmp_path):
    rows = [{"text": f"text {n}", "label": "ab"[n % 2], "who": f"speaker {n // 2}"} for n in range(200)]
    reader = Reader(str(write_jsonl(tmp_path / "a.jsonl", rows)))
    encoded = encode(reader, (*PAIR, *groups_of("who")), None)
    groups = [{int(text.split()[1]) // 2 for text in part["text"]} for part in encoded.texts.values()]
    assert set.union(*groups) == set(range(100))
    assert sum(map(len, groups)) == 100


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
