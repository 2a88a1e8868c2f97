"""Handwritten digits: framings, splits and drawings."""

import jax.numpy as jnp
import numpy as np
import pytest
from draws import evaluation_of

from seqlab.tasks import SPLITS, load_task
from seqlab.types import ConfigError


def test_no_image_occurs_twice_in_all_splits_together():
    images = np.concatenate([load_task("digits").data[split]["images"] for split in SPLITS])
    assert len(images) == 1797
    assert len(np.unique(images, axis=0)) == len(images)
    assert images.min() == 0
    assert images.max() == 1


@pytest.mark.parametrize("split", SPLITS)
def test_an_evaluation_pass_holds_every_image_once(split):
    task = load_task("digits")
    count = task.num_evaluation(split, "one_to_one")
    rows = []
    for index in range(-(-count // 128)):
        batch = evaluation_of(task, jnp.int32(index), 128, split, "one_to_one", task.data)
        rows.append(np.asarray(batch.inputs)[np.asarray(batch.mask)])
    np.testing.assert_array_equal(np.concatenate(rows), task.data[split]["images"])


@pytest.mark.parametrize(("by", "shape"), [("row", (8, 8)), ("pixel", (64, 1))])
def test_the_framings_show_the_same_image(by, shape):
    task, indices = load_task("digits", by=by), jnp.array([5])
    read, drawn, at_once = (task.gather(indices, "test", framing, task.data) for framing in task.framings)
    assert read.inputs.shape == drawn.targets.shape == (1, *shape)
    np.testing.assert_array_equal(read.inputs, drawn.targets)
    np.testing.assert_array_equal(read.inputs.reshape(1, 64), at_once.inputs)
    assert read.targets == drawn.inputs == at_once.targets


def test_the_chance_levels_are_those_measured():
    task = load_task("digits")
    train, test = task.encoded.arrays["train"], task.encoded.arrays["test"]
    frequent = np.bincount(train["labels"]).argmax()
    assert task.reference("many_to_one").baseline == pytest.approx(np.mean(test["labels"] == frequent))

    drawing = task.reference("one_to_many")
    images, labels = train["images"], train["labels"]
    mean_error = np.mean((test["images"] - images.mean(axis=0)) ** 2)
    class_errors = [
        np.mean((image - images[labels == label].mean(axis=0)) ** 2)
        for image, label in zip(test["images"], test["labels"], strict=True)
    ]
    assert drawing.baseline == pytest.approx(mean_error, rel=1e-5)
    assert task.baselines("test", "one_to_many") == {
        "class mean": pytest.approx(np.mean(class_errors), rel=1e-5)
    }
    assert drawing.threshold == pytest.approx(1.05 * np.mean(class_errors), rel=1e-5)


def test_a_prompt_is_a_digit():
    task = load_task("digits")
    assert task.read_prompt("3", "one_to_many") == 3
    for text in ("", "12", "x"):
        with pytest.raises(ConfigError, match=rf"^prompt: legal values are 0 to 9, got '{text}'$"):
            task.read_prompt(text, "one_to_many")
    with pytest.raises(ConfigError, match=r"^task digits takes no prompt$"):
        task.read_prompt("3", "many_to_one")


@pytest.mark.parametrize(("by", "shape"), [("row", (8, 8)), ("pixel", (64, 1))])
def test_a_drawing_has_a_character_a_pixel(by, shape):
    image = np.zeros(64)
    image[[0, 9, 63]] = [1.3, 0.5, -0.2]
    lines = load_task("digits", by=by).render(image.reshape(shape), "one_to_many").split("\n")
    assert [len(line) for line in lines] == [8] * 8
    assert lines[0] == "@       "
    assert lines[1][1] in "=+"
    assert "".join(lines).count(" ") == 62
