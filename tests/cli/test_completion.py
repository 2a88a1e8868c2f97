"""Completion of the training command by shells, as Hydra's query answers it."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from seqlab.registry import choices


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cell=g", {"cell=gru"}),
        ("-m cell=gru task=addi", {"task=adding"}),
        ("cell=gru cell.rese", {"cell.reset_after="}),
        ("training.bptt", {"training.bptt_window=", "training.bptt_stride="}),
        ("optimizer=", {f"optimizer={name}" for name in choices("optimizer")}),
        ("+debug=", {f"+debug={name}" for name in choices("debug")}),
        ("+experiment=quick", {"+experiment=quickstart"}),
    ],
)
def test_a_word_is_completed(line, expected, inside, monkeypatch):
    monkeypatch.setenv("COMP_LINE", f"seqlab-train {line}")
    done = inside("train", "-sc", "query=bash")
    assert done.returncode == 0
    assert set(done.stdout.split()) == expected


def test_plug_ins_are_completed(inside, monkeypatch, tmp_path):
    folder = tmp_path / "lab_of_completion" / "conf" / "cell"
    folder.mkdir(parents=True)
    (tmp_path / "lab_of_completion" / "__init__.py").touch()
    (folder / "gruffalo.yaml").write_text("_target_: seqlab.cells.GRU\nfeatures: 4\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SEQLAB_PLUGINS", "lab_of_completion")
    monkeypatch.setenv("COMP_LINE", "seqlab-train cell=gru")
    assert set(inside("train", "-sc", "query=bash").stdout.split()) == {"cell=gru", "cell=gruffalo"}
    sys.modules.pop("lab_of_completion", None)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed_and_read(shell, inside, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["seqlab-train"])
    done = inside("train", "-sc", f"install={shell}")
    assert done.returncode == 0
    assert "hydra" in done.stdout
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=done.stdout, text=True, check=False).returncode == 0


def test_completion_and_help_do_not_wait_for_jax():
    line = "import sys, seqlab.cli.train; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", line], check=False).returncode == 0
