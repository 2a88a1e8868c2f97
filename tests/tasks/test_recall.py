"""Recall: selective copying, induction heads, n-gram lookup and string copying in plain Python."""

import jax
import numpy as np
import pytest
from draws import batch_of

from seqlab.tasks import load_task
from seqlab.types import ConfigError


def rows(task, size=64):
    """Yield what each example reads, the targets that count, and where."""
    batch = jax.device_get(jax.jit(lambda key: task.batch(key, size))(jax.random.key(0)))
    lengths = np.full(size, batch.inputs.shape[1]) if batch.lengths is None else batch.lengths
    for read, target, mask, length in zip(batch.inputs, batch.targets, batch.mask, lengths, strict=True):
        yield read[:length].tolist(), target[mask].tolist(), np.flatnonzero(mask).tolist()


def test_values_among_noise_are_written_in_order():
    task, seen = load_task("selective_copying", length=12, num_copied=4, num_values=5), set()
    for read, written, places in rows(task):
        string, noise = read[:12], 5
        assert read[12:] == [6] * 4  # blanks
        assert written == [symbol for symbol in string if symbol != noise]
        assert places == [12, 13, 14, 15]
        seen |= {place for place, symbol in enumerate(string) if symbol != noise}
    assert seen == set(range(12))


@pytest.mark.parametrize("distance", [None, 4])
def test_what_followed_the_special_symbol_is_named(distance):
    task = load_task("induction_heads", length=9, num_values=5, distance=distance)
    batch = jax.device_get(batch_of(task, jax.random.key(0), 64))
    for string, answer in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        assert string.count(5) == 2
        assert string[-1] == 5
        assert answer == string[string.index(5) + 1] < 5
        assert distance is None or 8 - string.index(5) == distance


@pytest.mark.parametrize("query", ["after", "before"])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (2, 3)])
def test_what_follows_an_ngram_is_found_by_searching(query, n, k):
    fields = {"num_query": n, "num_answered": k, "num_values": 3, "query": query, "curriculum": "uniform"}
    for read, written, _ in rows(load_task("ngram_lookup", length=14, **fields)):
        string = read[: len(read) - k]
        text = "".join(map(str, string))
        left, mark, right = text.partition("3")
        hay, needle = (left, right) if query == "after" else (right, left)
        assert (mark, len(needle)) == ("3", n)
        at = hay.index(needle) + n
        assert written == [int(symbol) for symbol in hay[at : at + k]]
        assert read[len(string) :] == [4] * k


def test_a_string_is_read_again_while_it_is_written():
    task = load_task("string_copying", length=6, curriculum="uniform", num_letters=4)
    for read, written, places in rows(task):
        L = len(read) // 2
        assert read == [*written, 4, *written[:-1]]
        assert places == list(range(L, 2 * L))
    assert task.render(task.read_prompt("cab>", "many_to_many"), "many_to_many") == "cab>"
    with pytest.raises(ConfigError, match=r"^prompt: legal are the letters abcd and then >, got 'xy'$"):
        task.read_prompt("xy", "many_to_many")


@pytest.mark.parametrize(
    ("name", "fields", "line"),
    [
        ("selective_copying", {"length": 4}, r"task\.length must be an integer of at least 8, got 4"),
        ("induction_heads", {"distance": 1}, r"task\.distance must be null or at least 2, got 1"),
        ("ngram_lookup", {"query": "inside"}, r"task\.query must be one of after, before, got 'inside'"),
        ("ngram_lookup", {"length": 5}, r"task\.length must be an integer of at least 6, got 5"),
        ("string_copying", {"num_letters": 27}, r"task\.num_letters must be at most 26, got 27"),
    ],
)
def test_other_fields_are_refused_in_one_line(name, fields, line):
    with pytest.raises(ConfigError, match=f"^{line}$"):
        load_task(name, **fields)
