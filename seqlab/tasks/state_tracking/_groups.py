"""Finite groups by name: their products and their generators."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np

MAX_ORDER = 1024
"""The largest number of elements of a group, as its products are a table of as many rows and columns."""
SUBSETS = ("all", "generators", "swaps")
"""The elements that a word can be made of."""


@dataclasses.dataclass(frozen=True, eq=False)
class Group:
    """A finite group; its elements are numbers from 0, which is the identity.

    Attributes:
        products: int32 `(N, N)`, the product a b at row a and column b.
        generators: the elements of which all others are products, in ascending order.
        swaps: the elements that exchange two points; empty where the group has no points.
    """

    products: np.ndarray
    generators: tuple[int, ...]
    swaps: tuple[int, ...] = ()

    def subset(self, name: str) -> np.ndarray:
        """Return the identity and one of `SUBSETS` of the elements, int32 `(V,)`, in ascending order.

        Raises:
            ValueError: the group has no swaps.
        """
        others = range(1, len(self.products))
        found = {"all": others, "generators": self.generators, "swaps": self.swaps}[name]
        if not found:
            raise ValueError(f"elements must be all or generators, got {name}, which only groups S<n> have")
        return np.array([0, *found], np.int32)


@functools.cache
def group(name: str) -> Group:
    """Return Z<n> (cyclic), S<n> (symmetric), A<n> (alternating), or a direct product such as Z2xZ3.

    The elements of Z<n> are 0 … n − 1. Those of S<n> and A<n> are the (even) permutations of 0 … n − 1 in
    lexicographic order, and the product a b is i ↦ a(b(i)). The pair (a, b) of a product G × H is a |H| + b.

    Raises:
        ValueError: the name is of another form, or the group has one element or more than `MAX_ORDER`.
    """
    kinds = [(found[1], int(found[2])) for found in re.finditer(r"([ZSA])([1-9]\d{0,3})(?:x|$)", name)]
    if not kinds or "x".join(f"{kind}{n}" for kind, n in kinds) != name:
        raise ValueError(f"group must be Z<n>, S<n>, A<n> or a product such as Z2xZ3, got {name!r}")
    if not 1 < math.prod(_ORDERS[kind](n) for kind, n in kinds) <= MAX_ORDER:
        raise ValueError(f"group must have from 2 to {MAX_ORDER} elements, got {name}")
    return functools.reduce(_direct_product, (_GROUPS[kind](n) for kind, n in kinds))


def _cyclic(n: int) -> Group:
    numbers = np.arange(n, dtype=np.int32)
    return Group((numbers[:, None] + numbers) % n, (1,) if n > 1 else ())


def _symmetric(n: int) -> Group:
    elements = [*itertools.permutations(range(n))]
    neighbours = [_cycle(n, i, i + 1) for i in range(n - 1)]
    swaps = [_cycle(n, i, j) for i, j in itertools.combinations(range(n), 2)]
    return Group(_compositions(elements), _numbers(neighbours, elements), _numbers(swaps, elements))


def _alternating(n: int) -> Group:
    elements = [element for element in itertools.permutations(range(n)) if _is_even(element)]
    return Group(_compositions(elements), _numbers((_cycle(n, 0, 1, k) for k in range(2, n)), elements))


_ORDERS: Mapping[str, Callable[[int], int]] = {
    "Z": lambda n: n,
    "S": lambda n: math.factorial(min(n, 10)),
    "A": lambda n: max(1, math.factorial(min(n, 10)) // 2),
}
_GROUPS: Mapping[str, Callable[[int], Group]] = {"Z": _cyclic, "S": _symmetric, "A": _alternating}


def _direct_product(left: Group, right: Group) -> Group:
    size = len(right.products)
    products = left.products[:, None, :, None] * size + right.products[None, :, None, :]
    order = len(left.products) * size
    generators = (*right.generators, *(size * a for a in left.generators))
    return Group(products.reshape(order, order), generators)


def _compositions(elements: list[tuple[int, ...]]) -> np.ndarray:
    """Return the number of i ↦ a(b(i)) for every a and b of permutations in lexicographic order."""
    rows = np.array(elements)
    digits = rows.shape[1] ** np.arange(rows.shape[1] - 1, -1, -1)
    return np.searchsorted(rows @ digits, rows[:, rows] @ digits).astype(np.int32)


def _cycle(n: int, *points: int) -> tuple[int, ...]:
    """Return the permutation of n points that takes each of some to the next, and the last to the first."""
    after = dict(zip(points, (*points[1:], points[0]), strict=True))
    return tuple(after.get(i, i) for i in range(n))


def _is_even(element: tuple[int, ...]) -> bool:
    return sum(a > b for a, b in itertools.combinations(element, 2)) % 2 == 0


def _numbers(chosen: Iterable[tuple[int, ...]], elements: list[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sorted(map(elements.index, chosen)))
