"""Options of the backward pass through time."""

from __future__ import annotations

from typing import NamedTuple

from seqlab.recurrence.gradient_control import NO_CONTROL, GradientControl
from seqlab.recurrence.truncated import Truncation


class Backward(NamedTuple):
    """What the backward pass of a network or a stack does beyond plain backpropagation through time.

    Attributes:
        control: what acts on the cotangents at every step.
        truncation: how far back gradients go; None for all steps (full BPTT).
        chunked: whether chunks of steps are computed again in place of saving what they need (`chunked`). It
            changes gradients by rounding alone.
        cudnn: whether cuDNN computes a layer where it can (`cudnn`), its forward pass included.
    """

    control: GradientControl = NO_CONTROL
    truncation: Truncation | None = None
    chunked: bool = False
    cudnn: bool = False


FULL_BACKWARD = Backward()
"""Plain backpropagation through all steps."""
