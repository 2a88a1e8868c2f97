"""Scripts that texts are written in: which metrics can divide them into words."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import regex

from seqlab.data.tokenization import tokenize

_LETTER = regex.compile(r"\p{L}")
_HAN = regex.compile(r"\p{Han}")
_KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]")
"""Letters of scripts that write no spaces between words."""
_LONGEST = 4
"""The longest n-gram of BLEU."""


def bleu_tokenizer(texts: Sequence[str]) -> str:
    """Return the tokeniser of sacrebleu that suits the script of some texts.

    It is "zh" for Chinese, "char" for other scripts without spaces between words, and "13a" for all others.
    Japanese is divided into characters too, because its tokeniser needs a dictionary.
    """
    joined = "".join(texts)
    letters, unspaced, han, kana = (len(p.findall(joined)) for p in (_LETTER, _UNSPACED, _HAN, _KANA))
    if 2 * unspaced <= letters:
        return "13a"
    return "zh" if 2 * han > letters and 20 * kana < letters else "char"


def judge_of(texts: Sequence[str]) -> tuple[str, str]:
    """Return the metric that suits the texts that are to be written, and the tokeniser of BLEU for them.

    The metric is "bleu", or "chrf" where half of the texts have fewer than four words, of which BLEU counts
    no 4-gram, so that it is 0 for texts that are right.
    """
    tokenizer = bleu_tokenizer(texts)
    level = "word" if tokenizer == "13a" else "character"
    median = statistics.median(len(tokenize(text, level)) for text in texts)
    return "bleu" if median >= _LONGEST else "chrf", tokenizer
