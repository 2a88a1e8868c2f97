"""Pathfinder: the class of a picture can be read from its pixels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of

from seqlab.tasks import load_task
from seqlab.types import ConfigError


def connected(picture):
    """Say whether steps of at most two pixels over dashes lead from one marked end to the other."""
    pixels = {*map(tuple, np.argwhere(picture > 0).tolist())}
    first, *others = map(tuple, np.argwhere(picture == 1).tolist())
    reached = edge = {first}
    while edge:
        edge = {p for p in pixels - reached if any(max(abs(p[0] - q[0]), abs(p[1] - q[1])) < 3 for q in edge)}
        reached = reached | edge
    return all(other in reached for other in others)


def test_the_class_says_whether_dashes_lead_from_end_to_end():
    task = load_task("pathfinder", by="row", num_distractors=0)
    pictures, classes = jax.device_get(jax.jit(lambda key: task.batch(key, 256))(jax.random.key(0)))[:2]
    assert set(np.unique(pictures)) == {0, 0.5, 1}
    assert {int((picture == 1).sum()) for picture in pictures} == {2}
    found = np.array([connected(picture) for picture in pictures])
    assert found[classes == 1].all()
    assert found[classes == 0].mean() < 0.1  # lines that are near to one another
    assert np.mean(classes) == pytest.approx(0.5, abs=4 * 0.5 / 16)


def test_the_framings_and_both_ways_of_reading_show_one_picture():
    by_pixel, by_row = load_task("pathfinder"), load_task("pathfinder", by="row")
    key = jax.random.key(0)
    picture = batch_of(by_row, key, 4).inputs
    np.testing.assert_array_equal(batch_of(by_pixel, key, 4).inputs, picture.reshape(4, 256, 1))
    np.testing.assert_array_equal(
        batch_of(by_pixel, key, 4, framing="one_to_one").inputs, picture.reshape(4, 256)
    )
    assert jnp.count_nonzero(picture) > 0


def test_small_pictures_are_refused():
    with pytest.raises(ConfigError, match=r"^task\.side must be at least 8, got 7$"):
        load_task("pathfinder", side=7)
