"""Lengths of generated sequences: one program serves all of them, and they are equally likely."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of
from tiny_runs import NARROW, OWN

from seqlab.tasks import load_task, quick_options
from seqlab.tasks.lengths import between

pytestmark = pytest.mark.slow

WITH_LENGTHS = [name for name in OWN if load_task(name).sequence_lengths is not None]


def lengths_of(batch):
    return np.asarray(batch.lengths)


@pytest.mark.parametrize("name", ["even_pairs", "parity_check", "adding"])
def test_uniform_lengths_are_uniform(name):
    task = load_task(name, length=11, min_length=4, curriculum="uniform")
    counts = np.bincount(lengths_of(batch_of(task, jax.random.key(0), 4096)), minlength=12)[4:]
    np.testing.assert_allclose(counts, 512, atol=5 * np.sqrt(512))
    assert counts.sum() == 4096


def test_fixed_lengths_need_no_padding():
    assert batch_of(load_task("even_pairs", curriculum="fixed"), jax.random.key(0), 4).lengths is None


@pytest.mark.parametrize(("progress", "longest"), [(0.0, 4), (0.25, 8), (0.5, 12), (0.75, 12), (1.0, 12)])
def test_growing_lengths_grow_over_the_first_half(progress, longest):
    task = load_task("even_pairs", length=12, min_length=4, curriculum="growing")
    data = task.at_stage(task.data, jnp.float32(progress))
    assert set(lengths_of(batch_of(task, jax.random.key(0), 512, data=data))) == set(range(4, longest + 1))
    assert set(lengths_of(batch_of(task, jax.random.key(0), 512, "test"))) == set(range(4, 13))


@pytest.mark.parametrize("name", WITH_LENGTHS)
def test_one_program_draws_every_length_and_a_longer_padding_changes_no_example(name):
    short, long = (
        load_task(name, length=length, curriculum="uniform", **NARROW.get(name, {})) for length in (8, 11)
    )
    draws = [
        jax.jit(functools.partial(task.batch, size=1, split="test"), compiler_options=quick_options())
        for task in (short, long)
    ]
    steps = []
    for length in range(short.sequence_lengths.shortest, 9):
        bounds = between(length, length)
        one, other = (jax.device_get(draw(jax.random.key(length), data=bounds)) for draw in draws)
        for leaf, longer in zip(one, other, strict=True):
            if leaf is not None:
                shared = tuple(slice(min(sizes)) for sizes in zip(leaf.shape, longer.shape, strict=True))
                np.testing.assert_allclose(leaf[shared], longer[shared], rtol=2e-7, atol=2e-7)
        steps.append(int(one.lengths[0]))
    assert steps == sorted(steps)
    assert [draw._cache_size() for draw in draws] == [1, 1]


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
