"""Which texts belong together? Pairs that need no hub: misspelt and right, English and French."""

from __future__ import annotations

import gettext
import random
import re
import string
from pathlib import Path

from seqlab.registry import import_extra

_LETTERS = re.compile(r"[a-zA-Z]")
_PROSE = re.compile(r"[a-zA-Z ,.;'()-]+")


def respell(seed: int = 0) -> dict[str, list[str]]:
    """Misspell pieces of sentences of Python's reference, each letter with probability 1/10.

    A letter that is hit is left out, doubled, exchanged for another or swapped with the next. A piece has
    three words and at most 24 characters.

    Source: `pydoc_data.topics`, as `python_docs`.
    """
    from pydoc_data.topics import topics

    draw = random.Random(seed)
    words = " ".join(topics[name] for name in sorted(topics)).split()
    pieces = dict.fromkeys(" ".join(words[at : at + 3]) for at in range(0, len(words), 3))
    told = [piece for piece in pieces if len(piece) <= 24 and _PROSE.fullmatch(piece)]
    return {"text": [_misspelt(piece, draw) for piece in told], "target": told}


def _misspelt(sentence: str, draw: random.Random) -> str:
    letters = list(sentence)
    for index, letter in enumerate(sentence[:-1]):
        if _LETTERS.match(letter) and draw.random() < 0.1:
            swapped = letters[index + 1]
            kind = draw.randrange(4)
            letters[index] = ("", letter * 2, draw.choice(string.ascii_lowercase), swapped)[kind]
            if kind == 3:
                letters[index + 1] = letter
    return "".join(letters)


def jupyter_en_fr() -> dict[str, list[str]]:
    """Read the English and French texts of Jupyter's interface, from the catalogues of its language pack.

    Source: Project Jupyter's contributors, jupyterlab-language-pack-fr-FR.
    """
    package = import_extra("jupyterlab_language_pack_fr_FR")
    rows: dict[str, list[str]] = {"text": [], "target": []}
    for path in sorted(Path(package.__file__).parent.glob("locale/*/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog
        for english, french in catalogue.items():
            if isinstance(english, str) and english.strip() and french.strip():
                rows["text"].append(english.rpartition("\x04")[2])
                rows["target"].append(french)
    return rows
