"""Handwritten digits: read them line by line, or draw them."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_choice
from seqlab.data.encoded import Encoded
from seqlab.registry import import_extra
from seqlab.tasks._classification import class_reference
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Goal, Reference, Spec, Tokens, Vectors

_SIDE = 8
_NUM_CLASSES = 10
_SHUFFLE_SEED = 0
_SHADES = " .:-=+*#%@"


@dataclasses.dataclass(frozen=True)
class Digits(Task):
    """Classify handwritten digits of 8 × 8 grey values in [0, 1], or draw them.

    The 1,797 images are shuffled with a fixed seed and split 80 / 10 / 10 %. No image occurs twice.

    Framings: many_to_one reads the image as T steps of F values, float32 `(B, T, F)`, and writes the class,
    int32 `(B,)`; one_to_one reads all values at once, `(B, 64)`; one_to_many reads the class, int32 `(B,)`,
    and writes the image, float32 `(B, T, F)`. With rows T = F = 8; with pixels T = 64 and F = 1.

    Attributes:
        by: what one step holds, "row" or "pixel".

    Raises:
        ConfigError: scikit-learn is not installed.

    Source: E. Alpaydin & C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
        Repository, 1998, doi:10.24432/C50P49: the test part, from `sklearn.datasets.load_digits`.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "one_to_many", "one_to_one")
    origin: ClassVar[str] = "UCI Optical Recognition of Handwritten Digits"
    licence: ClassVar[str] = "CC BY 4.0"

    by: str = "row"

    def __post_init__(self) -> None:
        require_choice(self, "by", ("row", "pixel"))

    def input_spec(self, framing: str) -> Spec:
        if framing == "one_to_many":
            return Tokens(_NUM_CLASSES)
        return Vectors(_SIDE**2 if framing == "one_to_one" else self._step_features)

    def output_spec(self, framing: str) -> Spec:
        return Vectors(self._step_features) if framing == "one_to_many" else Tokens(_NUM_CLASSES)

    @property
    def _step_features(self) -> int:
        return _SIDE if self.by == "row" else 1

    def goal(self, framing: str) -> Goal:
        """Return the accuracy of reading, or the squared error of free-running drawing."""
        if framing == "one_to_many":
            return Goal("free_running/mse", higher_is_better=False)
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the baseline and the threshold; the mean image of a class minimises the error of drawing."""
        if framing == "one_to_many":
            train, held = self.data["train"], self.data[split]
            baseline = float(jnp.mean((held["images"] - train["images"].mean(axis=0)) ** 2))
            threshold = 1.05 * self.baselines(split, framing)["class mean"]
            return Reference(baseline, "the mean training image", threshold)
        return dataclasses.replace(class_reference(self.encoded, split, {}), threshold=0.95)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("mse",) if framing == "one_to_many" else ("accuracy",)

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the squared error of the mean training image of each class, for drawing only."""
        if framing != "one_to_many":
            return {}
        train, held = self.data["train"], self.data[split]
        membership = jax.nn.one_hot(train["labels"], _NUM_CLASSES, axis=0)
        class_means = membership @ train["images"] / membership.sum(axis=1, keepdims=True)
        return {"class mean": float(jnp.mean((held["images"] - class_means[held["labels"]]) ** 2))}

    def read_prompt(self, text: str, framing: str) -> np.ndarray:
        """Return the class to draw, int32 `()`, from "0" … "9".

        Raises:
            ConfigError: the text is not one digit, or the framing does not draw.
        """
        if framing != "one_to_many":
            return super().read_prompt(text, framing)
        if text not in tuple("0123456789"):
            raise ConfigError(f"prompt: legal values are 0 to 9, got {text!r}")
        return np.array(int(text), np.int32)

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return the complete rows of an image as text, with darker characters for larger values."""
        if framing != "one_to_many":
            return super().render(sequence, framing)
        pixels = np.ravel(sequence)
        image = np.clip(pixels[: len(pixels) // _SIDE * _SIDE].reshape(-1, _SIDE), 0, 1)
        return "\n".join("".join(_SHADES[round(9 * pixel)] for pixel in row) for row in image.tolist())

    @functools.cached_property
    def encoded(self) -> Encoded:
        """Float32 images `(N, 64)` and int32 labels `(N,)` of every split."""
        images, labels = import_extra("sklearn.datasets").load_digits(return_X_y=True)
        order = np.random.RandomState(_SHUFFLE_SEED).permutation(len(labels))
        images, labels = images[order].astype(np.float32) / 16, labels[order].astype(np.int32)
        first, second = len(labels) * 80 // 100, len(labels) * 90 // 100
        rows = {"train": slice(first), "validation": slice(first, second), "test": slice(second, None)}
        return Encoded(
            {split: {"images": images[part], "labels": labels[part]} for split, part in rows.items()}
        )

    def gather(self, indices: jax.Array, split: str, framing: str, data: Any) -> Batch:
        flat, labels = data[split]["images"][indices], data[split]["labels"][indices]
        steps = flat.reshape(len(indices), -1, self._step_features)
        if framing == "one_to_many":
            return Batch(labels, steps, mask=jnp.ones(steps.shape[:2], bool))
        inputs = flat if framing == "one_to_one" else steps
        return Batch(inputs, labels, mask=jnp.ones(labels.shape, bool))
