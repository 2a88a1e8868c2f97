"""Music of every form as piano rolls: each frame is predicted once, and can be written again."""

from __future__ import annotations

import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from music21 import converter
from scipy.io import savemat
from small_corpora import stand_in
from tiny_runs import tiny

from seqlab import run
from seqlab.data.corpora.bach_chorales import read_score, scores
from seqlab.data.media.midi import Note, read_midi, write_midi
from seqlab.data.media.piano_rolls import LOWEST, NUM_KEYS, notes_of, roll_of
from seqlab.data.readers.mat import MAT
from seqlab.tasks import SPLITS, load_task
from seqlab.tasks.music.piano_roll import INDEPENDENT, STAYING
from seqlab.types import ConfigError

draw = np.random.default_rng(0)


def made_up(frames):
    roll = (draw.random((frames, NUM_KEYS)) < 0.05).astype(np.uint8)
    roll[[0, -1], 40] = 1
    return roll


PIECES = [made_up(2 + index % 9) for index in range(40)]


def listed(roll):
    return [(np.flatnonzero(frame) + LOWEST).tolist() for frame in roll]


def write(folder, form):
    """Write the pieces in a form that can be read and return what `task.source` is."""
    path = folder / f"pieces.{form}"
    if form == "mid":
        for index, roll in enumerate(PIECES):
            write_midi(notes_of(roll, 0.5), folder / f"{index:02}.mid")
        return folder
    if form == "npz":
        padded = [np.pad(roll, ((0, 10 - len(roll)), (0, 0))) for roll in PIECES]
        np.savez(path, notes=np.stack(padded))
    elif form == "mat":
        parts = {"train": PIECES[8:], "validation": PIECES[4:8], "test": PIECES[:4]}
        cells = {name: np.empty((1, len(parts[split])), object) for split, name in MAT.items()}
        for split, name in MAT.items():
            cells[name][0, :] = [roll.astype(float) for roll in parts[split]]
        savemat(path, cells)
    else:
        path.write_text("\n".join(json.dumps({"notes": listed(roll)}) for roll in PIECES))
    return path


def predicted(task, split):
    """Return every frame that an evaluation pass predicts, and what was read before it."""
    count = task.num_evaluation(split, "many_to_many")
    block = jax.jit(task.evaluation_batch, static_argnums=(1, 2, 3))
    batch = block(jnp.int32(0), count + 3, split, "many_to_many", task.data)
    mask = np.asarray(batch.mask)
    return np.asarray(batch.targets)[mask], np.asarray(batch.inputs)[mask]


@pytest.mark.parametrize("form", ["jsonl", "npz", "mat", "mid"])
def test_every_form_gives_the_same_pieces_and_every_frame_is_predicted_once(form, tmp_path):
    task = load_task("piano_roll", source=str(write(tmp_path, form)), length=4, frame=0.5)
    shown = [predicted(task, split) for split in SPLITS]
    frames, before = (np.concatenate(parts) for parts in zip(*shown, strict=True))
    expected = np.concatenate(PIECES)
    assert sorted(map(bytes, frames.astype(np.uint8))) == sorted(map(bytes, expected))
    shifted = np.concatenate([np.pad(roll, ((1, 0), (0, 0)))[:-1] for roll in PIECES])
    pairs = [
        np.concatenate(pair, axis=1).astype(np.uint8) for pair in ((before, frames), (shifted, expected))
    ]
    assert sorted(map(bytes, pairs[0])) == sorted(map(bytes, pairs[1]))
    assert sum(task.data_summary()[split] for split in SPLITS) == len(PIECES)
    if form == "mat":
        assert task.data_summary()["test"] == 4


def test_without_the_first_frame_a_piece_is_predicted_from_its_second(tmp_path):
    """The count of Bai et al. 2018; a window of one frame is as long as a piece of two."""
    source = str(write(tmp_path, "jsonl"))
    task = load_task("piano_roll", source=source, length=4, first_frame=False)
    shown = [predicted(task, split) for split in SPLITS]
    frames, before = (np.concatenate(parts) for parts in zip(*shown, strict=True))
    pairs = [pair for roll in PIECES for pair in itertools.pairwise(roll)]
    expected = sorted((now.tobytes(), last.tobytes()) for last, now in pairs)
    found = zip(frames.astype(np.uint8), before.astype(np.uint8), strict=True)
    assert sorted((now.tobytes(), last.tobytes()) for now, last in found) == expected
    assert set(task.baselines("test", "many_to_many")) == {INDEPENDENT, STAYING}
    other = load_task("piano_roll", source=source, length=4)
    assert task.reference("many_to_many").baseline != other.reference("many_to_many").baseline


def test_pieces_of_one_frame_have_none_to_predict(tmp_path):
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"notes": [[60 + n]]}) for n in range(20)))
    with pytest.raises(ConfigError, match=r"with task\.first_frame=false a piece needs two frames"):
        _ = load_task("piano_roll", source=str(tmp_path / "a.jsonl"), first_frame=False).data


def test_baselines_cost_what_their_rates_say():
    task = load_task("piano_roll", **stand_in("piano_roll"))
    train, test = predicted(task, "train"), predicted(task, "test")

    def cost(rates):
        shown = np.where(test[0] > 0, rates, 1 - rates)
        return -np.log(shown).sum(axis=1).mean()

    def rate(chosen):
        return (train[0][chosen].sum(axis=0) + 1) / (chosen.sum() + 2)

    by_key = [
        np.where(test[1][:, k] > 0, *(rate(train[1][:, k] == s)[k] for s in (1, 0))) for k in range(NUM_KEYS)
    ]
    found = task.baselines("test", "many_to_many")
    assert found[INDEPENDENT] == pytest.approx(cost(rate(np.ones(len(train[0]), bool))))
    assert found[STAYING] == pytest.approx(cost(np.stack(by_key, axis=1)))


