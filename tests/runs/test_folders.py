"""Folders in which files about several runs are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqlab.runs.folders import folder_of_all


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["sweep"], "sweep"),
        (["sweep/0", "sweep/1"], "sweep"),
        (["runs/a/1", "runs/b/1"], "runs"),
        (["runs/a", "sweep/0"], "."),
        (["../other/0", "../other/1"], "../other"),
        (["../other/0", "sweep/0"], "."),
    ],
)
def test_files_about_several_runs_go_where_all_of_them_are(tmp_path, monkeypatch, folders, expected):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    found = folder_of_all([Path(folder) for folder in folders])
    assert found.resolve() == Path(expected).resolve()
    assert found.is_absolute() == expected.startswith("..") == ("other/1" in folders[-1])
