"""Pairs of texts: what is read of every schema, and metrics by sacrebleu and jiwer."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jiwer
import numpy as np
import pytest
import sacrebleu
from draws import evaluation_of
from small_corpora import stand_in, write_csv, write_hub
from tiny_runs import tiny

from seqlab import run
from seqlab.data.columns.targets import Writing
from seqlab.data.columns.texts import vocabulary_of
from seqlab.data.corpora import CORPORA
from seqlab.generation.decoding import GREEDY, sample
from seqlab.metrics.texts import text_scores
from seqlab.runs import evaluate, load
from seqlab.tasks import load_task
from seqlab.tasks.text._texts import right_texts, text_reference
from seqlab.types import ConfigError

SHORT = ("task.length=4", "task.target_length=4")


def wanted(task, which=0):
    """Return the test split's targets, one of several for each example."""
    return [targets[which] for targets in task.encoded.texts["test"]["target"]]


PRESETS = ["text_pairs", "respell", "jupyter_en_fr", "movie_dialogue", "multi30k", "jfleg", "daily_dialog"]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_schema_gives_the_same_pairs(preset):
    task = load_task(preset, length=64, target_length=64, **stand_in(preset))
    batch = evaluation_of(task, jnp.int32(0), 4, "train", "encoder_decoder", task.data)
    words = {"red": "rot", "green": "grün", "blue": "blau", "house": "Haus", "tree": "Baum"}
    texts, targets = task.encoded.texts["train"].values()
    vocabulary = vocabulary_of(task.encoded.artifacts)
    answers = [right[0] for right in targets]
    assert {len(right) for right in targets} == {2 if preset == "jfleg" else 1}
    for row in range(4):
        assert [words[word] for word in texts[row].split()] == answers[row].split()
        read = vocabulary.decode(batch.inputs[row, : batch.lengths[row]].tolist())
        assert "".join(read).replace(" ", "") == texts[row].replace(" ", "")
        assert task.render(np.asarray(batch.targets[row]), "encoder_decoder") == answers[row]
        assert batch.targets[row][batch.mask[row]][-1] == task.end_symbol("encoder_decoder")


@pytest.mark.runs
def test_a_run_is_evaluated_by_the_libraries_on_free_running_texts(folder):
    run([*tiny("text_pairs", "encoder_decoder", "training.steps=3"), *SHORT, f"hydra.run.dir={folder}"])
    program, params = load(folder)
    task, count = program.task, program.task.num_evaluation("test", "encoder_decoder")
    batch = evaluation_of(task, jnp.int32(0), count, "test", "encoder_decoder", task.data)
    found = sample(program.network, params, batch.inputs, 4, jax.random.key(0), GREEDY, batch.lengths)[0]
    written = [task.render(row, "encoder_decoder") for row in np.asarray(found)]
    right = wanted(task)
    expected = {
        "test/bleu": sacrebleu.corpus_bleu(written, [right]).score,
        "test/chrf": sacrebleu.corpus_chrf(written, [right]).score,
        "test/cer": jiwer.cer(right, written),
        "test/wer": jiwer.wer(right, written),
    }
    shown = evaluate(program, params, "test")
    assert {name: shown[name] for name in expected} == expected


def test_references_are_whole_targets_and_copies_are_a_baseline():
    task = load_task("text_pairs", **stand_in("text_pairs"), judge="wer", target_length=2)
    floors = task.baselines("test", "encoder_decoder")
    assert floors["copy"] == 1.0
    assert set(floors) == {"copy", "most frequent", "most alike"}
    right = right_texts(task.encoded.texts["test"]["target"], Writing("word", 2, 100))
    assert text_scores(wanted(task), right)["wer"] == 0.0


@pytest.mark.parametrize(
    ("judge", "simple", "nearest", "threshold"),
    [
        ("bleu", 40.0, 60.0, 60.0),  # that of the nearest example
        ("bleu", 40.0, 30.0, 70.0),  # halfway to a perfect score
        ("bleu", 40.0, 100.0, 95.0),  # a perfect score but for one example of twenty
        ("bleu", 98.0, 100.0, 100.0),  # never one that the simple baseline reaches
        ("wer", 0.8, 0.0, 0.05),
        ("wer", 0.8, 0.3, 0.3),
    ],
)
def test_a_threshold_is_the_nearest_example_with_room_for_one_error(judge, simple, nearest, threshold):
    reference = text_reference(judge, {"most frequent": simple, "most alike": nearest}, 20)
    assert (reference.baseline, reference.threshold) == (simple, threshold)


def test_every_text_that_is_right_counts_where_the_metric_takes_several():
    task = load_task("jfleg", **stand_in("jfleg"))
    writing = Writing("word", 32, 100)
    right = right_texts(task.encoded.texts["test"]["target"], writing)
    spaced = [[writing.normalized(text) for text in wanted(task, which)] for which in (0, 1)]
    first, second = (text_scores(written, right) for written in spaced)
    assert first["bleu"] == second["bleu"] == pytest.approx(100)
    assert first["cer"] == 0.0 < second["cer"]


def test_no_text_of_training_is_evaluated():
    task = load_task("jfleg", **stand_in("jfleg"))
    named = {name: set(part["text"]) for name, part in task.encoded.texts.items()}
    given = {name: set(table.columns[task.text]) for name, table in task.reader.tables().items()}
    assert named["train"] | named["validation"] <= given["validation"]
    assert named["test"] == given["test"]
    with pytest.raises(ConfigError, match=r"^task\.training=train: the splits of the source are validation"):
        _ = load_task("jfleg", **stand_in("jfleg"), training="train").data


def test_a_conversation_is_texts_each_answered_by_the_next(tmp_path):
    said = [["a", "b", " ", "c"], ["alone"], *([f"d{n}", "e"] for n in range(40))]
    path = write_hub(tmp_path / "a", {"said": said})
    task = load_task("text_pairs", source=str(path), text="said", target="said", level="character")
    pairs = {}
    for part in task.encoded.texts.values():
        pairs |= zip(part["text"], part["target"], strict=True)
    assert pairs == {"a": ("b",), "b": ("c",), **{f"d{n}": ("e",) for n in range(40)}}


def test_misspelt_pieces_differ_and_are_made_alike():
    rows = CORPORA["respell"].read()
    assert rows == CORPORA["respell"].read()
    assert len(rows["text"]) > 5000
    assert np.mean([a != b for a, b in zip(rows["text"], rows["target"], strict=True)]) > 0.7


def test_the_catalogues_hold_both_languages():
    rows = CORPORA["jupyter_en_fr"].read()
    assert dict(zip(rows["text"], rows["target"], strict=True))["Continue"] == "Continuer"


def test_a_missing_text_is_named(tmp_path):
    rows = [{"text": f"a {n}", "target": "b" if n != 5 else " "} for n in range(40)]
    path = write_csv(tmp_path / "a.csv", rows)
    with pytest.raises(ConfigError, match=r"a\.csv, row 6, target: the text is empty$"):
        _ = load_task("text_pairs", source=str(path)).data
