"""What are the words?

The vocabulary that every other room speaks: what a batch is, what a network reads and writes, and how
a task says what counts as right. Nothing here computes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax

Array = jax.Array
Carry = Any
"""The recurrent state of a cell: an array or a tree of arrays, each `(B, H)`."""
Params = Mapping[str, Any]
"""A tree of parameter arrays keyed by name."""
Metrics = Mapping[str, Any]
"""A flat `name -> array` dict, as logged: `{"train/loss": …}`."""


class ConfigError(ValueError):
    """A configuration that cannot run: the message is one line naming the key and the legal values."""


class IncompatibleError(ConfigError):
    """A combination of choices, each legal alone, that does not fit together."""


class Batch(NamedTuple):
    """A batch of examples, framed for one architecture.

    Attributes:
        inputs: what the network reads; int32 tokens `(B,)` or `(B, T)`, float32 vectors `(B, F)` or
            `(B, T, F)`, or float32 images `(B, H, W, C)` or `(B, T, H, W, C)`. One-input architectures read
            the form without `T`.
        targets: what it should write; int32 classes `(B,)` or `(B, T)`, float32 `(B, O)` or `(B, T, O)`, or
            int32 transcripts `(B, M)`.
        mask: bool `(B,)`, `(B, T)` or `(B, M)`, the positions of `targets` that count in losses and metrics.
        lengths: int32 `(B,)`, the real steps of each input sequence; None where every step is real.
        resets: bool `(B, T)`, the steps at which a sequence starts anew, which many_to_many reads; None where
            none does.
    """

    inputs: Array
    targets: Array
    mask: Array
    lengths: Array | None = None
    resets: Array | None = None


@dataclasses.dataclass(frozen=True)
class Tokens:
    """One symbol out of `size`, held as int32 in `[0, size)`; as an output: `size` logits."""

    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of what stands at one position."""
        return ()


@dataclasses.dataclass(frozen=True)
class Vectors:
    """A float32 vector of `size` features; as an output: its predicted value, judged by squared error."""

    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of what stands at one position."""
        return (self.size,)


@dataclasses.dataclass(frozen=True)
class Images:
    """A float32 image `(H, W, C)` of values in [0, 1]; never an output."""

    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of what stands at one position."""
        return self.height, self.width, self.channels

    @property
    def size(self) -> int:
        """How many values an image has."""
        return self.height * self.width * self.channels


@dataclasses.dataclass(frozen=True)
class Transcript:
    """Tokens in `[0, size)`, held as int32 `(M,)`, that T steps spell; which step writes which is not said.

    As an output: `size + 1` logits at each step, the last that of the blank, which is no token (connectionist
    temporal classification, Graves et al. 2006).
    """

    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of what stands at one position."""
        return ()


Spec = Tokens | Vectors | Images | Transcript
"""What stands at one position of an input or an output."""


@dataclasses.dataclass(frozen=True)
class Goal:
    """How a run on a task is judged.

    Attributes:
        metric: the name of the deciding metric, without its `eval/` prefix.
        chance: its value for a naive baseline that learns nothing of sequences.
        baseline: what that baseline is, in words.
        solved: the value at which the task counts as solved.
        higher_is_better: the direction of the metric.
    """

    metric: str
    chance: float
    baseline: str
    solved: float
    higher_is_better: bool

    def improves(self, new: float, old: float) -> bool:
        """Say whether `new` is strictly better than `old`; a NaN never is, and anything beats a NaN."""
        if new != new:
            return False
        if old != old:
            return True
        return new > old if self.higher_is_better else new < old

    def is_solved(self, value: float) -> bool:
        """Say whether `value` reaches the threshold."""
        return value >= self.solved if self.higher_is_better else value <= self.solved
