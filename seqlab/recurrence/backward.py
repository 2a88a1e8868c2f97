"""Options of the backward pass through time."""

from __future__ import annotations

from typing import NamedTuple

from seqlab.recurrence.gradient_control import NO_CONTROL, GradientControl
from seqlab.recurrence.truncated import Truncation

BACKENDS = ("scan", "cudnn", "native")
"""What can compute a layer: the forms of `unroll`, cuDNN, and our kernel in C++."""


class Backward(NamedTuple):
    """What the backward pass of a network or a stack does beyond plain backpropagation through time.

    Attributes:
        control: what acts on the cotangents at every step.
        truncation: how far back gradients go; None for all steps (full BPTT).
        chunked: whether chunks of steps are computed again in place of saving what they need (`chunked`). It
            changes gradients by rounding alone.
        backend: what computes a layer where it can, its forward pass included: "cudnn" (`cudnn`) or "native"
            (`native`); "scan" for neither.
    """

    control: GradientControl = NO_CONTROL
    truncation: Truncation | None = None
    chunked: bool = False
    backend: str = "scan"


FULL_BACKWARD = Backward()
"""Plain backpropagation through all steps."""
