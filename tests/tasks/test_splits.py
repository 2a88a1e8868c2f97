"""Are the splits of a formal language disjoint, complete and uniform?"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.tasks import SPLITS
from seqlab.tasks.languages import _disjoint_splits as splits
from seqlab.tasks.languages._disjoint_splits import class_range

assign = jax.jit(splits.assign, static_argnums=3)
class_of = jax.jit(splits.class_of, static_argnums=2)
move_to_split = jax.jit(splits.move_to_split, static_argnums=(3, 4))


def every_sequence(length, alphabet):
    symbols = jnp.array(list(itertools.product(range(alphabet), repeat=length)), jnp.int32)
    return symbols, jnp.full(len(symbols), length)


@pytest.mark.parametrize(("alphabet", "length"), [(2, 4), (2, 9), (3, 5), (5, 4)])
def test_every_class_holds_as_many_sequences(alphabet, length):
    classes = class_of(*every_sequence(length, alphabet), alphabet)
    counts = np.bincount(classes, minlength=alphabet**3)
    np.testing.assert_array_equal(counts, alphabet ** (length - 3))


@pytest.mark.parametrize("alphabet", [2, 3, 5])
def test_the_splits_share_out_the_classes(alphabet):
    owned = [list(range(*class_range(split, alphabet))) for split in SPLITS]
    assert list(itertools.chain(*owned)) == list(range(alphabet**3))
    assert len(owned[0]) / alphabet**3 == pytest.approx(6 / 8, abs=0.02)
    assert len(owned[1]) / alphabet**3 == pytest.approx(1 / 8, abs=0.02)


def test_the_eighths_of_bits():
    assert [class_range(split, 2) for split in SPLITS] == [(0, 6), (6, 7), (7, 8)]


@pytest.mark.parametrize("alphabet", [2, 3])
def test_assign_gives_the_class_asked_for_and_keeps_the_rest(alphabet):
    symbols = jax.random.randint(jax.random.key(0), (200, 9), 0, alphabet)
    lengths = jax.random.randint(jax.random.key(1), (200,), 4, 10)
    classes = jax.random.randint(jax.random.key(2), (200,), 0, alphabet**3)
    assigned = assign(symbols, lengths, classes, alphabet)
    np.testing.assert_array_equal(class_of(assigned, lengths, alphabet), classes)
    np.testing.assert_array_equal(assigned[:, 3:], symbols[:, 3:])
    assert assigned.min() >= 0
    assert assigned.max() < alphabet


def test_padding_does_not_count_but_the_length_and_every_real_symbol_do():
    symbols, lengths = every_sequence(8, 2)
    padded = jnp.concatenate([symbols, jnp.ones_like(symbols)], axis=1)
    classes = class_of(symbols, lengths, 2)
    np.testing.assert_array_equal(class_of(padded, lengths, 2), classes)
    longer = jnp.concatenate([symbols, jnp.zeros_like(symbols[:, :1])], axis=1)
    assert (class_of(longer, lengths + 1, 2) != classes).any()
    for step in range(8):
        flipped = symbols.at[:, step].set(1 - symbols[:, step])
        assert (class_of(flipped, lengths, 2) != classes).any()


@pytest.mark.parametrize("split", SPLITS)
def test_moved_sequences_are_uniform_over_the_split(split):
    symbols, lengths = every_sequence(6, 2)
    members = np.isin(class_of(symbols, lengths, 2), range(*class_range(split, 2)))
    repeats = 2000 // 64 * 8
    moved = move_to_split(
        jax.random.key(3), jnp.tile(symbols, (repeats, 1)), jnp.tile(lengths, repeats), split, 2
    )
    counts = np.bincount(moved @ 2 ** np.arange(5, -1, -1), minlength=64)
    assert not counts[~members].any()
    expected = 64 * repeats / members.sum()
    chi_squared = ((counts[members] - expected) ** 2 / expected).sum()
    degrees = members.sum() - 1
    assert chi_squared < degrees + 4 * np.sqrt(2 * degrees)
