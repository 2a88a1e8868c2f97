"""Counterparts: what a cell that other libraries have too says of itself."""

from __future__ import annotations

import dataclasses
from typing import Protocol, runtime_checkable

from seqlab.checks import own_attribute, require_choice

KINDS = ("RNN", "LSTM", "GRU")


@dataclasses.dataclass(frozen=True)
class Counterpart:
    """The cell of other libraries that computes the same.

    Attributes:
        kind: the name that most libraries give to it: RNN, LSTM or GRU.
        activation: φ of an RNN.
        reset_after: whether a GRU resets after the product; its candidate has two biases then.

    Raises:
        ValueError: the kind is none of `KINDS`.
    """

    kind: str
    activation: str = "tanh"
    reset_after: bool = False

    def __post_init__(self) -> None:
        require_choice(self, "kind", KINDS)


@runtime_checkable
class Portable(Protocol):
    """A cell whose weights go to other libraries and come from them.

    Its parameters are those of `Cell`, and `candidate_bias` `(H,)` with `reset_after`. A class says
    what its counterpart is in its own body: a subclass may compute something else, so it inherits none.
    """

    @property
    def features(self) -> int:
        """H, the width of the output."""
        ...

    @property
    def gates(self) -> tuple[str, ...]:
        """Letters of the gates, in the order of the kernels' blocks: h, or those of i f g o or r z n."""
        ...

    @property
    def counterpart(self) -> Counterpart:
        """The cell of other libraries."""
        ...


def portable(cell: object, library: str) -> Portable:
    """Return a cell that a library has too.

    Raises:
        ValueError: the cell has no counterpart in `library`.
    """
    if isinstance(cell, Portable) and own_attribute(cell, "counterpart") is not None:
        return cell
    raise ValueError(
        f"{type(cell).__name__} has no counterpart in {library}: "
        "legal cells are Elman, LSTM, GRU, and others with a `counterpart` of their own"
    )
