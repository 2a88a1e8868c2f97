"""What do the gates of a step say? They are sown where who asks for them finds them."""

from __future__ import annotations

import flax.linen as nn
import jax

GATES = "gates"
"""The collection that the gates are sown in."""


def sow(cell: nn.Module, **gates: jax.Array) -> None:
    """Sow values in [0, 1], `(…, H)`, by their names; kept where the collection `gates` is mutable.

        (carry, y), seen = cell.apply({"params": params}, carry, x, mutable="gates")

    Then `seen["gates"]` holds them; a step that nobody asks computes nothing more. `forget` and `update` are
    told as the share of the state that is kept, whichever letter has it in the equation.
    """
    if not cell.is_initializing():
        for name, values in gates.items():
            cell.sow(GATES, name, values, reduce_fn=lambda _, new: new, init_fn=lambda: None)
