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
        inputs: what the network reads; int32 tokens `(B,)` or `(B, T)`, float32 vectors or labels `(B, F)` or
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
class Labels:
    """Any of `size` labels at once, held as float32 0 or 1 `(size,)`; as an output: `size` logits.

    The labels are independent Bernoulli variables given what was read: the loss is −ln of the probability of
    all of them together.
    """

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


Spec = Tokens | Vectors | Labels | Images | Transcript
"""What stands at one position of an input or an output."""


@dataclasses.dataclass(frozen=True)
class Goal:
    """The metric that decides which parameters of a run are the best.

    Attributes:
        metric: the name of the metric, or "loss", without a prefix such as `eval/`.
        higher_is_better: the direction of the metric.
    """

    metric: str
    higher_is_better: bool

    def improves(self, new: float, old: float) -> bool:
        """Return whether `new` is strictly better than `old`; a NaN is worse than any number."""
        if new != new:
            return False
        if old != old:
            return True
        return new > old if self.higher_is_better else new < old


@dataclasses.dataclass(frozen=True)
class Reference:
    """Values of a goal's metric that a run is compared with.

    Attributes:
        baseline: the value that a naive predictor reaches, which learns nothing about sequences.
        description: that predictor, in words.
        threshold: the value at which the task counts as solved.
    """

    baseline: float
    description: str
    threshold: float

    def is_solved(self, value: float, higher_is_better: bool) -> bool:
        """Return whether `value` reaches the threshold; NaN does not."""
        return value >= self.threshold if higher_is_better else value <= self.threshold
