"""Completion of the commands by shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from seqlab.cli.commands import COMMANDS
from seqlab.cli.completion import NAMES, SHELLS, answers
from seqlab.registry import choices


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cell=gr", {"cell=gru"}),
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


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("seqlab ", set(COMMANDS)),
        ("seqlab pred", {"predict"}),
        ("python3 -m seqlab.wei", {"seqlab.weights"}),
        ("/a/python -m seqlab comp", {"completion"}),
        ("seqlab-train cell=lstm,gr", {"cell=lstm,gru"}),
        ("seqlab train help cell=gr", {"cell=gru"}),
        ("python -m seqlab.train --mul", {"--multirun"}),
        ("seqlab-train -m cell=gru task.source=my", set()),
        ("python -m seqlab.report runs/a --o", {"--output"}),
        ("seqlab-evaluate runs/a --split t", {"train", "test"}),
        ("seqlab-report runs/a", set()),
        ("seqlab-repo --o", set()),
        ("python script.py --o", set()),
    ],
)
def test_every_command_is_completed(line, expected, monkeypatch):
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setenv("COMP_LINE", "")
    assert set(answers(line)) == expected


def test_bash_completes(inside, tmp_path):
    (tmp_path / "script").write_text(inside("completion", "bash").stdout)
    line = (
        'COMP_LINE="$1"; COMP_POINT=${#1}; source "$0"; _seqlab_python; printf "%s|" "${COMPREPLY[@]}"; '
        "complete -p python | grep -c _seqlab_python"
    )
    words = ["bash", "-c", line, str(tmp_path / "script"), "python -m seqlab.train cell=gr"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "gru |1\n"  # bash replaces what follows the =


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_for_a_shell_is_printed_and_read(shell, inside):
    done = inside("completion", shell)
    assert done.returncode == 0
    assert set(NAMES) <= {*done.stdout.split()}
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=done.stdout, text=True, check=False).returncode == 0


def test_completion_and_help_do_not_wait_for_jax():
    line = "import sys, seqlab.cli.train, seqlab.cli.completion; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", line], check=False).returncode == 0
