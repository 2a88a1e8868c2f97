"""Windows of cells that are shorter than the sequences that they read."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax

from seqlab.architectures import Network
from seqlab.recurrence.protocols import window_of
from seqlab.types import Batch


def window_note(network: Network, draw: Callable[[], Batch]) -> tuple[str, ...]:
    """Return a sentence where a step of the cell reads fewer steps than a sequence has; none elsewhere.

    Args:
        network: the network.
        draw: returns a batch; only its shapes are computed.
    """
    if (window := window_of(network.cell)) is None or network.framing == "one_to_one":
        return ()
    batch = jax.eval_shape(draw)
    read = zip((batch.inputs, batch.targets), (network.inputs, network.outputs), strict=True)
    steps = max(math.prod(array.shape[1 : array.ndim - len(spec.shape)]) for array, spec in read)
    if steps <= window:
        return ()
    return (
        f"cell.window={window} is shorter than sequences of {steps:,} steps: "
        "a step does not read what lies before its window",
    )
