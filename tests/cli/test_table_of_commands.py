"""Every command is reached by its module, by its script and through `python -m seqlab`."""

from __future__ import annotations

import importlib
import sys
import tomllib

import pytest

import seqlab
from seqlab.cli.commands import COMMANDS
from seqlab.cli.commands import main as seqlab_main
from seqlab.registry import CONF

SCRIPTS = tomllib.loads((CONF.parent / "pyproject.toml").read_text())["project"]["scripts"]


def called(monkeypatch, capsys, *words: str) -> tuple[object, str]:
    """Return the exit status of `seqlab WORDS`, and what it printed."""
    monkeypatch.setattr(sys, "argv", ["seqlab", *words])
    status: object = 0
    try:
        seqlab_main()
    except SystemExit as stop:
        status = stop.code
    return status, "".join(capsys.readouterr())


def test_scripts_are_the_commands():
    expected = {f"seqlab-{name}": f"seqlab.cli.{name}:main" for name in COMMANDS}
    assert expected | {"seqlab": "seqlab.cli.commands:main"} == SCRIPTS


@pytest.mark.parametrize("name", COMMANDS)
def test_module_runs_the_same_function(name):
    try:
        module = importlib.import_module(f"seqlab.{name}.__main__")
    except ModuleNotFoundError:
        module = importlib.import_module(f"seqlab.{name}")
    assert module.main is importlib.import_module(f"seqlab.cli.{name}").main


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "train"])  # Hydra prints its own help
def test_help_names_the_command(name, monkeypatch, capsys):
    status, printed = called(monkeypatch, capsys, name, "--help")
    assert status == 0
    assert f"usage: python -m seqlab.{name}" in printed


def test_version(monkeypatch, capsys):
    assert called(monkeypatch, capsys, "--version") == (0, f"seqlab {seqlab.__version__}\n")


def test_without_a_command_all_are_listed(monkeypatch, capsys):
    status, printed = called(monkeypatch, capsys)
    assert status == 0
    assert all(does in printed for does in COMMANDS.values())


def test_a_wrong_command_is_refused_with_the_legal_ones(monkeypatch, capsys):
    status, printed = called(monkeypatch, capsys, "trian")
    assert status == 2
    assert "trian" in printed
    assert all(name in printed for name in COMMANDS)
