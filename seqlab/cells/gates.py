"""Gate activations of a step, sown into a Flax collection."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax

GATES = "gates"
"""Name of the collection."""


def sow(cell: nn.Module, **gates: jax.Array) -> None:
    """Sow activations in [0, 1], `(…, H)`, by name.

        (carry, y), sown = cell.apply({"params": params}, carry, x, mutable="gates")

    Then `sown["gates"]` contains them. Without `mutable` they are not stored and cost nothing. `forget` and
    `update` are the share of the state that is kept, whichever letter the equation uses for it.
    """
    if not cell.is_initializing():
        for name, values in gates.items():
            cell.sow(GATES, name, values, reduce_fn=_latest, init_fn=tuple)


def _latest(old: Any, new: Any) -> Any:
    return new
