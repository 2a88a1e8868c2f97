"""A running text at every level: symbols, splits and duplicates."""

from __future__ import annotations

import datasets
import numpy as np
import pytest
from small_corpora import stand_in

from seqlab.data.readers import hub
from seqlab.tasks import SPLITS, load_task
from seqlab.types import ConfigError

TEXT = "".join(f"Line {n} says so, don't it?\n\n" for n in range(300))


def of(tmp_path, text=TEXT, **fields):
    (tmp_path / "a.txt").write_text(text)
    return load_task("text_corpus", source=str(tmp_path / "a.txt"), length=8, **fields)


@pytest.mark.parametrize("level", ["character", "byte_pair"])
def test_the_splits_make_up_the_text(level, tmp_path):
    task = of(tmp_path, level=level, most_tokens=300)
    parts = [task.render(task.data[split]["tokens"], "many_to_many") for split in SPLITS]
    assert "".join(parts) == TEXT.strip()
    assert len(parts[1]) == len(parts[2]) == len(TEXT.strip()) // 20
    assert task.render(task.read_prompt("Line 7", "many_to_many"), "many_to_many") == "Line 7"


def test_words_stand_apart_from_punctuation(tmp_path):
    task = of(tmp_path, TEXT.replace("0", "1 1"), level="word")
    assert (
        task.render(task.data["train"]["tokens"][:12], "many_to_many")
        == "Line 1 1 says so , don't it ?\n\nLine"
    )
    assert (
        task.render(task.read_prompt("Line zebra", "many_to_many"), "many_to_many")
        == "Line \N{REPLACEMENT CHARACTER}"
    )


def test_a_paragraph_is_kept_once_and_in_the_test_split(tmp_path):
    (tmp_path / "train.txt").write_text(TEXT + TEXT)
    (tmp_path / "test.txt").write_text(TEXT[: len(TEXT) // 3])
    task = load_task("text_corpus", source=str(tmp_path), length=8)
    num_test = (tmp_path / "test.txt").read_text().count("\n\n")
    assert task.data_summary()["duplicates"] == 300 + num_test
    assert "Line 1 " not in task.render(task.data["train"]["tokens"], "many_to_many")


@pytest.mark.parametrize("level", ["character", "word", "byte_pair"])
def test_a_stored_vocabulary_cuts_alike(level, tmp_path):
    task = of(tmp_path, level=level, most_tokens=300)
    for name, text in task.artifacts().items():
        (tmp_path / name).write_text(text)
    again = of(tmp_path, TEXT + "wholly new\n" * 9, level=level, vocabulary=str(tmp_path / "vocabulary.json"))
    assert list(again.symbols) == list(task.symbols)
    np.testing.assert_array_equal(*(one.read_prompt("Line 7 says", "many_to_many") for one in (again, task)))


def test_counting_contexts_beats_counting_words(tmp_path):
    task = of(tmp_path, level="word")
    floors = task.baselines("test", "many_to_many")
    assert list(floors) == ["order-1", "order-2", "order-3", "order-4"]
    assert max(floors.values()) < task.reference("many_to_many").baseline


def test_a_text_too_short_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^task\.length: legal values are 1 to \d, got 8$"):
        _ = of(tmp_path, "abc " * 30).data
    for few in (" \n", "hello"):
        with pytest.raises(ConfigError, match=r"is too short: its split \w+ has \d symbols, and needs more"):
            _ = of(tmp_path, few).reference("many_to_many")


@pytest.mark.parametrize("preset", ["wikitext2", "tiny_shakespeare"])
def test_a_preset_reads_a_file_of_its_schema(preset):
    task = load_task(preset, **stand_in(preset))
    assert set("".join(task.symbols[1:])) <= set("abcde \n")
    assert min(task.data_summary()[split] for split in SPLITS) > 64


def test_a_dataset_with_a_script_is_read_as_the_hub_converts_it(monkeypatch):
    def load(name, config, revision=None, **settings):
        if revision is None:
            raise RuntimeError("Dataset scripts are no longer supported, but found a.py")
        return {"train": datasets.Dataset.from_dict({"text": [revision]})}

    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.setattr(hub, "_status", lambda address: 200)
    assert hub.read_hub("a/b", None, "")["train"].columns["text"] == ["refs/convert/parquet"]
