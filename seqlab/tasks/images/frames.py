"""What happens in a clip? The class of every video, or other sequence of images, of a source."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.data.clips import decode_clip
from seqlab.data.padding import cut_to_length
from seqlab.data.splits import digest, split
from seqlab.data.table import Table
from seqlab.registry import import_extra
from seqlab.tasks._classification import Classification, classes_of, numbers_of
from seqlab.types import Batch, Images, Reference, Spec


class _Read(NamedTuple):
    """A source as numbers, float32 `frames` `(N, T, H, W, C)`, int32 `lengths` and `labels` `(N,)`."""

    arrays: dict[str, dict[str, np.ndarray]]
    classes: tuple[str, ...]
    account: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Frames(Classification):
    """Say which class a clip belongs to, of any number of frames T.

    Clips and classes are two columns of a source; what a clip may be, `data.clips` says. A folder with a
    folder for each class, in which each clip is a folder of images, has them in the columns `frames` and
    `label`. Splits that the source lacks are made by the digest of the clip; one that occurs twice is kept
    once (`data.splits`). The classes are those of the training split.

    Framings: many_to_one reads the first T frames of a clip, float32 `(B, T, H, W, C)` in [0, 1], and writes
    its class, int32 `(B,)`; one_to_one reads them as the channels of one image, black after the last,
    `(B, H, W, T·C)`: the early fusion of Karpathy et al. 2014.

    Attributes:
        frames: the column of clips.
        lengths: the column that says how many frames of each are real, where clips are padded; None where all
            of them are.
        length: frames that are read of a clip at most, T.
        height: H, in pixels; what has another size is resized.
        width: W.
        channels: C: 1 for grey, 3 for red, green and blue; arrays may have any number of channels.

    Raises:
        ValueError: a field that is not legal.
        ConfigError: the source cannot be read, or not as clips and classes: one line names file, row and
            field. Or scikit-learn is not installed, which the baselines are made with.

    Source: A. Karpathy et al. 2014, "Large-scale video classification with convolutional neural networks",
        CVPR, section 3.1.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "one_to_one")
    instead: ClassVar[str] = "task=moving_digits"

    frames: str = "frames"
    lengths: str | None = None
    length: int = 32
    height: int = 32
    width: int = 32
    channels: int = 1

    def __post_init__(self) -> None:
        require_positive(self, "length", "height", "width", "channels")

    def input_spec(self, framing: str) -> Spec:
        num_steps = self._read.arrays["train"]["frames"].shape[1] if framing == "one_to_one" else 1
        return Images(self.height, self.width, num_steps * self.channels)

    def reference(self, framing: str) -> Reference:
        """Return the baseline; the threshold lies halfway between the best baseline and 1."""
        reference = super().reference(framing)
        return dataclasses.replace(reference, threshold=(1 + reference.threshold) / 2)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the accuracy of scikit-learn's logistic regression over single images, learnt in training.

        One reads the mean of a clip's frames, the other the last less the first.
        """
        return {name: _accuracy(self, name, split) for name in _BASELINES}

    @property
    def symbols(self) -> Mapping[str, Sequence[str]]:
        return {"classes": self._read.classes}

    def read(self, stamp: Any) -> _Read:
        return _read(self, stamp)

    def clips_of(self, table: Table) -> list[np.ndarray]:
        """Return the real frames of a table's clips, each float32 `(T, H, W, C)`.

        Raises:
            ConfigError: there is no such column, or a clip is none.
        """
        table.require(frames=self.frames, **({"lengths": self.lengths} if self.lengths else {}))
        size = self.height, self.width, self.channels
        clips = table.decoded(self.frames, lambda value: decode_clip(value, *size))
        if self.lengths:
            ends = table.counts(self.lengths, [len(clip) for clip in clips])
            clips = [clip[:end] for clip, end in zip(clips, ends, strict=True)]
        return clips

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        frames, lengths, labels = (data[split][name][indices] for name in ("frames", "lengths", "labels"))
        mask = jnp.ones(labels.shape, bool)
        if framing == "one_to_one":
            fused = jnp.moveaxis(frames, 1, 3).reshape(len(indices), self.height, self.width, -1)
            return Batch(fused, labels, mask)
        return Batch(frames, labels, mask, lengths)


@functools.lru_cache(maxsize=4)
def _read(task: Frames, stamp: Any) -> _Read:
    """Read a task's source; `stamp` tells a file from what it was."""
    given = {}
    for name, table in task.tables().items():
        table.require(label=task.label)
        columns = {task.frames: task.clips_of(table), task.label: table.columns[task.label]}
        given[name] = dataclasses.replace(table, columns=columns)
    parts = split(given, lambda table: list(map(digest, table.columns[task.frames])))
    kept = task.kept_symbols()
    classes = classes_of(parts.tables["train"], task.label) if kept is None else tuple(kept["classes"])
    clips = {name: table.columns[task.frames] for name, table in parts.tables.items()}
    longest = max(len(clip) for every in clips.values() for clip in every)
    arrays = {}
    for name, table in parts.tables.items():
        frames, lengths = cut_to_length(clips[name], min(task.length, longest))
        labels = numbers_of(table, task.label, classes)
        arrays[name] = {"frames": frames, "lengths": lengths, "labels": labels}
    account = {
        **{name: len(table) for name, table in parts.tables.items()},
        "duplicates": parts.duplicates,
        "cut": sum(len(clip) > task.length for every in clips.values() for clip in every),
    }
    return _Read(arrays, classes, account)


def _mean(frames: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return frames.sum(axis=1) / lengths.reshape(-1, 1, 1, 1)  # what is not real is 0


def _change(frames: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return frames[np.arange(len(frames)), lengths - 1] - frames[:, 0]


_BASELINES = {
    "logistic regression, mean frame": _mean,
    "logistic regression, last frame less first": _change,
}


@functools.lru_cache(maxsize=8)
def _accuracy(task: Frames, baseline: str, split: str) -> float:
    """Return the accuracy of a baseline on a split."""
    return float(_fitted(task, baseline).score(*_images(task, baseline, split)))


@functools.lru_cache(maxsize=4)
def _fitted(task: Frames, baseline: str) -> Any:
    model = import_extra("sklearn.linear_model").LogisticRegression(tol=1e-3, max_iter=1000)
    return model.fit(*_images(task, baseline, "train"))


def _images(task: Frames, baseline: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what a baseline reads of a split, `(N, H·W·C)`, and the classes `(N,)`."""
    part = task.load()[split]
    images = _BASELINES[baseline](part["frames"], part["lengths"])
    return images.reshape(len(images), -1), part["labels"]