@pytest.mark.parametrize(
    ("piece", "message"),
    [
        ([[60], [60, 20]], "must hold MIDI numbers from 21 to 108, got 20 in frame 1"),
        ([[109]], "must hold MIDI numbers from 21 to 108, got 109 in frame 0"),
        ([[], []], "has no note"),
        ([], "has no note"),
        (None, "must be a list of frames, each a list of MIDI numbers, got None"),
        ([[60], None], "must hold a list of MIDI numbers in frame 1, got None"),
    ],
)
def test_a_bad_piece_is_named_with_file_row_and_field(piece, message, tmp_path):
    rows = [{"notes": piece}, *({"notes": listed(roll)} for roll in PIECES)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, reversed(rows))))
    with pytest.raises(ConfigError, match=rf"^.*a\.jsonl, row {len(rows)}, notes: it {message}$"):
        _ = load_task("piano_roll", source=str(tmp_path / "a.jsonl")).data


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.full((2, NUM_KEYS), np.nan), "must hold 0 and 1 alone, got nan in frame 0"),
        (np.ones((2, 12)), r"must be an array \(T, 88\), got one of shape \(2, 12\)"),
    ],
)
def test_a_bad_array_is_named_with_file_row_and_field(value, message, tmp_path):
    cells = np.empty((1, 2), object)
    cells[0, :] = [np.ones((1, NUM_KEYS)), value]
    savemat(tmp_path / "a.mat", {"traindata": cells})
    with pytest.raises(ConfigError, match=rf"^.*a\.mat \(traindata\), row 2, notes: it {message}$"):
        _ = load_task("piano_roll", source=str(tmp_path / "a.mat")).data


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.mat", None, r"task\.source=.*gone\.mat does not exist"),
        ("text.mat", b"text", r".*text\.mat cannot be read: .*"),
        ("pieces/a.mid", b"text", r".*pieces, row 1, notes: .*a\.mid is no MIDI file: .*"),
    ],
)
def test_a_file_of_something_else_is_refused_in_one_line(name, content, message, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if content:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"^{message}$"):
        _ = load_task("piano_roll", source=str(path if path.suffix == ".mat" else path.parent)).data


@pytest.mark.parametrize("frame", [0.25, 1 / 3, 1.0])
def test_a_midi_file_holds_the_notes_that_were_written(frame, tmp_path):
    roll = made_up(30)
    write_midi(notes_of(roll, frame), tmp_path / "a.mid")
    np.testing.assert_array_equal(roll_of(read_midi(tmp_path / "a.mid"), frame), roll)


def test_a_frame_has_what_sounds_when_it_begins():
    notes = [Note(60, 0.0, 0.5), Note(62, 0.5, 1.5), Note(64, 1.0, 2.0), Note(65, 2.0, 3.0)]
    assert listed(roll_of(notes, 1.0)) == [[60], [62, 64], [65]]
    assert listed(roll_of(notes, 0.5)) == [[60], [62], [62, 64], [64], [65], [65]]


def test_a_chorale_is_read_as_it_is_sung():
    path = next(score for score in scores() if "bwv269" in score)
    frames = listed(read_score(path))
    soprano = converter.parse(path, storePickle=False).parts[0].flatten()
    sung = [soprano.getElementAtOrBefore(float(beat), ["Note"]).pitch.midi for beat in range(len(frames))]
    assert [frame[-1] for frame in frames] == sung
    assert {len(frame) for frame in frames} == {3, 4}  # two voices may meet


@pytest.mark.runs
def test_generate_writes_music(inside, tmp_path):
    run([*tiny("piano_roll", "many_to_many", "training.steps=2"), f"hydra.run.dir={tmp_path / 'run'}"])
    prompt = PIECES[5]
    write_midi(notes_of(prompt, 1.0), tmp_path / "a.mid")
    arguments = ["--prompt", str(tmp_path / "a.mid"), "--length", "5", "--output", str(tmp_path / "b.mid")]
    done = inside("generate", str(tmp_path / "run"), *arguments)
    text, path = done.stdout.splitlines()
    assert path == str(tmp_path / "b.mid")
    written = roll_of(read_midi(tmp_path / "b.mid"), 1.0)
    frames = text.split(" | ")
    assert len(frames) == len(prompt) + 5
    np.testing.assert_array_equal(written[: len(prompt)], prompt)
    counts = [0 if frame == "-" else len(frame.split()) for frame in frames]
    assert written.sum(axis=1).tolist() == counts[: len(written)]
    assert not any(counts[len(written) :])
    silence = inside("generate", str(tmp_path / "run"), "--prompt", "", "--length", "2")
    assert silence.stdout.splitlines()[0].count(" | ") == 1
    assert (tmp_path / "run" / "generated.mid").is_file()
    for option, value in (
        ("--top-k", "2"),
        ("--beam", "2"),
        ("--output", "x.wav"),
        ("--prompt", "gone.mid"),
        ("--output", "gone/x.mid"),
    ):
        refused = inside("generate", str(tmp_path / "run"), option, value)
        assert refused.returncode
        assert refused.stderr.count("\n") == 1
        assert option in refused.stderr
