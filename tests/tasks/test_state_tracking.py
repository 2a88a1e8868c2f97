"""State tracking: products of permutation matrices, and boxes in plain Python."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import batch_of

from seqlab.tasks import load_task
from seqlab.tasks.state_tracking._groups import group
from seqlab.types import ConfigError


def drawn(name, size=8, **fields):
    """Return a task and a batch of it as NumPy arrays."""
    task = load_task(name, **fields)
    return task, jax.device_get(jax.jit(lambda key: task.batch(key, size))(jax.random.key(0)))


def matrices(name):
    """Return the elements of Z<n>, S<n> or A<n> as matrices, which multiply as the elements do."""
    n = int(name[1:])
    if name[0] == "Z":
        return np.stack([np.roll(np.eye(n, dtype=int), k, axis=0) for k in range(n)])
    found = np.stack([np.eye(n, dtype=int)[:, list(p)] for p in itertools.permutations(range(n))])
    return found if name[0] == "S" else found[np.linalg.det(found) > 0]


def number(matrix, elements):
    return int(np.flatnonzero((elements == matrix).all(axis=(1, 2)))[0])


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        ("S3", "all"),
        ("S4", "swaps"),
        ("S4", "generators"),
        ("A5", "all"),
        ("A5", "generators"),
        ("Z9", "all"),
    ],
)
def test_the_running_product_is_that_of_permutation_matrices(name, elements):
    task, batch = drawn("word_problem", group=name, elements=elements, length=9)
    known, read = matrices(name), group(name).subset(elements)
    for tokens, products in zip(batch.inputs, batch.targets, strict=True):
        product = np.eye(len(known[0]), dtype=int)
        for token, target in zip(tokens, products, strict=True):
            product = product @ known[read[token]]
            assert target == number(product, known)
    last = batch_of(task, jax.random.key(0), 8, framing="many_to_one").targets
    np.testing.assert_array_equal(last, batch.targets[:, -1])


@pytest.mark.parametrize("name", ["Z2", "Z7", "S4", "A4", "Z2xZ3", "Z2xS3", "A4xZ2xZ2"])
def test_a_group_obeys_its_axioms_and_its_generators_reach_all_of_it(name):
    products = group(name).products
    N = len(products)
    everything = np.arange(N)
    np.testing.assert_array_equal(products[0], everything)
    np.testing.assert_array_equal(products[:, 0], everything)
    np.testing.assert_array_equal(np.sort(products, axis=1), np.broadcast_to(everything, (N, N)))
    np.testing.assert_array_equal(products[products], products[:, products])  # (a b) c = a (b c)
    reached = {0}
    while more := {int(products[a, b]) for a in reached for b in group(name).generators} - reached:
        reached |= more
    assert len(reached) == N


def test_a_product_of_cyclic_groups_adds_in_each():
    products, pairs = group("Z2xZ3").products, [*itertools.product(range(2), range(3))]
    for (at, (a, b)), (other, (c, d)) in itertools.product(enumerate(pairs), repeat=2):
        assert pairs[products[at, other]] == ((a + c) % 2, (b + d) % 3)


def test_ones_are_counted_and_swaps_are_composed():
    _, batch = drawn("modular_counting")
    assert set(np.unique(batch.inputs)) == {0, 1}
    np.testing.assert_array_equal(batch.targets, batch.inputs.cumsum(axis=1) % 5)
    task = load_task("permutation_composition")
    assert (task.input_spec("many_to_many").size, task.output_spec("many_to_many").size) == (11, 120)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"group": "D4"}, r"task\.group must be Z<n>, S<n>, A<n> or a product such as Z2xZ3, got 'D4'"),
        ({"group": "Z2x"}, r"task\.group must be Z<n>, S<n>, A<n> or a product such as Z2xZ3, got 'Z2x'"),
        ({"group": "S7"}, r"task\.group must have from 2 to 1024 elements, got S7"),
        ({"group": "Z1"}, r"task\.group must have from 2 to 1024 elements, got Z1"),
        ({"group": "A5", "elements": "swaps"}, r"task\.elements must be all or generators, got swaps, .*"),
        ({"elements": "some"}, r"task\.elements must be one of all, generators, swaps, got 'some'"),
    ],
)
def test_other_groups_are_refused_in_one_line(fields, line):
    with pytest.raises(ConfigError, match=f"^{line}$"):
        load_task("word_problem", **fields)


def test_boxes_are_found_by_a_program_that_moves_objects():
    task, batch = drawn("box_tracking", size=64, length=14, num_objects=3, num_boxes=4, curriculum="uniform")
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j]
    operations = [("put", o, k) for o in range(3) for k in range(4)]
    operations += [("empty", i, j) for i, j in pairs] + [("ask", o, None) for o in range(3)]
    assert task.input_spec("many_to_many").size == len(operations)
    for tokens, targets, mask, length in zip(
        batch.inputs, batch.targets, batch.mask, batch.lengths, strict=True
    ):
        words = [operations[token] for token in tokens[:length]]
        assert [word[:2] for word in words[:3]] == [("put", o) for o in range(3)]
        assert words[-1][0] == "ask"
        where = {}
        for (word, first, second), target, counts in zip(words, targets, mask, strict=False):
            if word == "put":
                where[first] = second
            elif word == "empty":
                where = {o: second if box == first else box for o, box in where.items()}
            assert counts == (word == "ask")
            assert target == (where[first] if counts else 0)


@pytest.mark.parametrize("name", ["word_problem", "box_tracking"])
def test_the_state_is_exact_for_a_thousand_steps(name):
    """The last product of a word and its inverse in reverse order is the identity, whatever was between."""
    task = load_task(name, length=1000)
    if name == "word_problem":
        words = batch_of(task, jax.random.key(1), 4).inputs
        inverses = jnp.asarray(group("S3").products.argmin(axis=1))  # a b = 0
        there_and_back = jnp.concatenate([words, inverses[words[:, ::-1]]], axis=1)
        assert not np.asarray(task.running_products(there_and_back)[:, -1]).any()
    else:
        tokens = jnp.full((1, 1000), 12).at[0, -1].set(task.first_question + 2)  # put object 2 into box 2
        assert int(task.boxes(tokens)[0, -1]) == 2
