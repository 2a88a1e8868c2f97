"""`seqlab.new`: what it writes, and what it refuses."""

from __future__ import annotations

import pytest

from seqlab.registry import choices


def test_a_new_plugin_is_complete_under_its_own_name(inside, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = inside("new", "plugin", "my_lab")
    assert done.returncode in (0, None)
    written = [line for line in done.stdout.splitlines() if not line.startswith("next: ")]
    assert len(written) == 7
    for path in written:
        assert "mylab" not in path
        assert "mylab" not in (tmp_path / path).read_text()
    monkeypatch.syspath_prepend(str(tmp_path / "my_lab"))
    monkeypatch.setenv("SEQLAB_PLUGINS", "my_lab")
    assert "my_cell" in choices("cell")
    assert "my_task" in choices("task")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plugin", "my-lab"], "NAME=my-lab must be a Python package's name"),
        (["plugin", "class"], "NAME=class must be"),
        (["plugin", "seqlab"], "NAME=seqlab is taken"),
        (["plugin", "json"], "NAME=json is taken"),
        (["plugin", "here"], "NAME=here: the folder here exists already"),
        (["plugn", "mine"], "KIND=plugn (did you mean plugin?): legal values are plugin"),
    ],
)
def test_a_refusal_is_one_line_and_writes_nothing(words, message, inside, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    done = inside("new", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["here"]
