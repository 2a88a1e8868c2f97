"""Answers to the rows of a file, and the rows that are answered wrong."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from small_corpora import reviews, write_csv
from tiny_runs import TINY

from seqlab import load_run, run
from seqlab.cli import evaluate, generate, predict

pytestmark = pytest.mark.runs

TEXTS, LABELS = reviews()
NAMES = [("bad", "good")[label] for label in LABELS]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the folder of a run on a file that is gone."""
    folder = tmp_path_factory.mktemp("texts")
    rows = [{"text": text, "label": name} for text, name in zip(TEXTS, NAMES, strict=True)]
    path = write_csv(folder / "a.csv", rows)
    few = ["task=text_classification", "architecture.embedding=4", *TINY, "training.steps=2"]
    run([*few, f"task.source={path}", f"hydra.run.dir={folder / 'run'}"])
    path.unlink()
    return folder / "run"


def call(monkeypatch, capsys, main, *words):
    """Return the exit status of a command and what it printed."""
    monkeypatch.setattr(sys, "argv", ["seqlab", *map(str, words)])
    status = 0
    try:
        main()
    except SystemExit as stop:
        status = stop.code
    return status, capsys.readouterr()


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_rows_without_labels_are_answered_as_by_predict(ending, trained, tmp_path, monkeypatch, capsys):
    write_csv(tmp_path / "new.csv", [{"text": text} for text in TEXTS[:5]])
    output = tmp_path / f"out.{ending}"
    status, _ = call(monkeypatch, capsys, predict.main, trained, tmp_path / "new.csv", "--output", output)
    assert status == 0
    read = {"csv": pd.read_csv, "jsonl": lambda p: pd.read_json(p, lines=True), "parquet": pd.read_parquet}
    found = read[ending](output)
    expected = load_run(trained).predict(TEXTS[:5])
    assert found["answer"].tolist() == expected.answers
    assert found["row"].tolist() == [f"row {n}" for n in range(1, 6)]
    np.testing.assert_allclose(found[["bad", "good"]], np.stack(expected.probabilities), atol=1e-5)


def test_a_bad_row_is_named_or_skipped(trained, tmp_path, monkeypatch, capsys):
    path = write_csv(tmp_path / "new.csv", [{"text": text, "more": 1} for text in ["good", " ", "bad"]])
    status, printed = call(monkeypatch, capsys, predict.main, trained, path)
    assert (status, printed.out) == (2, "")
    assert "new.csv, row 2: " in printed.err
    status, printed = call(monkeypatch, capsys, predict.main, trained, path, "--skip-bad")
    assert status == 0
    assert [line.split(",")[0] for line in printed.out.splitlines()] == ["row", "row 1", "row 3"]
    assert "skipped 1 rows, such as row 2: " in printed.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gone.csv"], "gone.csv does not exist"),
        (["wrong.csv"], "task.text=text is not a column of wrong.csv: its columns are body"),
        (["wrong.csv", "--output", "out.doc"], "out.doc: legal endings are .csv, .jsonl, .parquet"),
        (["wrong.csv", "--output", "wrong.csv"], "wrong.csv is the file that is read: legal is another one"),
        (["wrong.csv", "--output", "folder.csv"], "folder.csv is a folder: legal is the name of a file"),
        (["notes"], "task.source=notes cannot be read: legal endings are "),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_line(
    words, message, trained, tmp_path, monkeypatch, capsys
):
    write_csv(tmp_path / "wrong.csv", [{"body": "good"}])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "notes").write_text("good")
    status, printed = call(monkeypatch, capsys, predict.main, trained, *words)
    assert status == 2
    assert printed.err.startswith(f"error: {message}")
    assert len(printed.err.splitlines()) == 1


def test_rows_answered_wrong_are_listed_and_counted(trained, tmp_path, monkeypatch, capsys):
    rows = [{"text": text, "label": name} for text, name in zip(TEXTS[:20], NAMES, strict=False)]
    path = write_csv(tmp_path / "new.csv", rows)
    words = ["--source", path, "--errors", tmp_path / "e.csv", "--confusion", tmp_path / "c.csv", "--json"]
    status, printed = call(monkeypatch, capsys, evaluate.main, trained, *words)
    assert status == 0
    answers = load_run(trained).predict(TEXTS[:20]).answers
    wrong = [at for at in range(20) if answers[at] != NAMES[at]]
    errors = pd.read_csv(tmp_path / "e.csv")
    assert errors["row"].tolist() == [f"row {at + 1}" for at in wrong]
    assert errors["label"].tolist() == [NAMES[at] for at in wrong]
    counts = pd.read_csv(tmp_path / "c.csv", index_col="label")
    assert counts.loc["bad", "good"] + counts.loc["good", "bad"] == len(wrong)
    assert json.loads(printed.out)["test/accuracy"] == pytest.approx(1 - len(wrong) / 20)


@pytest.mark.parametrize("of_file", [True, False])
def test_confusions_and_reliability_are_tables_or_pictures(of_file, trained, tmp_path, monkeypatch, capsys):
    rows = [{"text": text, "label": name} for text, name in zip(TEXTS, NAMES, strict=True)]
    path = write_csv(trained.parent / "a.csv", rows)  # the training data are there again
    words = ["--source", path] if of_file else ["--split", "test"]
    files = {
        key: [tmp_path / f"{key}.{end}" for end in ("csv", "png")] for key in ("confusion", "reliability")
    }
    for at in range(2):
        chosen = [word for key, paths in files.items() for word in (f"--{key}", paths[at])]
        status, printed = call(monkeypatch, capsys, evaluate.main, trained, *words, *chosen, "--json")
        assert status == 0, printed.err
    found = json.loads(printed.out)
    counts = pd.read_csv(files["confusion"][0], index_col="label").to_numpy()
    assert np.trace(counts) / counts.sum() == pytest.approx(found["test/accuracy"])
    bins = pd.read_csv(files["reliability"][0])
    assert bins["count"].sum() == counts.sum()
    gaps = (bins["accuracy"] - bins["confidence"]).abs()
    assert (gaps * bins["count"]).sum() / bins["count"].sum() == pytest.approx(found["test/ece"], abs=1e-6)
    path.unlink()
    for paths in files.values():
        assert paths[1].read_bytes().startswith(b"\x89PNG")


def test_a_prompt_that_names_a_file_is_asked_about(trained, tmp_path, monkeypatch, capsys):
    path = write_csv(tmp_path / "new.csv", [{"text": "good"}])
    status, printed = call(monkeypatch, capsys, generate.main, trained, "--prompt", path)
    assert (status, printed.out) == (2, "")
    advice = f"python -m seqlab.predict {trained} {path} answers the rows of a file"
    assert printed.err == f"error: --prompt={path} is a file, and the run reads a text: {advice}\n"


@pytest.mark.parametrize(
    ("prompt", "said"), [("zzz qqq", "the run knows no word of the prompt\n"), ("good zzz", "")]
)
def test_a_prompt_of_unknown_words_says_so(prompt, said, trained, monkeypatch, capsys):
    status, printed = call(monkeypatch, capsys, generate.main, trained, "--prompt", prompt)
    assert (status, printed.err) == (0, said)
    assert printed.out.strip() in ("bad", "good")
