"""Regular languages: automata against regular expressions, and strings that are drawn uniformly."""

import collections
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of

from seqlab.metrics import metric
from seqlab.tasks import load_task
from seqlab.tasks._simple_predictors import CONSTANT
from seqlab.tasks.languages._automata import AUTOMATA, DEAD


def is_nested(string, depth):
    heights = np.cumsum([1 if letter == "a" else -1 for letter in string] or [0])
    return heights[-1] == 0 and heights.min() >= 0 and heights.max() <= depth


MEMBERS = {
    "tomita_1": re.compile("1*").fullmatch,
    "tomita_2": re.compile("(10)*").fullmatch,
    "tomita_3": lambda string: not re.search(r"(?<!1)1(11)*0(00)*(?!0)", string),
    "tomita_4": lambda string: "000" not in string,
    "tomita_5": lambda string: string.count("0") % 2 == string.count("1") % 2 == 0,
    "tomita_6": lambda string: (string.count("0") - string.count("1")) % 3 == 0,
    "tomita_7": re.compile("0*1*0*1*").fullmatch,
    "parity": lambda string: string.count("1") % 2 == 0,
    "aa": re.compile("(aa)*").fullmatch,
    "aaaa": re.compile("(aaaa)*").fullmatch,
    "abab": re.compile("(abab)*").fullmatch,
    "d_2": lambda string: is_nested(string, 2),
    "d_4": lambda string: is_nested(string, 4),
    "d_12": lambda string: is_nested(string, 12),
    "in_order": re.compile("a+b+c+d+e+").fullmatch,
    "one_d": re.compile("[ab]*d[bc]*").fullmatch,
    "zero_then_twos": re.compile("[012]*02*").fullmatch,
}
"""Whether a string is in each language, defined apart from the automata."""


@pytest.mark.parametrize("name", AUTOMATA)
def test_an_automaton_accepts_the_strings_of_its_language_and_knows_what_may_follow(name):
    automaton, longest = AUTOMATA[name], 8 if len(AUTOMATA[name].symbols) < 4 else 6
    counts = collections.Counter()
    for length in range(longest + 1):
        for string in map("".join, itertools.product(automaton.symbols, repeat=length)):
            state = 0
            for letter in string:
                state = (
                    automaton.transitions[state][automaton.symbols.index(letter)] if state != DEAD else DEAD
                )
            assert (state in automaton.accepting) == bool(MEMBERS[name](string))
            counts[length] += state in automaton.accepting
    assert [counts[length] > 0 for length in range(longest + 1)] == automaton.lengths(longest).tolist()
    reached, ends = {0}, set(automaton.accepting)
    for _ in automaton.transitions:
        reached |= {after for state in reached for after in automaton.transitions[state]} - {DEAD}
        ends |= {state for state, row in enumerate(automaton.transitions) if ends & {*row}}
    assert reached == ends == set(range(len(automaton.transitions)))


@pytest.mark.parametrize("name", ["tomita_3", "tomita_7", "abab", "d_2", "in_order"])
def test_strings_of_a_length_are_uniform_and_their_labels_say_what_may_follow(name):
    task = load_task("regular_language", language=name, length=7, curriculum="fixed")
    letters = task.automaton.symbols
    batch = jax.device_get(jax.jit(lambda key: task.batch(key, 2048))(jax.random.key(0)))
    assert (batch.inputs[:, 0] == len(letters)).all()
    drawn = collections.Counter("".join(letters[symbol] for symbol in row[1:]) for row in batch.inputs)
    length = batch.inputs.shape[1] - 1
    everything = {*filter(MEMBERS[name], map("".join, itertools.product(letters, repeat=length)))}
    assert set(drawn) == everything
    expected = 2048 / len(everything)
    assert max(abs(count - expected) for count in drawn.values()) < 5 * np.sqrt(expected) + 1
    for row, labels in zip(batch.inputs[:16], batch.targets[:16], strict=True):
        for step, label in enumerate(labels):
            state = 0
            for symbol in row[1 : step + 1]:
                state = task.automaton.transitions[state][symbol]
            goes_on = [after != DEAD for after in task.automaton.transitions[state]]
            assert label.tolist() == [*goes_on, state in task.automaton.accepting]


def test_a_set_is_right_where_all_of_its_labels_are():
    task = load_task("regular_language", language="d_2", length=5, num_evaluation_examples=64)
    batch = jax.tree.map(jnp.asarray, jax.device_get(batch_of(task, jax.random.key(0), 32)))
    predictions = np.random.default_rng(0).normal(size=batch.targets.shape).astype(np.float32)
    right = ((predictions > 0) == (batch.targets > 0)).all(axis=-1) | ~batch.mask
    logits, sets = task.part("sets", jnp.asarray(predictions), batch)
    assert float(metric("accuracy", logits, sets).value) == pytest.approx(right[batch.mask].mean())
    assert float(metric("sequence_accuracy", logits, sets).value) == pytest.approx(right.all(axis=1).mean())
    assert 0 <= task.baselines("test", "many_to_many")[CONSTANT] < task.reference("many_to_many").threshold


def test_strings_of_hundreds_of_symbols_are_drawn():
    task = load_task("regular_language", language="d_12", length=400, curriculum="fixed")
    batch = jax.device_get(batch_of(task, jax.random.key(0), 4))
    assert all(MEMBERS["d_12"]("".join("ab"[symbol] for symbol in row[1:])) for row in batch.inputs)
