"""Formal languages: golden samples of the reference, and oracles in plain Python."""

import functools
import itertools
import math
import os
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.tasks import load_task
from seqlab.tasks.languages._binary import nonzero

pytestmark = pytest.mark.slow

GOLDEN = Path(
    os.environ.get("SEQLAB_GOLDEN", Path(__file__).parents[3] / "shared" / "data" / "chomsky_golden.npz")
)
LENGTHS = (1, 2, 3, 4, 5, 8, 13, 20, 40)


def calculate(expression, characters):
    text = "".join(characters[symbol] for symbol in expression)
    assert re.fullmatch(r"[-+*()0-9]+", text)
    return [eval(text) % 5]


def manipulate(string):
    stack = [symbol for symbol in string if symbol < 2]
    for action in string[len(stack) :]:
        stack = stack[:-1] if action == 2 else [*stack, action - 3]
    return [*reversed(stack), 2]


def find_missing(string):
    half = len(string) // 2
    pairs = zip(string[:half], string[half : 2 * half], strict=True)
    return [sum(pair) - 2 for pair in pairs if 2 in pair]


def solve(string):
    expression = string[: string.index(10)]
    worth = {
        x: calculate([x if symbol == 9 else symbol for symbol in expression], "01234+-()") for x in range(5)
    }
    return [x for x in range(5) if worth[x] == string[-1:]]


def number(bits):
    return sum(bit << place for place, bit in enumerate(bits))


def operate(operation, string):
    """Write the result, its lowest bit first; an operand that is missing is 0."""
    at = string.index(2) if 2 in string else len(string)
    result = operation(number(string[:at]), number(string[at + 1 :]))
    if operation == int.__mul__ and not result:
        return [0] * (len(string) - 1) + [2]
    return [*map(int, reversed(f"{result:b}")), 2]


def square_root(string):
    root = math.isqrt(number(string[::-1]))
    return [int(bit) for bit in f"{root:0{(len(string) + 1) // 2}b}"]


ORACLES = {
    "even_pairs": lambda x: [sum(a != b for a, b in itertools.pairwise(x)) % 2],
    "parity_check": lambda x: [x.count(1) % 2],
    "cycle_navigation": lambda x: [(x.count(2) - x.count(0)) % 5],
    "modular_arithmetic": lambda x: calculate(x, "01234+-*"),
    "bucket_sort": sorted,
    "reverse_string": lambda x: x[::-1],
    "duplicate_string": lambda x: x + x,
    "odds_first": lambda x: x[1::2] + x[::2],
    "missing_duplicate_string": find_missing,
    "stack_manipulation": manipulate,
    "modular_arithmetic_brackets": lambda x: calculate(x, "01234+-*()"),
    "solve_equation": solve,
    "binary_addition": functools.partial(operate, int.__add__),
    "binary_multiplication": functools.partial(operate, int.__mul__),
    "compute_sqrt": square_root,
}
"""Each language in plain Python: the answer, a list, to a string, a list."""
every_language = pytest.mark.parametrize("name", ORACLES)


@functools.cache
def golden():
    if not GOLDEN.exists():
        pytest.skip(f"the reference's samples are not at {GOLDEN} (SEQLAB_GOLDEN says where else)")
    return np.load(GOLDEN)


def padded(parts, width):
    return np.concatenate([np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts])


@every_language
def test_the_samples_of_the_reference_are_answered_alike(name):
    samples = [
        [np.int32(golden()[f"{name}/{length}/{part}"]).reshape(16, -1) for part in ("x", "y", "mask")]
        for length in LENGTHS
    ]
    x, y, mask = zip(*samples, strict=True)
    ends = np.repeat([part.shape[1] for part in x], 16)
    answers, counts = jax.jit(load_task(name).rule.answers)(padded(x, 40), jnp.int32(ends))
    np.testing.assert_array_equal(answers, padded(y, answers.shape[1]))
    written = jnp.arange(answers.shape[1]) < counts[:, None]
    np.testing.assert_array_equal(written, padded(mask, answers.shape[1]))


@every_language
def test_strings_are_drawn_as_the_reference_draws_them(name):
    """The shapes are the same at every length, the strings are at the least, the symbols are over all."""
    draw, key = load_task(name).examples, jax.random.key(0)
    symbols = [set(), set()]
    for length in LENGTHS:
        theirs = [golden()[f"{name}/{length}/{part}"] for part in ("x", "y", "mask")]
        ours = jax.eval_shape(functools.partial(draw, length=length, size=16), key)
        assert [part.shape for part in ours] == [part.reshape(16, -1).shape for part in theirs]
        symbols = [seen | set(part.ravel().tolist()) for seen, part in zip(symbols, theirs, strict=False)]
    drawn = {length: jax.jit(draw, static_argnums=(1, 2))(key, length, 1024) for length in (2, 3, 20)}
    for length in (2, 3):
        theirs = golden()[f"{name}/{length}/x"]
        assert set(map(tuple, theirs.tolist())) <= set(map(tuple, drawn[length][0].tolist()))
    ours = zip(*drawn.values(), strict=True)
    for seen, parts in zip(symbols, ours, strict=False):
        assert seen == set().union(*(part.ravel().tolist() for part in parts))


