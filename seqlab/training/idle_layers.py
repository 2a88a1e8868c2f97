"""Layers that cannot learn: their gradient is 0, or all their units are saturated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NORM = "grads/norm/"
_SATURATED = 0.999
"""The share of units from which a gate counts as saturated."""


class IdleLayers:
    """What the logged rows of a run say of layers that cannot learn.

    A gradient counts where it is 0 in two rows of training one after another: in the first step it may be,
    behind a layer that starts at 0.

    Attributes:
        sentences: what was noticed, in the order of time.
    """

    def __init__(self) -> None:
        """Start without rows."""
        self.sentences: list[str] = []
        self._noticed: set[str] = set()
        self._before: set[str] = set()

    def notice(self, row: Mapping[str, Any]) -> list[str]:
        """Return a sentence for every layer that was not noticed before.

        Args:
            row: a row of training; rows without the norms of gradients are passed over.
        """
        norms: dict[str, Any] = {
            key.removeprefix(_NORM): value for key, value in row.items() if key.startswith(_NORM)
        }
        if norms and row.get("grads/norm") == 0:
            norms = {"the whole network": 0.0}
        zero = {path for path, norm in norms.items() if norm == 0}
        whole = {path for path in zero & self._before if path.rpartition("/")[0] not in zero & self._before}
        found = {
            path: f"the gradient of {path} is 0 at step {row['step']}: it learns nothing" for path in whole
        }
        for key, share in row.items():
            gate, _, side = key.removeprefix("gates/").rpartition("/")
            if key.startswith("gates/") and side in ("open", "closed") and share >= _SATURATED:
                found[key] = f"all units of {gate} are {side} at step {row['step']}: their gradient vanishes"
        new = {name: sentence for name, sentence in found.items() if name not in self._noticed}
        self._before = zero if norms else self._before
        self._noticed |= new.keys()
        self.sentences += new.values()
        return list(new.values())
