"""Near misses: the legal name that was meant, for refusals."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from seqlab.synonyms import ADVICE, KEYS, OPTIONS


def near_miss(given: str, legal: Collection[str], prefix: str = "") -> str:
    """Return ` (did you mean X?)` for the legal name that was meant; empty where none is like it.

    Args:
        given: what was written.
        legal: the names of which one was meant.
        prefix: what stands before a name: `cell=` before an option, `cell.` before a key.
    """
    if found := equal(given, legal) or synonym(given, legal):
        return did_you_mean(f"{prefix}{found}")
    if prefix.endswith("=") and (option := OPTIONS.get(prefix[:-1], {}).get(normal(given))):
        return did_you_mean(option)
    if prefix.endswith(".") and (hint := elsewhere(given)):
        return hint
    if found := closest(given, legal):
        return did_you_mean(f"{prefix}{found}")
    return advice(given)


def elsewhere(given: str) -> str:
    """Return ` (did you mean X?)` for the key that a word of other libraries stands for."""
    key = KEYS.get(normal(given))
    return did_you_mean(key, given) if key else advice(given)


def equal(given: str, legal: Collection[str]) -> str | None:
    """Return the legal name that is written as the given one, but for case, hyphens and spaces."""
    return {normal(name): str(name) for name in legal}.get(normal(given))


def synonym(given: str, legal: Collection[str]) -> str | None:
    """Return the legal name for which other libraries have the given word."""
    name = KEYS.get(normal(given), "").rpartition(".")[2]
    return name if name in legal else None


def closest(given: str, legal: Collection[str]) -> str | None:
    """Return the legal name that the given one is like, by their edit distance; None where none is close.

    Of n letters, a third may be wrong, or where n is below 5, one; or the word begins a legal name.
    """
    names = {normal(name): str(name) for name in legal}
    word = normal(given)
    ranked = sorted((edit_distance(word, name), name) for name in names)
    if ranked and ranked[0][0] <= max(1, len(word) // 3):
        return names[ranked[0][1]]
    longer = [name for name in names if len(word) > 2 and name.startswith(word)]
    found = longer or difflib.get_close_matches(word, names, n=1, cutoff=0.8)
    return names[found[0]] if found else None


def edit_distance(one: str, other: str) -> int:
    """Return how many letters have to be inserted, deleted, replaced or exchanged with the next.

    Source: the optimal string alignment of F. Damerau, "A technique for computer detection and correction of
        spelling errors", Communications of the ACM 7(3), 1964.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                row[j] = min(row[j], last[j - 2] + 1)
    return row[-1]


def did_you_mean(what: str, given: str = "") -> str:
    """Return the words in which a refusal names a near miss.

    Args:
        what: the near miss.
        given: the word that was written, about which there may be something to say besides.
    """
    more = ADVICE.get(normal(given), "")
    return f" (did you mean {what}?{f' {more[0].upper()}{more[1:]}' if more else ''})"


def advice(given: str) -> str:
    """Return what is to be said about a word of other libraries, in brackets; empty where nothing is."""
    found = ADVICE.get(normal(given))
    return f" ({found})" if found else ""


def normal(name: str) -> str:
    """Return a name in lower case, with underscores; Python's None is null."""
    word = str(name).lower().replace("-", "_").replace(" ", "_")
    return "null" if word == "none" else word
