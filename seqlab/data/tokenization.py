"""Tokenization of texts into words or characters."""

from __future__ import annotations

import re

LEVELS = ("word", "character")
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


def tokenize(text: str, level: str) -> list[str]:
    """Split a text into tokens.

    Args:
        text: any text.
        level: "word" for words and punctuation marks as written; "character" for characters, where each run
            of white space is one space.
    """
    return _WORD.findall(text) if level == "word" else list(" ".join(text.split()))


def detokenize(tokens: list[str], level: str) -> str:
    """Join tokens into a text, words with a space between them."""
    return (" " if level == "word" else "").join(tokens)
