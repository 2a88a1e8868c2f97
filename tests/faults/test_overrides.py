"""Overrides of which each once ended in a traceback, or in a line without its key."""

from __future__ import annotations

import pytest
from one_line import require_line

FOUND = [
    *("sweep=1.5", "optimizer=0.5", "cell=7", "++schedule.value=4294967295", "~architecture=0.5"),
    *("tracking=null", "gradients._target_=seqlab.cells.LSTM", "cell={a: 1}", "=3", "hydra=null"),
    *("cell=lstm=3", "cell@x=lstm", "training.steps=${nothing}", "++x=${x}", "seed=999999999999999999999"),
    *("cell.features=99999999999999", "training.batch_size=99999999999999", "++optimizer.b1=null"),
    *("++schedule.value=abc", "sweep.resume=7", "+experiment=[adding,copy_memory]", "ç\na"),
]
"""Overrides of which each once ended in a traceback, or in a line without its key."""


@pytest.mark.parametrize("override", FOUND)
def test_an_override_that_once_failed_is_legal_or_refused_in_one_line(override):
    require_line([override])
