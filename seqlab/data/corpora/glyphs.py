"""Corpus of images with names: the glyphs of a font, as Unicode names their characters."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import Any

SIDE = 32
"""The height and the width of an image, in pixels."""
_SIZE, _BASELINE = 20, 23


def glyphs() -> dict[str, list[Any]]:
    """Draw each character of DejaVu Sans that has a name, white on black, with its name in lower case.

    Source: the DejaVu fonts' contributors, as matplotlib ships the font; The Unicode Standard, "Character
        Name" property, as Python's `unicodedata` has it.
    """
    import matplotlib
    from matplotlib.ft2font import FT2Font
    from PIL import ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    names = {chr(code): unicodedata.name(chr(code), "") for code in sorted(FT2Font(path).get_charmap())}
    names = {character: name.lower() for character, name in names.items() if name}
    # The basic layout draws single glyphs; the other one refuses characters that stand in no text.
    font = ImageFont.truetype(path, _SIZE, layout_engine=ImageFont.Layout.BASIC)
    return {"image": [_drawn(character, font) for character in names], "text": list(names.values())}


def _drawn(character: str, font: Any) -> dict[str, Any]:
    """Return the image of a character as the hub would hold it."""
    from PIL import Image, ImageDraw

    image, file = Image.new("L", (SIDE, SIDE)), io.BytesIO()
    ImageDraw.Draw(image).text((SIDE // 2, _BASELINE), character, fill=255, font=font, anchor="ms")
    image.save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}
