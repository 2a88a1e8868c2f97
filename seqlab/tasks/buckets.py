"""Buckets of training rows by length, so that a batch is padded to the longest row of its bucket only."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.data.columns.column import Arrays
from seqlab.types import Batch


class Drawn(NamedTuple):
    """The bucket of a step, as the draw of rows reads it.

    Attributes:
        order: int32 `(N,)`, the rows in order of length.
        first: int32 scalar, the place in `order` at which the bucket begins.
        end: int32 scalar, the place after its last.
    """

    order: jax.Array
    first: jax.Array
    end: jax.Array


@dataclasses.dataclass(frozen=True, eq=False)
class Buckets:
    """The training rows in order of length, in K buckets.

    All rows of a batch come from one bucket. It is drawn by the number of the step, and is the same for every
    seed: runs that are stepped together need batches of one shape. A bucket is as probable as its rows are
    together, so that the probability of a row does not depend on the buckets.

    Attributes:
        order: int32 `(N,)`, the rows in order of length.
        ends: int32 `(K,)`, the place in `order` after the last row of each bucket.
        shares: float `(K,)`, the probability of each bucket.
        lengths: the steps of the inputs of each bucket.
        target_lengths: the steps of its targets, where these have lengths of their own; None elsewhere.
    """

    order: np.ndarray
    ends: np.ndarray
    shares: np.ndarray
    lengths: tuple[int, ...]
    target_lengths: tuple[int, ...] | None

    def __len__(self) -> int:
        return len(self.lengths)

    def at(self, step: jax.Array) -> jax.Array:
        """Return the bucket of a step, an int32 scalar."""
        drawn = jax.random.uniform(jax.random.fold_in(jax.random.key(0), step))
        bounds = jnp.asarray(np.cumsum(self.shares)[:-1], jnp.float32)
        return jnp.sum(drawn >= bounds).astype(jnp.int32)

    def drawn(self, order: jax.Array, step: jax.Array) -> Drawn:
        """Return the bucket of a step with its rows; `order` is the attribute, on the device."""
        bounds, bucket = jnp.asarray(np.r_[0, self.ends], jnp.int32), self.at(step)
        return Drawn(order, bounds[bucket], bounds[bucket + 1])

    def cut(self, batch: Batch, bucket: int) -> Batch:
        """Return a batch of a bucket without the steps that are padding in all of its rows."""
        T = self.lengths[bucket]
        M = T if self.target_lengths is None else self.target_lengths[bucket]
        if batch.mask.ndim > 1:
            batch = batch._replace(targets=batch.targets[:, :M], mask=batch.mask[:, :M])
        return batch._replace(inputs=batch.inputs[:, :T])


def buckets_of(task: Any) -> Buckets | None:
    """Return the buckets of a task's training rows; None for one.

    A field `length_buckets` says how many; there are fewer where there are fewer lengths.
    """
    count = getattr(task, "length_buckets", 1)
    if count == 1 or "train" not in task.encoded.arrays:
        return None
    return divide(task.encoded.arrays["train"], count, getattr(task, "balance", False))


def divide(arrays: Arrays, count: int, balance: bool = False) -> Buckets:
    """Divide rows into buckets such that the fewest steps are padding.

    Where targets have lengths of their own, the length of a row is the sum of both.

    Args:
        arrays: int `lengths` `(N,)`, and `target_lengths` where targets have them.
        count: the most buckets.
        balance: whether every class is drawn equally often, of int `labels` `(N,)`.
    """
    lengths = np.asarray(arrays["lengths"])
    targets = np.asarray(arrays["target_lengths"]) if "target_lengths" in arrays else None
    total = lengths if targets is None else lengths + targets
    order = np.argsort(total, kind="stable").astype(np.int32)
    ends = bucket_ends(total[order], count)
    parts = np.split(order, ends[:-1])
    weights = 1 / np.bincount(arrays["labels"])[arrays["labels"]] if balance else np.ones(len(order))
    shares = np.array([weights[part].sum() for part in parts])
    return Buckets(
        order,
        ends,
        shares / shares.sum(),
        tuple(int(lengths[part].max()) for part in parts),
        None if targets is None else tuple(int(targets[part].max()) for part in parts),
    )


def bucket_ends(ordered: np.ndarray, count: int) -> np.ndarray:
    """Return where buckets end that have the fewest steps, padding included, by dynamic programming.

        cost_k(j) = min_{i < j} cost_{k−1}(i) + (e_j − e_i) l_j

    l_j is the j-th of the lengths that occur, and e_j the number of rows of at most this length.

    Args:
        ordered: int `(N,)`, lengths in ascending order.
        count: the most buckets.

    Returns:
        int32 `(K,)`, ascending; the last is N.
    """
    unit = -(-int(ordered[-1]) // _MOST_LENGTHS)
    values, counts = np.unique(-(-ordered // unit) * unit, return_counts=True)
    ends, U = np.r_[0, np.cumsum(counts)], len(values)
    steps = (ends[None, 1:] - ends[:-1, None]) * values.astype(float)  # of one bucket, from i to j
    steps[np.tril_indices(U, -1)] = np.inf
    cost, begins = steps[0], [np.zeros(U, int)]
    for _ in range(min(count, U) - 1):
        tried = np.r_[np.inf, cost[:-1]][:, None] + steps
        begins.append(tried.argmin(axis=0))
        cost = tried.min(axis=0)
    found, j = [U], U - 1
    for begin in reversed(begins[1:]):
        found.append(int(begin[j]))
        j = found[-1] - 1
    return ends[np.array(found[::-1])].astype(np.int32)


_MOST_LENGTHS = 512
"""How many lengths are told apart, for the memory that the program takes: the square of it."""


def with_order(data: Any, buckets: Buckets | None) -> Any:
    """Return a task's resident arrays with the order of its rows, where it has buckets."""
    return data if buckets is None else {**data, _ORDER: jnp.asarray(buckets.order)}


def in_bucket(data: Any, buckets: Buckets | None, step: jax.Array) -> Any:
    """Return resident arrays from which the rows of a step are drawn, an int32 scalar."""
    return data if buckets is None else {**data, _DRAWN: buckets.drawn(data[_ORDER], step)}


def drawn_bucket(data: Any) -> Drawn | None:
    """Return the bucket from which training rows are drawn; None for all rows."""
    return data.get(_DRAWN)


_ORDER, _DRAWN = "order", "bucket"
