"""Schemes by which tags mark spans of tokens, such as B-PER I-PER."""

from __future__ import annotations

import re
from collections.abc import Sequence

OUTSIDE = "O"
"""The tag of a token that is in no span."""
_TAG = re.compile(r"([BIOELSU])-.+")
_SCHEMES = {"IOB": set("BI"), "IOE": set("IE"), "IOBES": set("BIES"), "BILOU": set("BILU")}


def scheme_of(rows: Sequence[Sequence[str]]) -> str | None:
    """Return the scheme of tagged sentences, by the tags that they have and their order.

    - IOB2: a span begins with B- and continues with I-. IOB1: it begins with B- only where another of its
      type ends before it.
    - IOE2: a span ends with E-. IOE1: it ends with E- only where another of its type begins after it.
    - IOBES: B- begins, E- ends, S- is a span of one token. BILOU: the same with L- and U-.

    Returns:
        "IOB1", "IOB2", "IOE1", "IOE2", "IOBES" or "BILOU"; None where tags mark no spans, such as parts of
        speech or numbers.

    Source: L. Ramshaw & M. Marcus 1995, "Text chunking using transformation-based learning"; E. Tjong Kim
        Sang & J. Veenstra 1999, "Representing text chunks"; L. Ratinov & D. Roth 2009, "Design challenges
        and misconceptions in named entity recognition".
    """
    found = {tag for row in rows for tag in row} - {OUTSIDE}
    matches = [_TAG.fullmatch(tag) for tag in found]
    letters = {match[1] for match in matches if match is not None}
    if not letters or None in matches:
        return None
    name = next((name for name, legal in _SCHEMES.items() if letters <= legal), None)
    if name == "IOB":
        return "IOB1" if any(map(_begins_with_i, rows)) else "IOB2"
    if name == "IOE":
        return "IOE1" if any(_begins_with_i(row[::-1]) for row in rows) else "IOE2"
    return name


def _begins_with_i(row: Sequence[str]) -> bool:
    """Say whether a span begins with I-: after O, at the start, or after a tag of another type."""
    before = [OUTSIDE, *row]
    return any(tag.startswith("I-") and last[1:] != tag[1:] for last, tag in zip(before, row, strict=False))
