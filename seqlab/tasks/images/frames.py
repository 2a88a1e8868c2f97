"""Classification of clips: videos and other sequences of images."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_bool, require_count, require_positive
from seqlab.data.columns.classes import classes_of
from seqlab.data.columns.groups import groups_of
from seqlab.data.columns.images import Clips, ImageSize
from seqlab.data.encoded import Encoded, encode
from seqlab.data.media.clips import decode_clip
from seqlab.data.reader import Reader
from seqlab.data.table import Table
from seqlab.tasks._classification import (
    GOAL,
    SCORED,
    class_names,
    class_reference,
    fit_model,
    scores_of_classes,
)
from seqlab.tasks._inputs import described
from seqlab.tasks._sources import make_hashable, shown_field, source_field
from seqlab.tasks.images._shifts import shift_training
from seqlab.tasks.new_rows import column_inputs
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Images, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class Frames(Task):
    """Say which class a clip belongs to, of any number of frames T.

    Clips and classes are two columns of a source; `data.media.clips` describes what a clip may be. A folder
    with a folder for each class, in which each clip is a folder of images, has the columns `frames` and
    `label`. Splits that the source lacks are made by the digest of the clip; duplicates are dropped
    (`data.splits`). The classes are those of the training split.

    Framings: many_to_one reads the first T frames of a clip, float32 `(B, T, H, W, C)` in [0, 1], and writes
    its class, int32 `(B,)`; one_to_one reads them as the channels of one image, black after the last frame,
    `(B, H, W, T·C)`: the early fusion of Karpathy et al. 2014.

    Attributes:
        source: the source of the data (`data.reader`).
        config: the configuration of a data set of the hub.
        vocabulary: the `vocabulary.json` of an earlier run, whose classes are used; None to take them from
            the training split.
        frames: the column of clips.
        label: the column of classes, or several, whose combinations are the classes.
        lengths: the column of the number of real frames, where clips are padded; None where all are real.
        length: the number of frames that are read of a clip at most, T.
        height: frames of another size are resized to this height, in pixels, H.
        width: the width, in pixels, W.
        channels: C: 1 for grey, 3 for red, green and blue; arrays may have any number of channels.
        shift: the largest random shift of a training clip along height and width, in pixels, drawn again
            for every batch (`_shifts`); 0 for no shift.
        group: a column, such as that of speakers: made splits do not divide its rows of equal value; None for
            no groups.
        balance: whether every class is drawn equally often in training.
        resident_bytes: the size of the arrays above which their rows stay on disk; None for a quarter of the
            free memory.
        length_buckets: the number of buckets by length; a batch is drawn from one and padded to its longest
            row. 1 draws from all rows.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read as clips and classes: one line names file, row and column.

    Source: A. Karpathy et al. 2014, "Large-scale video classification with convolutional neural networks",
        CVPR, section 3.1.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "one_to_one")
    scored: ClassVar[tuple[str, ...]] = SCORED
    extras: ClassVar[tuple[str, ...]] = ("sklearn",)

    source: str | None = source_field()
    config: str | None = source_field()
    vocabulary: str | None = source_field()
    frames: str = "frames"
    label: str | Sequence[str] = "label"
    lengths: str | None = None
    length: int = 32
    height: int = 32
    width: int = 32
    channels: int = 1
    shift: int = shown_field(0)
    group: str | None = shown_field(None)
    balance: bool = shown_field(False)
    resident_bytes: int | None = shown_field(None)
    length_buckets: int = shown_field(1)

    def __post_init__(self) -> None:
        require_bool(self, "balance")
        make_hashable(self, "label")
        require_positive(self, "length", "height", "width", "channels", "length_buckets")
        require_count(self, "shift")

    @property
    def reader(self) -> Reader:
        return Reader(self.source, self.config, "task=moving_digits")

    @functools.cached_property
    def encoded(self) -> Encoded:
        size = ImageSize(self.height, self.width, self.channels)
        clips = Clips("frames", self.frames, size, self.length, self.lengths)
        columns = (clips, classes_of(self.label), *groups_of(self.group))
        return encode(self.reader, columns, self.vocabulary, self.resident_bytes)

    def input_spec(self, framing: str) -> Spec:
        num_steps = self.encoded.arrays["train"]["frames"].shape[1] if framing == "one_to_one" else 1
        return Images(self.height, self.width, num_steps * self.channels)

    def new_inputs(self, table: Table) -> Mapping[str, Any]:
        return column_inputs(table, "frames", str(self.frames))

    def read_input(self, value: Any, framing: str) -> np.ndarray:
        """Read a clip: a folder, a list of images or an array `(T, H, W)` or `(T, H, W, C)`."""
        if framing == "one_to_one":
            raise ConfigError(f"task {self.name} with architecture=one_to_one reads no new data")
        path = Path(value) if isinstance(value, str) else value
        try:
            return decode_clip(path, self.height, self.width, self.channels)[: self.length]
        except (OSError, ValueError) as error:
            raise ConfigError(f"prompt: {described(value)} {error}") from error

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(self.encoded.artifacts["classes"]))

    def goal(self, framing: str) -> Goal:
        return GOAL

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def scores(
        self, predictions: np.ndarray, targets: np.ndarray, mask: np.ndarray, split: str
    ) -> Mapping[str, float]:
        return scores_of_classes(predictions, targets, mask)

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return that of the most frequent class; the threshold is halfway from the best baseline to 1."""
        best = class_reference(self.encoded, split, self.baselines(split, framing)).threshold
        return class_reference(self.encoded, split, {"halfway": (1 + best) / 2})

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the accuracy of logistic regression over single images (scikit-learn).

        One reads the mean of a clip's frames, the other the last frame minus the first.
        """
        return {name: _accuracy(self, name, split) for name in _BASELINES}

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the names of classes."""
        return class_names(sequence, self.encoded.artifacts)

    def draw(self, key: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        return shift_training(super().draw(key, size, split, framing, data), key, split, self.shift)

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        frames, lengths, labels = (data[split][name][indices] for name in ("frames", "lengths", "labels"))
        mask = jnp.ones(labels.shape, bool)
        if framing == "one_to_one":
            fused = jnp.moveaxis(frames, 1, 3).reshape(len(indices), self.height, self.width, -1)
            return Batch(fused, labels, mask)
        return Batch(frames, labels, mask, lengths)


def _mean(frames: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return frames.sum(axis=1) / lengths.reshape(-1, 1, 1, 1)  # padding is 0


def _change(frames: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return frames[np.arange(len(frames)), lengths - 1] - frames[:, 0]


_BASELINES = {
    "logistic regression, mean frame": _mean,
    "logistic regression, last frame less first": _change,
}


@functools.lru_cache(maxsize=8)
def _accuracy(task: Frames, baseline: str, split: str) -> float:
    """Return the accuracy of a baseline on a split."""
    return float(_model(task, baseline).score(*_images_and_labels(task, baseline, split)))


@functools.lru_cache(maxsize=4)
def _model(task: Frames, baseline: str) -> Any:
    return fit_model("logistic regression", *_images_and_labels(task, baseline, "train"), tol=1e-3)


def _images_and_labels(task: Frames, baseline: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what a baseline reads of a split, `(N, H·W·C)`, and the labels `(N,)`."""
    part = task.encoded.arrays[split]
    images = _BASELINES[baseline](part["frames"], part["lengths"])
    return images.reshape(len(images), -1), part["labels"]
