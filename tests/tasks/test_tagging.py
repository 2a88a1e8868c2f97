"""Tags: what is read of every schema, and span F1 by seqeval."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import evaluation_of
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from small_corpora import stand_in, write_csv
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import evaluate, load
from seqlab.tasks import load_task
from seqlab.types import ConfigError


def of(tmp_path, *rows):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"tokens": tokens, "tags": tags}) for tokens, tags in rows))
    return load_task("tagging", source=str(path))


@pytest.mark.parametrize("preset", ["tagging", "wikiann_en", "entity_templates"])
def test_every_schema_gives_the_same_tags(preset):
    task = load_task(preset, **stand_in(preset))
    assert task.encoded.artifacts["tags"] == ["B-PER", "I-PER", "O"]
    batch = evaluation_of(task, jnp.int32(0), 8, "train", "many_to_many", task.data)
    for tokens, tags, real in zip(batch.inputs, batch.targets, batch.mask, strict=True):
        words = [task.encoded.artifacts["tokens"][number - 1] for number in tokens[real].tolist()]
        expected = [{"Smith": "B-PER", "left": "I-PER"}.get(word, "O") for word in words]
        expected = expected if "Mr" in words else ["O"] * len(words)
        assert [task.encoded.artifacts["tags"][number] for number in tags[real].tolist()] == expected


@pytest.mark.runs
def test_a_run_is_evaluated_by_seqeval(folder):
    summary = run([*tiny("tagging", "many_to_many", "training.steps=3"), f"hydra.run.dir={folder}"])
    program, params = load(folder)
    task = program.task
    count = task.num_evaluation("test", "many_to_many")
    batch = evaluation_of(task, jnp.int32(0), count, "test", "many_to_many", task.data)
    found = np.asarray(jax.jit(program.network.apply)(params, batch)).argmax(axis=-1)

    def named(rows):
        return [
            [task.encoded.artifacts["tags"][tag] for tag in row[real]]
            for row, real in zip(np.asarray(rows), np.asarray(batch.mask), strict=True)
        ]

    expected = f1_score(named(batch.targets), named(found), zero_division=0, mode="strict", scheme=IOB2)
    assert evaluate(program, params, "test")["test/span_f1"] == expected
    assert summary["test"]["test/span_f1"] == expected
    assert summary["metric"] == "span_f1"


TAGS = {"parts of speech": ["NOUN", "VERB", "DET"], "numbers": [0, 1, 2]}


@pytest.mark.parametrize("kind", TAGS)
def test_tags_that_mark_no_spans_are_judged_by_accuracy(kind, tmp_path):
    rows = [
        ([f"w{n % 3}", "a", f"x{n}"], [TAGS[kind][n % 3], TAGS[kind][0], TAGS[kind][0]]) for n in range(80)
    ]
    task = of(tmp_path, *rows)
    assert task.goal("many_to_many").metric == "accuracy"
    assert task.reference("many_to_many").baseline == 1.0
    tags = task.encoded.arrays["test"]["tags"]
    mask = np.ones(tags.shape, bool)
    assert task.scores(tags, tags, mask, "test") == {"macro_f1": 1.0, "balanced_accuracy": 1.0}
    worse = task.scores(np.zeros_like(tags), tags, mask, "test")
    assert worse["balanced_accuracy"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("cell", [str, json.dumps])
def test_lists_may_be_written_in_cells(cell, tmp_path):
    lists = [(["EU", f"no {n}", "x"], ["B-ORG", "O", "O"]) for n in range(60)]
    rows = [{"tokens": cell(tokens), "tags": cell(tags)} for tokens, tags in lists]
    task = load_task("tagging", source=str(write_csv(tmp_path / "a.csv", rows)))
    assert task.encoded.artifacts["tags"] == ["B-ORG", "O"]
    assert task.encoded.artifacts["scheme"] == ["IOB2"]


def test_a_word_alone_does_not_tell_its_tag():
    task = load_task("tagging", **stand_in("tagging"))
    assert 0 < task.baselines("test", "many_to_many")["each word's most frequent tag"] < 1


def test_generated_names_do_not_tell_what_they_are_of():
    task = load_task("entity_templates")
    words = np.asarray(task.data["test"]["tokens"])
    names = np.asarray(task.data["test"]["tags"]) != task.encoded.artifacts["tags"].index("O")
    real = np.arange(words.shape[1]) < np.asarray(task.data["test"]["lengths"])[:, None]
    assert (words[names & real] == 0).mean() > 0.5
    assert task.reference("many_to_many").baseline < 0.3


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((["a", "b"], ["O"]), r"row 2, tags: must be a list of 2 tags, one a token"),
        ((["a", "b"], ["O", None]), r"row 2, tags: the tag of 'b' is missing"),
        (([], []), r"row 2, tokens: must be a list of texts, got \[\]"),
    ],
)
def test_a_bad_row_is_named(row, message, tmp_path):
    with pytest.raises(ConfigError, match=rf"a\.jsonl, {message}$"):
        _ = of(tmp_path, (["a"], ["O"]), row, *((["a", str(n)], ["O", "O"]) for n in range(60))).data


def test_a_tag_of_the_test_split_alone_is_refused(tmp_path):
    for split, tag in (("train", "O"), ("test", "B-ODD")):
        rows = [json.dumps({"tokens": [split, str(n)], "tags": [tag, tag]}) for n in range(40)]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(rows))
    with pytest.raises(
        ConfigError, match=r"test\.jsonl, row 1, tags: 'B-ODD' is not a tag of the training split: O$"
    ):
        _ = load_task("tagging", source=str(tmp_path)).data
