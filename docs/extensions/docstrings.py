"""Docstrings of seqlab, made ready for Sphinx.

Our docstrings are plain text: an indented paragraph is an equation or an example, and `code` is code. Sphinx
reads them as reStructuredText, where an indented paragraph is a quotation and some signs are markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import flax.linen as nn

SECTION = re.compile(r"(Args|Attributes|Class attributes|Returns|Yields|Raises|Source|Example)s?:$")
CODE = re.compile(r"(`[^`]+`)")
MARKUP = re.compile(r"[*|]|(?<=\w)_(?![\w{])")
LINEN_FIELDS = re.compile(r"(\*, )?\b(parent|name): [^=]*= [^,)]*(, )?")
"""The arguments that Linen adds to every module."""
COLON = "\N{RATIO}"
"""What stands for a colon where napoleon would read a type before it: in an attribute and in `Returns:`."""


def setup(app):
    """Register what follows with Sphinx."""
    app.connect("autodoc-process-docstring", prepare, priority=100)  # napoleon has 500
    app.connect("autodoc-process-docstring", restore_colons, priority=900)
    app.connect("autodoc-process-signature", shorten)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True}


def prepare(app, what, name, obj, options, lines) -> None:
    """Turn indented paragraphs into literal blocks, and escape what is markup elsewhere."""
    lines[:] = prepared(lines)
    if what in ("attribute", "data", "property"):
        lines[:] = [line.replace(":", COLON) for line in lines]


def restore_colons(app, what, name, obj, options, lines) -> None:
    """Give an attribute its colons back."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def prepared(lines: list[str]) -> list[str]:
    """Return the lines of a docstring as reStructuredText."""
    return "\n".join(_blocks("\n".join(lines).split("\n\n"))).splitlines()


def _blocks(paragraphs: list[str]) -> Iterator[str]:
    in_section = False
    for paragraph in paragraphs:
        first = next((line for line in paragraph.splitlines() if line.strip()), "")
        if not first.startswith("    "):
            in_section = bool(SECTION.match(first.strip()))
        if first.startswith("    ") and not in_section:
            yield f"::\n\n{paragraph}\n"
            continue
        heading, line_end, rest = paragraph.partition("\n")
        if heading in ("Returns:", "Yields:"):
            paragraph = heading + line_end + rest.replace(":", COLON)
        yield _escaped(paragraph) + "\n"


def _escaped(text: str) -> str:
    """Write `code` as reStructuredText does, and escape markup elsewhere."""
    parts = CODE.split(text)
    for place, part in enumerate(parts):
        after_code = place > 0 and part[:1].isalnum()  # a word cannot follow code at once
        parts[place] = f"`{part}`" if place % 2 else "\\ " * after_code + MARKUP.sub(r"\\\g<0>", part)
    return "".join(parts)


def shorten(app, what, name, obj, options, signature, returns):
    """Leave out the arguments that Linen adds to every module."""
    if signature and isinstance(obj, type) and issubclass(obj, nn.Module):
        signature = LINEN_FIELDS.sub("", signature).replace(", )", ")").replace("<class 'float'>", "float")
    return signature, returns


def skip(app, what, name, obj, is_skipped, options):
    """Leave out what Linen adds to every module."""
    return True if name in ("parent", "name", "scope") and what == "class" else None
