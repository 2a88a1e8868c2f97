"""Images and their captions, evaluated against every text of an image."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import jiwer
import numpy as np
import pytest
from draws import evaluation_of
from PIL import Image
from small_corpora import stand_in, write_csv
from tiny_runs import tiny

from seqlab import run
from seqlab.data.corpora import CORPORA
from seqlab.generation.decoding import GREEDY, sample
from seqlab.runs import load
from seqlab.tasks import load_task
from seqlab.types import ConfigError

FORM = "one_to_many"


@pytest.mark.parametrize(("preset", "turns"), [("captions", 1), ("glyphs", 1), ("flickr8k", 5)])
def test_every_schema_gives_the_same_captions(preset, turns):
    task = load_task(preset, height=6, width=6, channels=3, **stand_in(preset))
    count = len(task.encoded.texts["train"]["text"])
    assert task.num_examples("train", FORM) == turns * count
    assert task.num_evaluation("train", FORM) == count
    every = task.gather(jnp.arange(turns * count), "train", FORM, task.data)
    # The last pixel is of the caption's colour, the first tells the image.
    hues = np.asarray(every.inputs)[:, -1, -1].argmax(axis=-1)
    shown = [task.render(np.asarray(row), FORM) for row in every.targets]
    assert shown == [f"{['red', 'green', 'blue'][h]} to {n // count}" for n, h in enumerate(hues)]
    assert len(np.unique(every.inputs[:count, 0, 0, 0])) == count
    assert [texts[0] for texts in task.encoded.texts["train"]["text"]] == shown[:count]


@pytest.mark.runs
def test_a_run_is_evaluated_free_running_and_captions_a_file(folder, tmp_path, inside):
    small = ("task.height=6", "task.width=6", "task.length=4", "architecture.embedding=4", "training.steps=2")
    summary = run([*tiny("captions", FORM, *small), f"hydra.run.dir={folder}"])
    program, params = load(folder)
    task, count = program.task, program.task.num_evaluation("test", FORM)
    batch = evaluation_of(task, jnp.int32(0), count, "test", FORM, task.data)
    found = sample(program.network, params, batch.inputs, 4, jax.random.key(0), GREEDY)[0]
    written = [task.render(row, FORM) for row in np.asarray(found)]
    right = [text for (text,) in task.encoded.texts["test"]["text"]]
    assert summary["test"]["test/cer"] == jiwer.cer(right, written)
    assert summary["test"]["test/free_running/loss"] > 0

    image = Path(task.source) / "0.png"
    done = inside("generate", str(folder), "--prompt", str(image), "--beam", "2")
    assert done.returncode == 0, done.stderr
    (tmp_path / "no.png").write_text("no image")
    done = inside("generate", str(folder), "--prompt", str(tmp_path / "no.png"))
    assert done.returncode != 0
    assert f"--prompt: {tmp_path / 'no.png'} is no image" in done.stderr


def test_no_glyph_is_in_two_splits_and_no_name_is_lost():
    task = load_task("glyphs")
    images = [image.tobytes() for part in task.encoded.arrays.values() for image in part["images"]]
    assert len(set(images)) == len(images) > 5000
    wanted = [text for part in task.encoded.texts.values() for texts in part["text"] for text in texts]
    assert sorted(wanted) == sorted(CORPORA["glyphs"].read()["text"])
    assert len(images) + task.data_summary()["duplicates"] == len(wanted)


@pytest.mark.parametrize(
    ("change", "fields", "message"),
    [
        ("broken", {}, r"metadata\.csv, row 3, image: .*2\.png is no image: .*"),
        ("empty", {}, r"metadata\.csv, row 4, text: the text is empty"),
        ("", {"text": "words"}, r"task\.text=words is not a column of .*: its columns are image, text"),
        ("", {"image": "picture"}, r"task\.image=picture is not a column of .*: its columns are image, text"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_in_one_line(change, fields, message, tmp_path):
    for index in range(5):
        Image.new("L", (2, 2), index).save(tmp_path / f"{index}.png")
    if change == "broken":
        (tmp_path / "2.png").write_bytes(b"\x89PNG")
    texts = ["one", "two", "three", " " if change == "empty" else "four", "five"]
    write_csv(
        tmp_path / "metadata.csv", [{"file_name": f"{n}.png", "text": text} for n, text in enumerate(texts)]
    )
    with pytest.raises(ConfigError, match=rf"^.*{message}$"):
        _ = load_task("captions", source=str(tmp_path), **fields).data
