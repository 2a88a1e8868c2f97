"""Can it say what is to be seen? Images of a source, and the texts that describe them."""

from __future__ import annotations

import collections
import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_choice, require_positive
from seqlab.data.media import decode_image
from seqlab.data.splits import split
from seqlab.data.table import Table
from seqlab.data.vocabulary import Vocabulary
from seqlab.registry import import_extra
from seqlab.tasks.text._writing import WritingTask, pieces, with_ends
from seqlab.types import Batch, ConfigError, Images, Spec


class _Read(NamedTuple):
    """A source as uint8 `images` `(N, H, W, C)`, and its captions, numbered and as they are.

    The captions `targets` `(P, M)`, the first of every image before all others, have `lengths` and the number
    of their `image`, `(P,)`.
    """

    arrays: dict[str, dict[str, np.ndarray]]
    wanted: dict[str, list[tuple[str, ...]]]
    writes: Vocabulary
    account: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Captions(WritingTask):
    """Read an image and write a text that describes it.

    Images and texts are columns of a source. Splits that the source lacks are made by the hash of the pixels,
    and an image that occurs twice is kept once (`data.splits`), with the texts of all its rows in the
    split. The vocabulary is that of the training split. An image with several texts is an example of training
    with each of them, and is evaluated once, its loss that of the first.

    Framing: one_to_many reads an image, float32 `(B, H, W, C)` in [0, 1], and writes the first M − 1 tokens
    of a text and a sign that it ends, int32 `(B, M)`.

    Attributes:
        image: the column of images.
        text: the column of texts, or of lists of them; or a pattern (`caption_*`) of several columns.
        height: of the images, in pixels, H; those of another size are resized.
        width: of the images, in pixels, W.
        channels: 1 for grey, 3 for red, green and blue, C.
        length: tokens that are written at most, the sign of the end among them, M.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or not as images and texts: one line names file, row
            and field.

    Source: O. Vinyals et al. 2015, "Show and Tell: A Neural Image Caption Generator", arXiv:1411.4555, whose
        network too sees the image at the first step alone. Deviation: its convolutions were trained before.
    """

    framings: ClassVar[tuple[str, ...]] = ("one_to_many",)
    instead: ClassVar[str] = "task=glyphs"

    image: str = "image"
    text: str = "text"
    height: int = 32
    width: int = 32
    channels: int = 3
    length: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "height", "width", "length")
        require_choice(self, "channels", (1, 3))

    def input_spec(self, framing: str) -> Spec:
        return Images(self.height, self.width, self.channels)

    def answers(self, split: str) -> Mapping[str, Sequence[str]]:
        """Return training's most frequent text, and the first text of its image nearest in pixels.

        The latter by scikit-learn, in the Euclidean norm.
        """
        images = {name: part["images"].reshape(len(part["images"]), -1) for name, part in self.load().items()}
        asked = images[split][: self.num_evaluation(split, "")].astype(np.float32)
        known = import_extra("sklearn.neighbors").NearestNeighbors(n_neighbors=1).fit(images["train"])
        nearest = known.kneighbors(asked, return_distance=False)[:, 0]
        return {
            "most frequent": [self.most_frequent()] * len(asked),
            "nearest image": [self._read.wanted["train"][index][0] for index in nearest],
        }

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Read an image file."""
        try:
            return self.decode(Path(text))
        except ValueError as error:
            raise ConfigError(f"--prompt: {text} {error}") from error

    def decode(self, value: Any) -> np.ndarray:
        """Return an image as it is read; arguments and refusals as in `data.media.decode_image`."""
        return decode_image(value, self.height, self.width, self.channels)

    @property
    def symbols(self) -> Mapping[str, Sequence[str]]:
        return {"targets": self._read.writes.symbols}

    def read(self, stamp: Any) -> _Read:
        return _read(self, stamp)

    def num_examples(self, split: str, framing: str) -> int:
        return len(self._read.arrays[split]["targets"])

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        part = data[split]
        images = part["images"][part["image"][indices]].astype(jnp.float32) / 255
        mask = jnp.arange(self.length) < part["lengths"][indices][:, None]
        return Batch(images, part["targets"][indices], mask)


@functools.lru_cache(maxsize=4)
def _read(task: Captions, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    tables = {name: _pictured(task, table) for name, table in task.tables().items()}
    parts = split(tables, lambda table: table.columns["digests"])
    wanted = {name: table.columns["texts"] for name, table in parts.tables.items()}
    told = {name: _in_turn(texts) for name, texts in wanted.items()}
    cut = {name: [pieces(text, task.level) for _, text in pairs] for name, pairs in told.items()}
    kept = task.kept_symbols()
    writes = task.vocabulary_of(cut["train"]) if kept is None else Vocabulary(tuple(kept["targets"]))
    arrays = {}
    for name, table in parts.tables.items():
        targets, lengths = with_ends(cut[name], writes, task.length)
        arrays[name] = {
            "images": np.stack(table.columns["images"]),
            "image": np.array([index for index, _ in told[name]], np.int32),
            "targets": targets,
            "lengths": lengths,
        }
    account = {
        **{name: len(table) for name, table in parts.tables.items()},
        "duplicates": parts.duplicates,
        "cut": sum(len(text) >= task.length for texts in cut.values() for text in texts),
    }
    return _Read(arrays, wanted, writes, account)


def _pictured(task: Captions, table: Table) -> Table:
    """Return the `images` of a table, uint8 `(H, W, C)` each, their `digests`, and all `texts` of each."""
    table.require(image=task.image)
    images = [np.rint(255 * image).astype(np.uint8) for image in table.decoded(task.image, task.decode)]
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    told: dict[str, list[str]] = collections.defaultdict(list)
    for digest, texts in zip(digests, table.several_texts("text", task.text), strict=True):
        told[digest] += texts
    every = [tuple(dict.fromkeys(told[digest])) for digest in digests]
    return dataclasses.replace(table, columns={"images": images, "digests": digests, "texts": every})


def _in_turn(wanted: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    """Return the number of an image with each of its texts: every image's first, then the second ones."""
    told = [(turn, index, text) for index, texts in enumerate(wanted) for turn, text in enumerate(texts)]
    return [(index, text) for _, index, text in sorted(told)]
