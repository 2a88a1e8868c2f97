"""Sounds and transcripts, and error rates by jiwer."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path

import jax
import jax.numpy as jnp
import jiwer
import numpy as np
import pytest
import soundfile
from draws import evaluation_of
from small_corpora import stand_in, tones, write_csv
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import evaluate, load
from seqlab.tasks import load_task
from seqlab.tasks.task import VOCABULARY
from seqlab.types import Batch, ConfigError

FORM = "many_to_many"


def whole(task, split):
    """Return a split as NumPy arrays, and its transcripts as texts."""
    count = task.num_evaluation(split, FORM)
    batch = jax.device_get(evaluation_of(task, jnp.int32(0), count, split, FORM, task.data))
    return batch, [task.render(row[real], FORM) for row, real in zip(batch.targets, batch.mask, strict=True)]


def written(folder, *texts, rate=16_000):
    """Write a folder of sounds, one a text."""
    draw = random.Random(1)
    folder.mkdir(exist_ok=True)
    for index, text in enumerate(texts):
        soundfile.write(folder / f"{index}.wav", tones(text, rate, draw), rate)
    rows = [{"file_name": f"{index}.wav", "text": text} for index, text in enumerate(texts)]
    return write_csv(folder / "metadata.csv", rows).parent


@pytest.mark.parametrize("preset", ["transcription", "speech_commands"])
def test_every_schema_gives_the_same_transcripts(preset):
    task = load_task(preset, **stand_in(preset))
    batch, texts = whole(task, "train")
    assert set(texts) == {"no", "yes", "oo", "a"}
    for text, steps in zip(texts, batch.lengths.tolist(), strict=True):
        assert 40 * len(text) - 35 < 10 * steps < 60 * len(text)
    real = np.arange(batch.inputs.shape[1]) < batch.lengths[:, None]
    np.testing.assert_allclose(batch.inputs[real].mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(batch.inputs[real].std(axis=0), 1, atol=1e-3)


def spell(task, logits):
    """Read the best path of a sound as a text."""
    return task.render(np.array([token for token, _ in itertools.groupby(logits.argmax(axis=-1))]), FORM)


@pytest.mark.runs
def test_a_run_is_evaluated_and_answers_by_its_best_path(folder, inside):
    settings = tiny("transcription", FORM, "training.steps=2", "training.devices=2")
    summary = run([*settings, f"hydra.run.dir={folder}"])
    program, params = load(folder)
    task = program.task
    batch, wanted = whole(task, "test")
    logits = np.asarray(jax.jit(program.network.apply)(params, batch))
    spelt = [spell(task, row[:steps]) for row, steps in zip(logits, batch.lengths, strict=True)]
    expected = {"test/cer": jiwer.cer(wanted, spelt), "test/wer": jiwer.wer(wanted, spelt)}
    shown = evaluate(program, params, "test")
    assert {name: shown[name] for name in expected} == expected
    assert summary["test"]["test/loss"] == pytest.approx(shown["test/loss"], rel=1e-5)
    sound = str(Path(task.source) / "0.wav")
    read = Batch(task.read_prompt(sound, FORM)[None], None, None)
    [logits] = np.asarray(program.network.apply(params, read))
    assert inside("generate", str(folder), "--prompt", sound).stdout == spell(task, logits) + "\n"


def test_stored_artifacts_say_how_other_sounds_are_read(tmp_path):
    first = load_task("transcription", source=str(written(tmp_path / "a", *["ab", "ba", "a"] * 20)))
    (tmp_path / VOCABULARY).write_text(first.artifacts()[VOCABULARY])
    other = written(tmp_path / "b", *["b", "bc"] * 30)
    second = load_task("transcription", source=str(other), vocabulary=str(tmp_path / VOCABULARY))
    assert json.loads(second.artifacts()[VOCABULARY]) == json.loads(first.artifacts()[VOCABULARY])
    assert list(second.encoded.artifacts["characters"]) == ["a", "b"]
    sound = Path(other) / "0.wav"
    np.testing.assert_array_equal(second.read_prompt(str(sound), FORM), first.read_prompt(str(sound), FORM))


def test_baselines_are_error_rates_of_simple_answers():
    task = load_task("transcription", **stand_in("transcription"))
    texts = {split: whole(task, split)[1] for split in ("train", "test")}
    frequent = max(sorted(set(texts["train"])), key=texts["train"].count)
    found = task.baselines("test", FORM)
    assert found["the most frequent transcript"] == jiwer.cer(texts["test"], [frequent] * len(texts["test"]))
    assert found["the transcript of the nearest sound"] < found["the most frequent transcript"]
    assert task.baselines("train", FORM)["the transcript of the nearest sound"] == 0


@pytest.mark.parametrize(
    ("texts", "fields", "message"),
    [
        (["a", "bb"], {"rate": 8000}, r"row 1, audio: .*0\.wav has 16000 .*, not task\.rate=8000"),
        (
            ["a", "bb"],
            {"length": 2},
            r"row 2, text: takes 3 frames to spell, and 2 are read of the sound: task\.hop or .*",
        ),
        (["a", "bb"], {"target_length": 1}, r"row 2, text: has 2 characters, more than task\.target_.*=1"),
        (["a", "b"], {"text": "words"}, r"is not a column of .*: its columns are audio, text"),
    ],
)
def test_what_cannot_be_transcribed_is_named(texts, fields, message, tmp_path):
    with pytest.raises(ConfigError, match=rf"^.*{message}$") as refusal:
        _ = load_task("transcription", source=str(written(tmp_path / "a", *texts)), **fields).data
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("hop", 0, r"hop must be at least 0\.0625 ms, a sample, got 0"),
        ("window", -1, r"window must be a finite number, at least 0, got -1"),
        ("num_mels", 999, r"num_mels must be from 1 to \d+ at 16000 Hz and a window of 25 ms, got 999"),
    ],
)
def test_frames_that_cannot_be_made_are_refused(field, value, message):
    with pytest.raises(ConfigError, match=rf"^task\.{message}$"):
        load_task("transcription", **{field: value})


def test_a_prompt_that_is_no_sound_is_refused(tmp_path):
    task = load_task("transcription", **stand_in("transcription"))
    with pytest.raises(ConfigError, match=r"^prompt: .*gone\.wav does not exist$"):
        task.read_prompt(str(tmp_path / "gone.wav"), FORM)
