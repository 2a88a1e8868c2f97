"""Cells of `conf/cell`, small, for the tests of every cell; their problems are those of `seqlab.testing`."""

from __future__ import annotations

import pytest
import yaml

from seqlab.registry import CONF, locate
from seqlab.testing.cells import LENGTHS, B, F, T, problem, run
from seqlab.testing.laws import difference, same

__all__ = [
    "CELLS",
    "LENGTHS",
    "B",
    "F",
    "H",
    "T",
    "difference",
    "every_cell",
    "from_conf",
    "problem",
    "run",
    "same",
]

H = 8  # so that heads of 1, 2 or 4 divide it
SMALL = {"features": H, "window": 4}
"""The values of keys in every cell that has them."""


def from_conf(name, **fields):
    """Return the cell of a file under `conf/cell`, H wide."""
    settings = yaml.safe_load((CONF / "cell" / f"{name}.yaml").read_text())
    settings |= {key: value for key, value in SMALL.items() if key in settings} | fields
    if settings.get("scan") == "auto":
        settings["scan"] = "chunked"  # at this width, "auto" is the plain scan on a CPU
    return locate(settings.pop("_target_"), "cell")(**settings)


CELLS = {path.stem: from_conf(path.stem) for path in sorted((CONF / "cell").glob("*.yaml"))}
VARIANTS = {
    "elman-identity": from_conf("elman", activation="identity"),
    "gru-reset-before": from_conf("gru", reset_after=False),
    "min_gru-associative": from_conf("min_gru", scan="associative"),
    "min_lstm-associative": from_conf("min_lstm", scan="associative"),
    "attention-alibi": from_conf("attention", positions="alibi", num_heads=4),
    "lru-associative": from_conf("lru", scan="associative"),
}
CELLS |= VARIANTS

every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
