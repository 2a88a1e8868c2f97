"""Windows of the Python reference: each character is predicted once, in its own split."""

import platform

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.tasks import SPLITS, load_task
from seqlab.tasks.text._windows import TextWindows
from seqlab.tasks.text.python_docs import load_corpus
from seqlab.types import ConfigError


def windows_of(length, count):
    """Return windows of a test split of `count` characters, each of which is its own position."""
    return TextWindows(length, count, {"test": count})


def predicted_positions(windows, framing, block=16):
    found = []
    positions = jnp.arange(windows.num_tokens["test"])
    for index in range(-(-windows.num_evaluation("test", framing) // block)):
        batch = windows.evaluation_batch(jnp.int32(index), block, "test", framing, positions)
        found.append(np.asarray(batch.targets)[np.asarray(batch.mask)])
    return np.concatenate(found)


@pytest.mark.parametrize("architecture", ["many_to_many", "one_to_many"])
@pytest.mark.parametrize("length", [1, 2, 7, 8])
@pytest.mark.parametrize("count", [9, 64, 65, 101])
def test_an_evaluation_pass_predicts_every_character_but_the_first_once(architecture, length, count):
    predicted = predicted_positions(windows_of(length, count), architecture)
    np.testing.assert_array_equal(np.sort(predicted), range(1, count))


def test_many_to_many_predicts_after_half_a_window_of_context():
    batch = windows_of(8, 101).evaluation_batch(jnp.int32(0), 32, "test", "many_to_many", jnp.arange(101))
    mask = np.asarray(batch.mask)
    assert mask[0].all()
    assert not mask[1:, :4].any()


@pytest.mark.parametrize("architecture", ["many_to_one", "one_to_one"])
def test_single_predictions_are_spread_over_the_split(architecture):
    task = load_task("python_docs", length=6)
    count = task.num_evaluation("train", architecture)
    assert count <= 4097
    starts = task._windows.evaluation_starts(np.arange(count), "train", architecture)
    assert starts[0] == 0
    assert starts[-1] == len(load_corpus().tokens["train"]) - 7
    assert (np.diff(starts) > 0).all()
    assert np.diff(starts).max() == np.diff(starts)[0]


def test_the_splits_are_consecutive_parts_of_one_text_without_repeated_paragraphs():
    task, (tokens, symbols, _) = load_task("python_docs"), load_corpus()
    parts = [task.render(tokens[split], "many_to_many") for split in SPLITS]
    paragraphs = [" ".join(paragraph.split()) for paragraph in "".join(parts).split("\n\n")]
    assert len(set(paragraphs)) == len(paragraphs)
    assert [len(part) / sum(map(len, parts)) for part in parts] == pytest.approx([0.9, 0.05, 0.05], abs=1e-3)
    assert set(parts[0]) == set(symbols[:-1])


@pytest.mark.parametrize("split", ["validation", "test"])
def test_hardly_any_window_of_a_held_out_part_occurs_in_the_training_part(split):
    task, (tokens, *_) = load_task("python_docs"), load_corpus()
    train, held = (task.render(tokens[part], "many_to_many") for part in ("train", split))
    starts = range(0, len(held) - 50, 5)
    assert sum(held[start : start + 50] in train for start in starts) / len(starts) < 0.05


def test_the_framings_show_the_same_window():
    task = load_task("python_docs", length=5)
    window = np.asarray(task.data["test"]["tokens"][3:9])
    many, one, first, at_once = (
        task.gather(jnp.array([3]), "test", framing, task.data) for framing in task.framings
    )
    np.testing.assert_array_equal(many.inputs[0], window[:-1])
    np.testing.assert_array_equal(many.targets[0], window[1:])
    np.testing.assert_array_equal(one.inputs[0], window[:-1])
    assert one.targets[0] == window[-1]
    assert first.inputs[0] == window[0]
    np.testing.assert_array_equal(first.targets[0], window[1:])
    np.testing.assert_array_equal(at_once.inputs[0].reshape(5, -1).argmax(axis=1), window[:-1])
    assert at_once.targets[0] == window[-1]


@pytest.mark.parametrize("architecture", ["many_to_many", "many_to_one"])
def test_the_floors_fall_with_the_order(architecture):
    task = load_task("python_docs")
    reference, floors = task.reference(architecture), task.baselines("test", architecture)
    assert list(floors) == ["order-1", "order-2", "order-3", "order-4"]
    costs = [reference.baseline, *floors.values()]
    assert costs == sorted(costs, reverse=True)
    assert 4 < reference.baseline < 5
    assert reference.threshold == floors["order-3"]


def test_the_floors_of_single_predictions_are_those_of_the_characters_predicted():
    task = load_task("python_docs", length=6)
    tokens, symbols, _ = load_corpus()
    counts = np.bincount(tokens["train"], minlength=len(symbols))
    distinct = (counts > 0).sum()
    unigram = (counts + distinct / len(counts)) / (counts.sum() + distinct)
    windows = TextWindows(6, len(symbols), {"test": len(tokens["test"])})
    bits = -np.log2(unigram[tokens["test"][predicted_positions(windows, "many_to_one", block=1024)]])
    assert task.reference("many_to_one").baseline == pytest.approx(bits.mean())


def test_a_prompt_is_encoded_and_a_sequence_decoded():
    task = load_task("python_docs", length=6)
    text = "def f():\n    return"
    tokens = task.read_prompt(text, "many_to_many")
    assert tokens.dtype == np.int32
    assert task.render(tokens, "many_to_many") == text
    assert task.read_prompt("d", "one_to_many") == tokens[0]
    for prompt, seen in ((text, "return"), ("ab", "ab")):
        window = task.read_prompt(prompt, "one_to_one").reshape(6, -1)
        assert window.sum() == len(seen)
        assert task.render(window[-len(seen) :].argmax(axis=1), "one_to_one") == seen
    unknown = task.output_spec("many_to_many").size - 1
    assert task.render(np.array([unknown]), "many_to_many") == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("text", "architecture", "message"),
    [
        ("a\N{SNOWMAN}", "many_to_many", "outside the alphabet of python_docs: '\N{SNOWMAN}'$"),
        ("", "many_to_one", "reads at least one character, got ''$"),
        ("ab", "one_to_many", "reads one character, got 'ab'$"),
    ],
)
def test_a_prompt_that_does_not_fit_is_refused(text, architecture, message):
    with pytest.raises(ConfigError, match=rf"^prompt: .*{message}"):
        load_task("python_docs").read_prompt(text, architecture)


def test_the_rows_of_a_stream_read_on_and_every_window_once():
    windows, size = TextWindows(5, 104, {"train": 104}), 3
    text = jnp.arange(104), jnp.zeros(104, bool)
    read = [windows.stream_batch(jax.random.key(1), jnp.int32(step), size, *text) for step in range(13)]
    inputs = np.stack([batch.inputs for batch in read])
    np.testing.assert_array_equal(np.stack([batch.targets for batch in read]), inputs + 1)
    np.testing.assert_array_equal(inputs[1:, :, 0] % 90, (inputs[:-1, :, 0] + 5) % 90)
    np.testing.assert_array_equal(np.sort(inputs[:6].ravel()), range(90))  # 6 steps of 3 windows of 5
    np.testing.assert_array_equal(inputs[6:, 0], inputs[:-6, 1])  # then a row goes on with the next stretch
    assert inputs[0, 0, 0] != windows.stream_batch(jax.random.key(2), 0, size, *text).inputs[0, 0]


def test_a_stream_starts_anew_where_a_topic_begins():
    task, (tokens, _, begins) = load_task("python_docs", length=64, stream=True), load_corpus()
    names = [task.render(tokens["train"][at : at + 200], "many_to_many") for at in np.flatnonzero(begins)]
    assert begins[0]
    assert len(names) > 50
    assert sum("\n***" in name or "\n===" in name for name in names) > 0.5 * len(names)  # under a heading
    batch = task.stream_batch(jax.random.key(0), 5, 16, "many_to_many", task.data)
    starts = [task.render(row, "many_to_many") for row in np.asarray(batch.inputs)]
    text = task.render(tokens["train"], "many_to_many")
    for start, resets in zip(starts, batch.resets, strict=True):
        at = text.index(start)
        np.testing.assert_array_equal(resets, begins[at : at + 64])


def test_the_summary_says_which_python_the_text_is_of():
    assert load_task("python_docs").data_summary()["python"] == platform.python_version()
