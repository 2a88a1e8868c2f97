"""Do the rows of a run say what flowed back?"""

from __future__ import annotations

import numpy as np
import pytest
from tiny_runs import CELLS, tiny

from seqlab import run
from seqlab.tracking import read_rows

TOP = "grads/through_time"


def first_row(folder, *overrides):
    run([*overrides, "training.steps=1", f"hydra.run.dir={folder}"])
    return next(row for row in read_rows(folder) if "train/loss" in row)


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_tells_of_every_step(cell, folder):
    row = first_row(folder, *tiny("adding", "many_to_one", f"cell={cell}"))
    assert len(row[f"{TOP}/log10_norm"]) == 6
    assert np.isfinite([*row[f"{TOP}/log10_norm"], row[f"{TOP}/slope"]]).all()


def test_a_network_without_a_recurrence_has_no_time(folder):
    row = first_row(folder, *tiny("adding", "one_to_one"))
    assert not any(key.startswith(TOP) for key in row)
    assert "grads/norm/readout" in row


def test_two_devices_tell_what_one_does(tmp_path):
    settings = tiny("adding", "many_to_one", "architecture.num_layers=2", "architecture.bidirectional=true")
    one, two = (first_row(tmp_path / str(n), *settings, f"training.devices={n}") for n in (1, 2))
    assert one.keys() == two.keys()
    for key in one:
        if key.startswith(TOP):
            np.testing.assert_allclose(one[key], two[key], rtol=1e-4, atol=1e-5, err_msg=key)
