"""Pathfinder: say whether two marked ends belong to the same dashed line of a small picture."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_choice, require_count, require_positive
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.task import SPLITS, Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens, Vectors

SHORTEST_SIDE = 8
DIRECTIONS, UNIT = 32, 256
"""The number of headings of a line, and the parts of a pixel; integers are rounded alike everywhere."""
NUM_PLACINGS = 64
"""The placings of both lines that are drawn; the one with the lines farthest apart is taken."""
DASH, MARK = 0.5, 1.0
"""The values of a dash and of a marked end; all else is 0."""


class Lines(NamedTuple):
    """Both lines of a picture.

    Attributes:
        points: int32 `(B, 2, S, 2)`, row and column of the pixels of each line in order.
        marked: int32 `(B, 2, 2)`, row and column of both marked ends.
        connected: int32 `(B,)`, 1 where they are ends of one line.
    """

    points: jax.Array
    marked: jax.Array
    connected: jax.Array


@dataclasses.dataclass(frozen=True)
class Pathfinder(Task):
    """Say whether two marked ends belong to the same one of two dashed lines.

    A line is S = 3 ⌊side / 4⌋ − 1 steps of one pixel. Its heading turns by 11¼° at every other step on
    average, always to the same side or not at all. Two of three pixels of a line are dashes, of the value .5.
    The marked ends have the value 1: both ends of one line (class 1), or one end of each (class 0), with
    probability ½. Distractors are further dashes of three pixels, which may lie on the lines.

    Framings: many_to_one reads the picture pixel by pixel, float32 `(B, side², 1)`, or row by row,
    `(B, side, side)`, and writes the class, int32 `(B,)`; one_to_one reads it at once, `(B, side²)`. The
    splits are separate random streams.

    Attributes:
        side: the number of rows and of columns, at least 8.
        by: what one step holds, "pixel" or "row".
        num_distractors: the number of further dashes.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: D. Linsley, J. Kim, V. Veerabadran, C. Windolf & T. Serre, "Learning Long-Range Spatial
        Dependencies with Horizontal Gated Recurrent Units", arXiv:1805.08315, 2018; pixel by pixel, with
        32 × 32 pixels and more, in Y. Tay et al., "Long Range Arena", arXiv:2011.04006, 2020. The pictures
        here are smaller and drawn by other rules.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_one", "one_to_one")
    origin: ClassVar[str] = "after Linsley et al. 2018"

    side: int = 16
    by: str = "pixel"
    num_distractors: int = 2
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "side")
        require_count(self, "num_distractors")
        require_choice(self, "by", ("pixel", "row"))
        if self.side < SHORTEST_SIDE:
            raise ValueError(f"side must be at least {SHORTEST_SIDE}, got {self.side}")

    def input_spec(self, framing: str) -> Spec:
        if framing == "one_to_one":
            return Vectors(self.side**2)
        return Vectors(1 if self.by == "pixel" else self.side)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(2)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.9)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy",)

    def draw(self, key: jax.Array, size: int, split: str, framing: str, data: Any) -> Batch:
        lines_key, distractors_key = jax.random.split(jax.random.fold_in(key, SPLITS.index(split)))
        lines = self.lines(lines_key, size)
        pictures = self.picture(lines, self._distractors(distractors_key, size))
        steps = pictures.reshape(size, -1, 1) if self.by == "pixel" else pictures
        inputs = pictures.reshape(size, -1) if framing == "one_to_one" else steps
        return Batch(inputs, lines.connected, jnp.ones(size, bool))

    def lines(self, key: jax.Array, size: int) -> Lines:
        """Draw both lines of some pictures, as far apart as the best of some placings has them."""
        bend_key, place_key, class_key, ends_key = jax.random.split(key, 4)
        bends = self._bends(bend_key, (size, 2), 3 * (self.side // 4) - 1)
        room = (self.side - 1) * UNIT - bends.max(axis=2)
        shape = (size, NUM_PLACINGS, 2, 2)
        corners = jax.random.randint(place_key, shape, 0, room[:, None] + 1)
        placed = bends[:, None] + corners[:, :, :, None]  # (B, placings, 2, S, 2)
        some = placed[:, :, :, ::2] // 16  # every other point, in parts whose squares fit int32
        gaps = some[:, :, 0, :, None] - some[:, :, 1, None]
        nearest = (gaps**2).sum(axis=-1).min(axis=(2, 3))
        best = jnp.argmax(nearest, axis=1)
        points = (placed[jnp.arange(size), best] + UNIT // 2) // UNIT
        connected = jax.random.bernoulli(class_key, shape=(size,)).astype(jnp.int32)
        line, end = jax.random.randint(ends_key, (2, size), 0, 2)
        ends = points[:, :, jnp.array([0, -1])]
        rows = jnp.arange(size)
        others = jnp.where(connected[:, None] == 1, ends[rows, line, 1 - end], ends[rows, 1 - line, end])
        return Lines(points, jnp.stack([ends[rows, line, end], others], axis=1), connected)

    def _distractors(self, key: jax.Array, size: int) -> jax.Array:
        """Return the pixels of further dashes, int32 `(B, N, 3, 2)`."""
        bend_key, place_key = jax.random.split(key)
        bends = self._bends(bend_key, (size, self.num_distractors), 3)
        room = (self.side - 1) * UNIT - bends.max(axis=2)
        corners = jax.random.randint(place_key, room.shape, 0, room + 1)
        return (bends + corners[:, :, None] + UNIT // 2) // UNIT

    def _bends(self, key: jax.Array, shape: tuple[int, ...], num_steps: int) -> jax.Array:
        """Draw lines of one pixel a step, int32 `(*shape, S, 2)` in parts of a pixel, from 0 in both axes."""
        heading_key, side_key, turn_key = jax.random.split(key, 3)
        headings = jax.random.randint(heading_key, (*shape, 1), 0, DIRECTIONS)
        sides = jax.random.randint(side_key, (*shape, 1), -1, 2)
        turns = jax.random.bernoulli(turn_key, shape=(*shape, num_steps))
        headings = (headings + jnp.cumsum(turns * sides, axis=-1)) % DIRECTIONS
        angles = 2 * math.pi / DIRECTIONS * np.arange(DIRECTIONS)
        moves = jnp.asarray(np.round(UNIT * np.stack([np.sin(angles), np.cos(angles)], axis=-1)), jnp.int32)
        points = jnp.cumsum(moves[headings], axis=-2)
        return points - points.min(axis=-2, keepdims=True)

    def picture(self, lines: Lines, distractors: jax.Array) -> jax.Array:
        """Return the pictures `(B, side, side)` of lines and of further dashes, int32 `(B, N, 3, 2)`."""
        size, dashes = len(lines.points), np.arange(lines.points.shape[2]) % 3 != 2
        dashed = lines.points[:, :, dashes].reshape(size, -1, 2)
        pixels = jnp.concatenate([dashed, distractors.reshape(size, -1, 2)], axis=1)
        rows = jnp.arange(size)[:, None]
        canvas = jnp.zeros((size, self.side, self.side))
        canvas = canvas.at[rows, pixels[..., 0], pixels[..., 1]].set(DASH)
        return canvas.at[rows, lines.marked[..., 0], lines.marked[..., 1]].set(MARK)
