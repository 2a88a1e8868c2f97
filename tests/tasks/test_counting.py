"""Counting languages: what counts, and who recognises them."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of

from seqlab.metrics import metric
from seqlab.tasks import load_task
from seqlab.tasks.lengths import between
from seqlab.types import ConfigError

every_language = pytest.mark.parametrize(("name", "letters"), [("an_bn", "ab"), ("an_bn_cn", "abc")])


def strings_of(task, batch):
    """Return what is read, what is written and what counts, as text, one string each."""
    for inputs, targets, mask, length in zip(*batch[:4], strict=True):
        counts = "".join("-+"[int(one)] for one in mask[:length])
        yield (*(task.render(np.asarray(row[:length]), "") for row in (inputs, targets)), counts)


def next_symbol(read, letters):
    """Return the symbol that must follow a prefix, by counting; None where the string may go two ways."""
    n, blocks = read.count("a"), [read.count(letter) for letter in letters]
    if read == "#":
        return "a"
    if read[-1] == "a":
        return None
    return next((letter for letter, count in zip(letters, blocks, strict=True) if count < n), "#")


@every_language
def test_all_that_is_determined_counts_but_the_first_a(name, letters):
    task = load_task(name, length=6)
    for read, written, counts in strings_of(task, batch_of(task, jax.random.key(0), 64)):
        n = read.count("a")
        assert read == "#" + "".join(letter * n for letter in letters)
        assert written == read[1:] + "#"
        expected = [next_symbol(read[: t + 1], letters) for t in range(len(read))]
        determined = "".join("-" if symbol is None else "+" for symbol in expected)
        assert counts == "-" + determined[1:]
        assert all(symbol in (None, true) for symbol, true in zip(expected, written, strict=True))


@every_language
def test_who_takes_every_n_for_the_same_is_at_chance(name, letters):
    task = load_task(name, length=5, min_length=2)
    batch = batch_of(task, jax.random.key(0), 2048)
    same = batch_of(task, jax.random.key(0), 2048, data=between(3, 3))
    constant, oracle = (jax.nn.one_hot(each.targets, len(letters) + 1) for each in (same, batch))
    chance = 1 / 4
    assert "the same n for all" in task.reference("many_to_many").description
    found = float(metric("sequence_accuracy", constant, batch).value)
    assert found == pytest.approx(chance, abs=4 * np.sqrt(chance / 2048))
    assert metric("sequence_accuracy", oracle, batch).value == 1
    late = jnp.where(batch.targets[..., None] == len(letters), jnp.roll(oracle, 1, axis=1), oracle)
    assert metric("sequence_accuracy", late, batch).value == 0


def test_a_prompt_of_other_letters_is_refused_in_one_line():
    task = load_task("an_bn")
    assert task.render(task.read_prompt("#aab", "many_to_many"), "many_to_many") == "#aab"
    with pytest.raises(ConfigError, match=f"^{re.escape('prompt: legal characters are ab#, got ')}'#aac'$"):
        task.read_prompt("#aac", "many_to_many")
