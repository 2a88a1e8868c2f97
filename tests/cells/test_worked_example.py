"""The worked example of CONTRIBUTING.md, compared with the cell."""

from __future__ import annotations

import inspect
from pathlib import Path

from seqlab.cells import MGU
from seqlab.registry import CONF

PAGE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()


def test_the_step_is_shown_as_it_is():
    lines = inspect.getsource(MGU).split('"""Take one step')[1].split("\n")[1:]
    assert len(lines) > 6
    assert all(line in PAGE for line in lines)
    assert str(MGU.gates).replace("'", '"') in PAGE


def test_the_yaml_is_shown_as_it_is():
    shown = PAGE.replace("  # conf/cell/mgu.yaml", "")
    assert (CONF / "cell" / "mgu.yaml").read_text() in shown
