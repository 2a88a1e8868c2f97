"""Rule of ListOps: the value of nested operations on lists of digits."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.tasks.languages.language import FormalLanguage
from seqlab.tasks.languages.rule import Length, Pair, Rule

MIN, MAX, MED, SUM, CLOSE = range(10, 15)
SHORTEST_LIST = 4
FEWEST, LEAST_MAXIMUM = 2, 4
"""The least number of arguments of a list, and the least value of their largest number."""
LONGEST = 2**20
Stack = tuple[jax.Array, jax.Array, jax.Array]


@dataclasses.dataclass(frozen=True)
class ListOps(Rule):
    """Name the value of nested operations on lists of digits.

        E = a digit, or [op E … E] with 2 to K arguments, at most D lists inside one another

    The symbols 0 to 9 are digits; 10 is [MIN, 11 is [MAX, 12 is [MED, the lower integer of the median, 13 is
    [SM, the sum modulo 10, and 14 is ]. Operations and digits are uniform. A list of a length has any
    possible number of arguments with equal probability, and so has each argument any length that leaves the
    others possible ones. There are no strings of two or three symbols; one symbol is drawn in their place.

    >>> ListOps().answer([11, 2, 9, 10, 4, 7, 14, 0, 14])  # [MAX 2 9 [MIN 4 7 ] 0 ]
    [9]

    Attributes:
        max_depth: D.
        max_args: K, at least 4, so that all other lengths are possible.

    Source: N. Nangia & S. Bowman, "ListOps: A Diagnostic Dataset for Latent Tree Learning", arXiv:1804.06028,
        2018, with K = 5; with strings of 500 to 2000 symbols, D = 10 and K = 10 in Y. Tay et al., "Long Range
        Arena", arXiv:2011.04006, 2020. There trees are drawn without regard to their length.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one",)
    num_symbols: ClassVar[int] = 15
    num_answers: ClassVar[int] = 10
    origin: ClassVar[str] = "Nangia & Bowman 2018"

    max_depth: int = 10
    max_args: int = 5

    def __post_init__(self) -> None:
        require_positive(self, "max_depth", "max_args")
        if self.max_args < LEAST_MAXIMUM:
            raise ValueError(f"max_args must be at least {LEAST_MAXIMUM}, got {self.max_args}")

    @property
    def longest(self) -> np.ndarray:
        """The longest argument of a list by the number of lists around it, int32 `(D + 1,)`."""
        found = [1]
        for _ in range(self.max_depth):
            found.append(min(2 + self.max_args * found[-1], LONGEST))
        return np.array(found[::-1], np.int32)

    def string_length(self, length: Length) -> Length:
        longest = int(self.longest[0])
        if isinstance(length, int):
            return min(length, longest) if length >= SHORTEST_LIST else 1
        return jnp.where(length >= SHORTEST_LIST, jnp.minimum(length, longest), 1)

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> jax.Array:
        size_key, count_key, digit_key, operation_key = jax.random.split(key, 4)
        shape = (num_steps, len(lengths))
        drawn = (
            jax.random.uniform(size_key, shape),
            jax.random.uniform(count_key, shape),
            jax.random.randint(digit_key, shape, 0, MIN),
            jax.random.randint(operation_key, shape, MIN, CLOSE),
        )
        longest, levels = jnp.asarray(self.longest), jnp.arange(self.max_depth + 1)

        def write(state: Stack, drawn: tuple[jax.Array, ...]) -> tuple[Stack, jax.Array]:
            depth, left, args = state
            for_size, for_count, digit, operation = drawn
            r, m = _at(left, depth), _at(args, depth)
            closes = (r == 0) & (depth > 0)
            size = jnp.where(r > 0, _argument_length(for_size, r, m, longest[depth]), 0)
            opens = size >= SHORTEST_LIST
            below = jnp.minimum(depth + 1, self.max_depth)
            count = _num_arguments(for_count, size - 2, longest[below], self.max_args)
            here, under = levels == depth[:, None], (levels == below[:, None]) & opens[:, None]
            left = jnp.where(under, size[:, None] - 2, jnp.where(here, left - size[:, None], left))
            args = jnp.where(under, count[:, None], jnp.where(here, args - 1, args))
            depth = depth + opens - closes
            symbol = jnp.select([closes, opens, size == 1], [CLOSE, operation, digit], 0)
            return (depth, left, args), symbol

        first = levels == 0
        begin = jnp.zeros_like(lengths), jnp.where(first, lengths[:, None], 0), jnp.where(first, 1, 0)
        begin = begin[0], begin[1], jnp.broadcast_to(begin[2], begin[1].shape)
        return jax.lax.scan(write, begin, drawn)[1].T

    def answers(self, strings: jax.Array, lengths: jax.Array) -> Pair:
        levels, digits = jnp.arange(self.max_depth + 1), jnp.arange(MIN)

        def read(state: Stack, read: Pair) -> tuple[Stack, None]:
            depth, operations, counts = state
            step, symbol = read
            opens, closes = (symbol >= MIN) & (symbol < CLOSE), symbol == CLOSE
            found = _value(_at(operations, depth), _at(counts, depth))
            depth = depth + opens - closes
            here = levels == depth[:, None]
            operations = jnp.where(here & opens[:, None], symbol[:, None], operations)
            counts = jnp.where((here & opens[:, None])[..., None], 0, counts)
            argument = jnp.where(closes, found, jnp.where((symbol < MIN) & (step < lengths), symbol, -1))
            counts = counts + (here[..., None] & (digits == argument[:, None, None]))
            return (depth, operations, counts), None

        empty = jnp.full((len(strings), len(levels)), MAX), jnp.zeros((len(strings), len(levels), MIN), int)
        steps = jnp.arange(strings.shape[1])
        state, _ = jax.lax.scan(read, (jnp.zeros_like(lengths), *empty), (steps, strings.T))
        _, operations, counts = state
        return _value(operations[:, 0], counts[:, 0])[:, None], jnp.ones_like(lengths)


def _at(levels: jax.Array, depth: jax.Array) -> jax.Array:
    """Return what is at a depth of each stack `(B, D + 1, …)`: `(B, …)`."""
    return levels[jnp.arange(len(depth)), depth]


def _argument_length(uniform: jax.Array, r: jax.Array, m: jax.Array, longest: jax.Array) -> jax.Array:
    """Draw the length of the next of m arguments of r symbols together, each 1 or from 4 to `longest`.

    After it there are l symbols for the other arguments: m − 1, or from m + 2 to (m − 1) `longest`.
    """
    most = (m - 1) * longest
    digit = (r == m) | ((r >= m + 3) & (r - 1 <= most))
    alone = r - m + 1  # all others are digits
    is_alone = (alone >= SHORTEST_LIST) & (alone <= longest)
    low = jnp.maximum(SHORTEST_LIST, r - most)
    between = jnp.maximum(jnp.minimum(longest, r - m - 2) - low + 1, 0)
    chosen = (uniform * (digit + between + is_alone)).astype(jnp.int32)
    others = jnp.where(chosen - digit < between, low + chosen - digit, alone)
    return jnp.where(digit & (chosen == 0), 1, others)


def _num_arguments(uniform: jax.Array, r: jax.Array, longest: jax.Array, max_args: int) -> jax.Array:
    """Draw the number of arguments of r symbols together, each 1 or from 4 to `longest`."""
    counts = jnp.arange(FEWEST, max_args + 1)
    r, most = r[:, None], counts * longest[:, None]
    possible = (r == counts) | ((r >= counts + 3) & (r <= most))
    places = jnp.cumsum(possible, axis=1)
    chosen = (uniform[:, None] * places[:, -1:]).astype(jnp.int32)
    return FEWEST + jnp.argmax(places > chosen, axis=1).astype(jnp.int32)


def _value(operation: jax.Array, counts: jax.Array) -> jax.Array:
    """Return the value of an operation `(B,)` on digits, given how often each occurs, int32 `(B, 10)`."""
    below = jnp.cumsum(counts, axis=1)
    number = below[:, -1:]
    smallest = jnp.argmax(counts > 0, axis=1)
    largest = 9 - jnp.argmax(counts[:, ::-1] > 0, axis=1)
    lower, upper = (jnp.argmax(below > half, axis=1) for half in ((number - 1) // 2, number // 2))
    total = (counts * jnp.arange(MIN)).sum(axis=1) % 10
    named = [operation == name for name in (MIN, MAX, MED)]
    return jnp.select(named, [smallest, largest, (lower + upper) // 2], total).astype(jnp.int32)


def list_ops(
    length: int = 100,
    min_length: int = 1,
    curriculum: str = "uniform",
    max_depth: int = 10,
    max_args: int = 5,
    num_evaluation_examples: int = 1024,
) -> FormalLanguage:
    """Return the task of `ListOps`; the other arguments are the fields of `FormalLanguage`."""
    return FormalLanguage(
        ListOps(max_depth, max_args), length, min_length, curriculum, num_evaluation_examples
    )
