"""Lengths of generated sequences: one program serves all of them, and they are equally likely."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_runs import NARROW

from seqlab.tasks import load_task, task_names
from seqlab.tasks.lengths import between

pytestmark = pytest.mark.slow

WITH_LENGTHS = [name for name in task_names() if load_task(name).sequence_lengths is not None]
every_task = pytest.mark.parametrize("name", WITH_LENGTHS)


def lengths_of(batch):
    return np.asarray(batch.lengths)


@pytest.mark.parametrize("name", ["even_pairs", "parity_check", "adding"])
def test_uniform_lengths_are_uniform(name):
    task = load_task(name, length=11, min_length=4, curriculum="uniform")
    counts = np.bincount(lengths_of(task.batch(jax.random.key(0), 4096)), minlength=12)[4:]
    np.testing.assert_allclose(counts, 512, atol=5 * np.sqrt(512))
    assert counts.sum() == 4096


def test_fixed_lengths_need_no_padding():
    assert load_task("even_pairs", curriculum="fixed").batch(jax.random.key(0), 4).lengths is None


@pytest.mark.parametrize(("progress", "longest"), [(0.0, 4), (0.25, 8), (0.5, 12), (0.75, 12), (1.0, 12)])
def test_growing_lengths_grow_over_the_first_half(progress, longest):
    task = load_task("even_pairs", length=12, min_length=4, curriculum="growing")
    data = task.at_stage(task.data, jnp.float32(progress))
    assert set(lengths_of(task.batch(jax.random.key(0), 512, data=data))) == set(range(4, longest + 1))
    assert set(lengths_of(task.batch(jax.random.key(0), 512, "test"))) == set(range(4, 13))


@every_task
def test_every_length_alone_comes_from_one_program(name):
    task = load_task(name, length=9, curriculum="uniform", **NARROW.get(name, {}))
    framing = task.framings[0]
    draw = jax.jit(lambda data: task.batch(jax.random.key(0), 8, "test", framing, data))
    steps = [np.unique(lengths_of(draw(between(n, n)))) for n in range(task.sequence_lengths.shortest, 10)]
    assert all(len(alike) == 1 for alike in steps)
    assert np.all(np.diff(np.concatenate(steps)) >= 0)
    assert draw._cache_size() == 1


@every_task
def test_a_longer_padding_changes_no_lengths(name):
    """A string of a length has as many steps whatever the longest length is."""
    short, long = (
        load_task(name, length=length, curriculum="uniform", **NARROW.get(name, {})) for length in (8, 12)
    )
    key = jax.random.key(0)
    drawn = jax.jit(lambda task: task.batch(key, 4, data=between(6, 6)).lengths, static_argnums=0)
    at_six = [np.asarray(drawn(task)) for task in (short, long)]
    np.testing.assert_array_equal(*at_six)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"curriculum": "sideways"},
            r"task\.curriculum must be one of fixed, uniform, growing, got 'sideways'",
        ),
        ({"min_length": 0}, r"task\.min_length must be a positive integer, got 0"),
        ({"length": 5, "min_length": 6}, r"task\.min_length must be from 1 to length=5, got 6"),
    ],
)
def test_bad_lengths_are_refused_in_one_line(fields, line):
    with pytest.raises(ValueError, match=f"^{line}$"):
        load_task("even_pairs", **fields)
