"""Corpus of generated sentences with names whose kind depends on the words around them."""

from __future__ import annotations

import random

_SYLLABLES = ("ba", "do", "ki", "lu", "mer", "nan", "or", "pel", "ri", "sta", "tov", "vin", "wes", "zu")
_TEMPLATES = (
    "{PER} was born in {LOC} .",
    "{PER} works for {ORG} .",
    "{PER} met {PER} on the way to {LOC} .",
    "{ORG} opened an office in {LOC} .",
    "{ORG} , which {PER} leads , bought {ORG} .",
    "the mayor of {LOC} , {PER} , thanked {ORG} .",
    "shares of {ORG} fell after {PER} resigned .",
    "it rained in {LOC} all week .",
    "the train from {LOC} to {LOC} was late .",
    "according to {PER} , the board of {ORG} will meet in {LOC} .",
    "nobody at {ORG} knew why {PER} had left .",
    "we asked {PER} about the talks with {ORG} .",
    "they drove through {LOC} without stopping .",
    "a spokesman for {ORG} said so on Monday .",
    "the match was played on Monday , and nobody came .",
    "{LOC} and {LOC} share a border .",
    "{PER} and {PER} sing together .",
    "the film that {PER} made about {LOC} won a prize .",
)


def entity_templates(count: int = 6000, seed: int = 0) -> dict[str, list[list[str]]]:
    """Fill templates with names of one or two made-up words.

    Persons, places and organisations have the same kind of names, so only the words around a name say which
    of the three it is. Most names occur in one sentence only.

    Returns:
        `tokens` and `tags` of each sentence; B- begins a name, I- continues it, O is not a name.
    """
    draw = random.Random(seed)
    rows: dict[str, list[list[str]]] = {"tokens": [], "tags": []}
    for _ in range(count):
        tokens, tags = [], []
        for word in draw.choice(_TEMPLATES).split():
            if not word.startswith("{"):
                tokens.append(word)
                tags.append("O")
                continue
            for index in range(draw.choice((1, 2))):
                tokens.append("".join(draw.choices(_SYLLABLES, k=4)).capitalize())
                tags.append(f"{'I' if index else 'B'}-{word.strip('{}')}")
        rows["tokens"].append(tokens)
        rows["tags"].append(tags)
    return rows
