"""Details of W&B that its documentation does not promise.

Where one of these fails, W&B has changed: take the alternative that the function's docstring names.
"""

from __future__ import annotations

import sys

import wandb

from seqlab.tracking.wandb_internals import (
    _APPLY_INPUTS,
    earlier_id,
    fill_table,
    quiet_settings,
    without_launch,
)


def test_every_setting_that_makes_it_quiet_exists():
    assert quiet_settings().x_disable_stats


def test_a_table_filled_at_once_is_that_filled_row_by_row():
    rows = [[1, 2, 0.5], [1, 3, None]]
    columns, dtype = ["step", "t", "log10_norm"], [int, int, float]
    slow = wandb.Table(columns=columns, dtype=dtype)
    for row in rows:
        slow.add_data(*row)
    assert fill_table(wandb.Table(columns=columns, dtype=dtype), rows).data == slow.data


def test_the_id_of_the_newest_folder_is_found(tmp_path):
    for name in ("offline-run-20260101_120000-first", "run-20260102_120000-second-1"):
        (tmp_path / "wandb" / name).mkdir(parents=True)
    assert earlier_id(tmp_path) == "second"
    assert earlier_id(tmp_path / "wandb") is None


def test_the_inputs_of_a_job_are_left_out_for_a_moment(monkeypatch):
    monkeypatch.delitem(sys.modules, "wandb.sdk.launch", raising=False)
    apply_inputs = getattr(wandb.Run, _APPLY_INPUTS)
    with without_launch():
        assert getattr(wandb.Run, _APPLY_INPUTS) is not apply_inputs
    assert getattr(wandb.Run, _APPLY_INPUTS) is apply_inputs
