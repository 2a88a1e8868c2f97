"""Types that all packages share: batches, what networks read and write, goals and references."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # JAX takes a second, and commands that only read run folders do without
    from jax import Array

Tree = Any
"""A tree of arrays: nested dicts, tuples and lists with arrays as leaves, as `jax.tree` takes it."""
Carry = Tree
"""The recurrent state of a cell: a real array or a tree of them, `(B, …)` each: B and one axis or more."""
Params = Mapping[str, Any]
"""A tree of parameter arrays keyed by name."""
Metrics = Mapping[str, Any]
"""A flat dict of arrays by name, as logged: `{"train/loss": …}`."""


class ExitStatus(enum.IntEnum):
    """The exit status of a command.

    Attributes:
        FINISHED: everything that was asked for is done.
        FAILED: a run did not finish, or a file is damaged or has a row that cannot be used.
        REFUSED: a key, a value, an option or a folder is not legal; nothing was begun.
        INTERRUPTED: Ctrl-C or another signal of `seqlab.interrupts` ended it; a run was saved.
        PIPE_CLOSED: the reader of its output, such as `head`, ended before it.
    """

    FINISHED = 0
    FAILED = 1
    REFUSED = 2
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class ConfigError(ValueError):
    """A configuration that cannot run. The message is one line with the key and the legal values."""


class IncompatibleError(ConfigError):
    """A combination of choices that are legal alone but do not fit together."""


class DataError(ConfigError):
    """A row of a file that cannot be used. The message is one line with file, row and column."""


class UnfinishedRunError(Exception):
    """A run that was asked for did not finish; its summary says why."""


class Batch(NamedTuple):
    """Batch of examples in one framing.

    Attributes:
        inputs: what the network reads: int32 tokens `(B,)` or `(B, T)`, float32 vectors or labels `(B, F)` or
            `(B, T, F)`, or float32 images `(B, H, W, C)` or `(B, T, H, W, C)`. Networks of one input read the
            shape without `T`.
        targets: what the network should write: int32 classes `(B,)` or `(B, T)`, float32 `(B, O)` or
            `(B, T, O)`, or int32 transcripts `(B, M)`.
        mask: bool `(B,)`, `(B, T)` or `(B, M)`, the positions of `targets` that count in losses and metrics.
        lengths: int32 `(B,)`, the number of steps of each input sequence; None where no sequence is padded.
        resets: bool `(B, T)`, the steps at which a new sequence starts (many_to_many only); None where there
            is none.
    """

    inputs: Array
    targets: Array
    mask: Array
    lengths: Array | None = None
    resets: Array | None = None


@dataclasses.dataclass(frozen=True)
class Tokens:
    """One of `size` symbols, int32 in `[0, size)`; as an output, `size` logits."""

    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one position."""
        return ()


@dataclasses.dataclass(frozen=True)
class Vectors:
    """A float32 vector of `size` features; as an output, its prediction with the squared error as loss."""

    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one position."""
        return (self.size,)


@dataclasses.dataclass(frozen=True)
class Gaussians:
    """A float32 vector of `size` features as an output whose uncertainty is predicted too.

    The predictions are `2 size` numbers: the mean of each feature, then a number s of each, from which its
    standard deviation is σ = ln(1 + e^s). Given the inputs, the features are independent Gaussian variables.
    The loss is −ln of their density, averaged over features.
    """

    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one position."""
        return (self.size,)


@dataclasses.dataclass(frozen=True)
class Labels:
    """Any number of `size` labels, float32 0 or 1 `(size,)`; as an output, `size` logits.

    Given the inputs, the labels are independent Bernoulli variables. The loss is −ln of their joint
    probability.
    """

    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one position."""
        return (self.size,)


@dataclasses.dataclass(frozen=True)
class Images:
    """A float32 image `(H, W, C)` of values in [0, 1]; never an output."""

    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one position."""
        return self.height, self.width, self.channels

    @property
    def size(self) -> int:
        """The number of values of an image."""
        return self.height * self.width * self.channels


@dataclasses.dataclass(frozen=True)
class Transcript:
    """Tokens, int32 `(M,)` in `[0, size)`, that are not aligned with the T steps of the input.

    As an output, `size + 1` logits at each step; the last is that of the blank, which is no token
    (connectionist temporal classification, Graves et al. 2006).
    """

    size: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one position."""
        return ()


Spec = Tokens | Vectors | Gaussians | Labels | Images | Transcript
"""What one position of an input or an output holds."""


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
