"""Disjoint splits of a formal language, drawn without rejection.

Each sequence over V symbols has a class in [0, C), C = V³, and each split has a range of classes:

    class = (code + hash) mod C
    code  = V² x₀ + V x₁ + x₂          the designated symbols, the first three
    hash  = mix(length · a + Σ_{3 ≤ t < length} (x_t + 1) · a_t) mod 2³²,   a_t odd

Whatever the other symbols are, each of the C settings of the designated symbols has another class. So a
uniform draw from a split draws all symbols and one class of the split, and overwrites the designated symbols.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

NUM_DESIGNATED = 3
_GOLDEN = 0x9E3779B1  # 2³² divided by the golden ratio, odd


def class_range(split: str, alphabet: int) -> tuple[int, int]:
    """Return the half-open range of classes of a split: six eighths, one eighth, or one eighth of all."""
    count = alphabet**NUM_DESIGNATED
    bounds = (0, 6 * count // 8, 7 * count // 8, count)
    at = ("train", "validation", "test").index(split)
    return bounds[at], bounds[at + 1]


def move_to_split(
    key: jax.Array, symbols: jax.Array, lengths: jax.Array, split: str, alphabet: int
) -> jax.Array:
    """Overwrite the designated symbols so that each sequence is in a split.

    Uniform symbols give a uniform draw from the sequences of the split of each length.

    Args:
        key: PRNG key, for the class.
        symbols: int32 `(B, T)` in [0, alphabet); steps after the length are ignored and not changed.
        lengths: int32 `(B,)`, at least 3.
        split: "train", "validation" or "test".
        alphabet: the number of symbols, V.

    Returns:
        int32 `(B, T)`.
    """
    classes = jax.random.randint(key, lengths.shape, *class_range(split, alphabet))
    return assign(symbols, lengths, classes, alphabet)


def assign(symbols: jax.Array, lengths: jax.Array, classes: jax.Array, alphabet: int) -> jax.Array:
    """Overwrite the designated symbols so that each sequence has its class.

    Args:
        symbols: int32 `(B, T)` in [0, alphabet).
        lengths: int32 `(B,)`, at least 3.
        classes: int32 `(B,)` in [0, alphabet³).
        alphabet: the number of symbols, V.

    Returns:
        int32 `(B, T)`.
    """
    code = (classes - _hash_others(symbols, lengths, alphabet)) % alphabet**NUM_DESIGNATED
    designated = code[:, None] // _place_values(alphabet) % alphabet
    return symbols.at[:, :NUM_DESIGNATED].set(designated)


def class_of(symbols: jax.Array, lengths: jax.Array, alphabet: int) -> jax.Array:
    """Return the class of each sequence: int32 `(B,)` in [0, alphabet³); arguments as in `assign`."""
    code = symbols[:, :NUM_DESIGNATED] @ _place_values(alphabet)
    return (code + _hash_others(symbols, lengths, alphabet)) % alphabet**NUM_DESIGNATED


def _place_values(alphabet: int) -> jax.Array:
    return alphabet ** jnp.arange(NUM_DESIGNATED - 1, -1, -1)


def _hash_others(symbols: jax.Array, lengths: jax.Array, alphabet: int) -> jax.Array:
    """Hash the length and the symbols that are not designated: int32 `(B,)` in [0, alphabet³)."""
    steps = jnp.arange(symbols.shape[1])
    counted = (steps >= NUM_DESIGNATED) & (steps < lengths[:, None])
    weights = _mix(steps.astype(jnp.uint32) * jnp.uint32(_GOLDEN)) | jnp.uint32(1)
    terms = jnp.where(counted, (symbols + 1).astype(jnp.uint32) * weights, jnp.uint32(0))
    total = lengths.astype(jnp.uint32) * jnp.uint32(_GOLDEN) + terms.sum(axis=1, dtype=jnp.uint32)
    return (_mix(total) % jnp.uint32(alphabet**NUM_DESIGNATED)).astype(jnp.int32)


def _mix(words: jax.Array) -> jax.Array:
    """Scramble uint32 words by a bijection.

    Source: A. Appleby, MurmurHash3, the 32-bit finaliser `fmix32`.
    """
    words = (words ^ (words >> 16)) * jnp.uint32(0x85EBCA6B)
    words = (words ^ (words >> 13)) * jnp.uint32(0xC2B2AE35)
    return words ^ (words >> 16)