def examples(task, size):
    """Yield strings and their answers, lists, drawn as in training."""
    draw = jax.jit(lambda key: task.batch(key, size))
    batch = jax.tree.map(np.asarray, draw(jax.random.key(0)))
    rows = zip(batch.inputs, batch.targets, batch.mask, batch.lengths, strict=True)
    for string, target, written, length in rows:
        string = string[:length].tolist()
        if written.ndim:
            blanks = string.count(task.rule.num_symbols)
            assert string[length - blanks :] == [task.rule.num_symbols] * blanks
            string = string[: length - blanks]
            assert np.flatnonzero(written).tolist() == [len(string) + step for step in range(written.sum())]
        yield string, target[written].tolist()


@pytest.mark.parametrize("name", [name for name in ORACLES if name != "parity_check"])
def test_an_oracle_in_plain_python_agrees(name):
    task, ends = load_task(name), set()
    for string, answer in examples(task, 512):
        assert answer == ORACLES[name](string)
        ends.add(len(string))
    assert ends == {task.rule.string_length(length) for length in range(task.min_length, 41)}


@pytest.mark.parametrize("name", [name for name in ORACLES if "encoder_decoder" in load_task(name).framings])
def test_an_encoder_decoder_reads_the_string_and_writes_the_answer(name):
    task = load_task(name, length=9)
    draw = jax.jit(lambda key: task.batch(key, 16, framing="encoder_decoder"))
    batch = jax.tree.map(np.asarray, draw(jax.random.key(0)))
    for string, target, written, length in zip(
        batch.inputs, batch.targets, batch.mask, batch.lengths, strict=True
    ):
        answer = ORACLES[name](string[:length].tolist())
        assert target[written].tolist() == answer
        assert np.flatnonzero(written).tolist() == list(range(len(answer)))
        assert len(answer) <= task.num_written(int(length), "encoder_decoder")
        if task.rule.end is not None:
            assert answer.index(task.rule.end) == len(answer) - 1


@pytest.mark.parametrize("name", [name for name in ORACLES if re.match("modular|solve|binary|compute", name)])
def test_answers_are_exact_for_hundreds_of_symbols(name):
    for string, answer in examples(load_task(name, length=500, min_length=450), 8):
        assert answer == ORACLES[name](string)


UNIFORM = (
    "even_pairs",
    "cycle_navigation",
    "bucket_sort",
    "reverse_string",
    "duplicate_string",
    "odds_first",
    "missing_duplicate_string",
    "solve_equation",
)
"""The languages whose answers are made of symbols of which none is more frequent."""


def written(task, size):
    batch = jax.jit(lambda key: task.batch(key, size))(jax.random.key(0))
    return np.asarray(batch.targets)[np.asarray(batch.mask)]


@pytest.mark.parametrize("name", UNIFORM)
def test_permuted_answers_are_right_by_chance(name):
    task = load_task(name, length=30, min_length=10)
    answers = written(task, 2048)
    chance, right = 1 / task.rule.num_answers, np.random.default_rng(0).permutation(answers) == answers
    assert task.baselines("test", task.framings[0])["best constant"] == pytest.approx(chance, abs=0.06)
    assert right.mean() == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / 2048))


@pytest.mark.parametrize(
    ("name", "constant", "share"),
    [
        ("modular_arithmetic_brackets", 0, 0.27),
        ("stack_manipulation", 0, 0.47),
        ("binary_addition", 1, 0.49),
        ("binary_multiplication", 1, 0.48),
        ("compute_sqrt", 1, 0.52),
    ],
)
def test_a_constant_is_right_as_often_as_the_docstring_says(name, constant, share):
    assert np.mean(written(load_task(name), 16384) == constant) == pytest.approx(share, abs=0.01)


def test_more_than_a_fifth_of_short_expressions_are_worth_0():
    strings = np.array([[a, operator, b] for a in range(5) for operator in (5, 6, 7) for b in range(5)])
    answers, _ = load_task("modular_arithmetic").rule.answers(jnp.array(strings), jnp.full(75, 3))
    assert np.bincount(answers[:, 0]).tolist() == [19, 14, 14, 14, 14]


def test_every_operation_stands_in_brackets_and_is_split_at_a_uniform_place():
    characters, left = np.array(list("ddddd+-*()")), []
    for string in load_task("modular_arithmetic_brackets").examples(jax.random.key(0), 9, 2048)[0]:
        text, before = "".join(characters[string]), None
        left.append(re.match(r"\((\([^()]*\)|-?d)", text).end() - 1)
        while text != before:
            before, text = text, re.sub(r"\((-?d|E)[-+*](-?d|E)\)|\(-?d\)", "E", text)
        assert text == "E"
    np.testing.assert_allclose(np.bincount(left)[1:], 2048 / 5, atol=4 * np.sqrt(2048 / 5))


def test_numbers_are_uniform_among_those_that_are_not_0():
    bits = nonzero(jax.random.key(0), jnp.full(4096, 4), 6)
    counts = np.bincount(np.asarray(bits @ 2 ** jnp.arange(6)), minlength=16)
    assert counts[0] == 0
    assert len(counts) == 16
    np.testing.assert_allclose(counts[1:], 4096 / 15, atol=4 * np.sqrt(4096 / 15))
