"""What is a word? Text as tokens."""

from __future__ import annotations

import re

LEVELS = ("word", "character")
_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


def tokens_of(text: str, level: str) -> list[str]:
    """Cut a text into lower-case words and punctuation, or into characters, white space as one space."""
    return _WORD.findall(text.lower()) if level == "word" else list(" ".join(text.split()))
