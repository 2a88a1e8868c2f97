"""Tokenization of texts into words, characters or bytes."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import regex

LEVELS = ("word", "character", "byte")
"""The levels of `tokenize`."""
_WORD = r"[\w\p{M}][\w\p{M}\u200c\u200d]*(?:['’][\w\p{M}]+)*"
"""The pattern of a word: letters, digits and marks of any script, with the joiners of some between them."""
_SIGN = r"(?=[^\w\s\p{M}])\X"
"""The pattern of a punctuation mark or a symbol, such as an emoji with its modifiers."""
_TOKEN = regex.compile(f"{_WORD}|{_SIGN}")
_RUNNING = regex.compile(rf"<unk>|{_WORD}|{_SIGN}|\n")
BYTES = tuple(map(chr, range(256)))
"""What stands for each byte at the level "byte": the character of its number."""


def normalized(text: str) -> str:
    """Return a text in Unicode's normal form C, in which é is one character, however it was written."""
    return unicodedata.normalize("NFC", text)


def tokenize(text: str, level: str) -> list[str]:
    """Split a text into tokens.

    Args:
        text: any text.
        level: "word" for words and punctuation marks as written; "character" for characters, where each run
            of white space is one space; "byte" for the bytes of UTF-8 of those, as in `BYTES`.
    """
    if level == "word":
        return _TOKEN.findall(text)
    spaced = " ".join(text.split())
    return [BYTES[byte] for byte in spaced.encode()] if level == "byte" else list(spaced)


def running_words(text: str) -> list[str]:
    """Split a running text into words, signs and ends of lines; <unk>, an unknown word, stays whole."""
    return _RUNNING.findall(text)


def detokenize(tokens: Sequence[str], level: str) -> str:
    """Join tokens into a text, words with a space between them; broken bytes become U+FFFD."""
    if level == "byte":
        return bytes(ord(token) for token in tokens if ord(token) < len(BYTES)).decode(errors="replace")
    return (" " if level == "word" else "").join(tokens)
