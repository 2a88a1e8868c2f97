"""Exit statuses: the same in all commands, and as documented."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from seqlab.cli.command import command as framed
from seqlab.registry import CONF
from seqlab.types import ConfigError, DataError, ExitStatus, IncompatibleError, UnfinishedRunError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, ExitStatus.FINISHED),
        (UnfinishedRunError("diverged"), ExitStatus.FAILED),
        (ConfigError("no"), ExitStatus.REFUSED),
        (IncompatibleError("no"), ExitStatus.REFUSED),
        (DataError("no"), ExitStatus.FAILED),
        (BrokenPipeError(), ExitStatus.PIPE_CLOSED),
    ],
)
def test_an_end_has_its_status(error, status, monkeypatch):
    monkeypatch.setattr("seqlab.cli.command.silence_stdout", lambda: None)

    @framed
    def main():
        if error is not None:
            raise error

    if status == ExitStatus.FINISHED:
        main()
        return
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == status


def test_the_table_in_the_documentation_has_every_status():
    text = (CONF.parent / "docs" / "config.md").read_text()
    numbers = re.findall(r"^\| (\d+) \|", text.partition("## Exit status")[2], re.MULTILINE)
    assert set(map(int, numbers)) >= set(map(int, ExitStatus))


@pytest.mark.runs
@pytest.mark.parametrize("name", ["", "train"])
def test_output_into_a_closed_pipe_ends_quietly(name):
    words = [sys.executable, "-m", "seqlab" + (f".{name}" if name else ""), "--help"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in (ExitStatus.FINISHED, ExitStatus.PIPE_CLOSED)
