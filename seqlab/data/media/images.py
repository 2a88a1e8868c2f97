"""Decoder of image files."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqlab.data.media.files import file_of


def decode_image(value: Any, height: int, width: int, channels: int) -> np.ndarray:
    """Return an image as float32 `(height, width, channels)` in [0, 1], resized where its size differs.

    The rotation that a camera notes is applied, and what is transparent is white.

    Args:
        value: a path, or `{"bytes": …, "path": …}` as the hub holds a file.
        height: in pixels.
        width: in pixels.
        channels: 1 for grey, 3 for red, green and blue.

    Raises:
        ValueError: it is not an image; the message does not name the file.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file_of(value)) as image:
            upright = _opaque(_eight_bits(ImageOps.exif_transpose(image)))
            pixels = upright.convert({1: "L", 3: "RGB"}[channels])
            if pixels.size != (width, height):
                pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, SyntaxError) as error:  # Pillow raises SyntaxError for a broken PNG
        raise ValueError(f"is no image: {error}") from error
    return np.asarray(pixels, np.float32).reshape(height, width, channels) / 255


def _opaque(image: Any) -> Any:
    """Return an image on white where parts of it are transparent."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white


def _eight_bits(image: Any) -> Any:
    """Return an image with 8 bits a channel; Pillow would cut the values of 16 bits at 255."""
    from PIL import Image

    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
