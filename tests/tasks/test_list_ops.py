"""ListOps against an evaluation by Python."""

import re
import statistics

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.tasks import load_task
from seqlab.tasks.languages.list_ops import ListOps
from seqlab.types import ConfigError

NAMES = [*map(str, range(10)), "MIN(", "MAX(", "MED(", "SM(", ")"]
OPERATIONS = {
    "MIN": lambda *digits: min(digits),
    "MAX": lambda *digits: max(digits),
    "MED": lambda *digits: int(statistics.median(digits)),
    "SM": lambda *digits: sum(digits) % 10,
}


def evaluated(string):
    """Return the value of a string of symbols by Python, and how many lists it has inside one another."""
    text = re.sub(r"(?<=[)\d]) (?=[A-Z\d])", ",", " ".join(NAMES[symbol] for symbol in string))
    opens, closes = np.isin(string, range(10, 14)).astype(int), np.equal(string, 14).astype(int)
    return eval(text, dict(OPERATIONS)), np.cumsum(opens - closes).max()


def test_the_value_of_a_string_is_that_of_python():
    task = load_task("list_ops", length=40, max_depth=3)
    batch = jax.device_get(jax.jit(lambda key: task.batch(key, 512))(jax.random.key(0)))
    depths, operations, lengths = set(), set(), set()
    for string, answer, length in zip(batch.inputs, batch.targets, batch.lengths, strict=True):
        value, depth = evaluated(string[:length].tolist())
        assert answer == value
        depths.add(int(depth))
        operations |= {*string[:length].tolist()}
        lengths.add(int(length))
        assert not string[length:].any()
    assert depths == {0, 1, 2, 3}
    assert operations == set(range(15))
    assert lengths == {1, *range(4, 41)}


@pytest.mark.parametrize(("depth", "args"), [(1, 4), (2, 5), (10, 5)])
def test_every_length_is_drawn_and_no_list_is_too_long_or_too_deep(depth, args):
    rule = ListOps(depth, args)
    longest = min(48, int(rule.longest[0]))
    lengths = jnp.array([rule.string_length(length) for length in range(1, longest + 1)] * 4)
    strings = np.asarray(jax.jit(lambda key: rule.strings(key, lengths, longest))(jax.random.key(1)))
    for string, length in zip(strings.tolist(), lengths.tolist(), strict=True):
        assert evaluated(string[:length])[1] <= depth
        open_lists = [0]
        for symbol in string[:length]:
            if symbol == 14:
                assert 2 <= open_lists.pop() <= args
            else:
                open_lists[-1] += 1
                open_lists += [0] * (symbol >= 10)
        assert open_lists == [1]


def test_few_arguments_are_refused():
    with pytest.raises(ConfigError, match=r"^task\.max_args must be at least 4, got 3$"):
        load_task("list_ops", max_args=3)
