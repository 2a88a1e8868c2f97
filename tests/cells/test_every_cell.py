"""Every cell obeys the laws of `seqlab.testing`."""

from __future__ import annotations

import pytest
from every_cell import every_cell

from seqlab.testing import CELL_LAWS


@pytest.mark.parametrize("law", CELL_LAWS, ids=str)
@every_cell
def test_law(cell, law):
    law(cell)
