"""What does an image show, read line by line or pixel by pixel? The class of every image of a source."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import ClassVar

from seqlab.checks import require_choice, require_positive
from seqlab.data.media import decode_image
from seqlab.data.splits import Example
from seqlab.data.table import Table
from seqlab.tasks.series._classification import SeriesClassification


@dataclasses.dataclass(frozen=True)
class LabelledImages(SeriesClassification):
    """Say which class an image belongs to, read as a series from its top left corner.

    Row by row T is the height and F the width times the channels; pixel by pixel T is the height times the
    width and F the channels.

    Attributes:
        by: "row" or "pixel", what one step holds.
        height: to which images are resized, in pixels.
        width: to which images are resized, in pixels.
        channels: 1 for grey, 3 for red, green and blue.

    Source: of reading pixel by pixel, Q. Le, N. Jaitly & G. Hinton, "A simple way to initialize recurrent
        networks of rectified linear units", arXiv:1504.00941, 2015.
    """

    instead: ClassVar[str] = "task=digits or task=mnist1d"

    series: str = "image"
    length: int = 1024
    by: str = "row"
    height: int = 28
    width: int = 28
    channels: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self, "by", ("row", "pixel"))
        require_positive(self, "height", "width")
        require_choice(self, "channels", (1, 3))

    def series_of(self, table: Table) -> list[Example]:
        table.require(series=self.series)
        size = {"height": self.height, "width": self.width, "channels": self.channels}
        images = table.decoded(self.series, functools.partial(decode_image, **size))
        num_steps = self.height * (1 if self.by == "row" else self.width)
        return [Example.of(image.reshape(num_steps, -1)) for image in images]

    def prompted(self, text: str) -> dict[str, list[Path]]:
        """Name a file."""
        return {self.series: [Path(text)]}
