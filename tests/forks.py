"""A process that has imported what commands need, and forks itself for each of them.

This saves a command the second that its imports take. The process has one thread, as no library starts
another before it is used. So a fork is a whole process, which begins and ends as one of `python -m` does.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

IMPORTED = (
    *("matplotlib.pyplot", "seqlab.cli.training"),
    *("seqlab.sweeps.launcher", "seqlab.sweeps.search.sweeper"),
)
"""What most of the start of a training or of a sweep is spent on."""

SECONDS = 300
"""After so many seconds SIGALRM ends a command."""


class Forks:
    """Commands of seqlab, each in a fork of one process."""

    def __init__(self) -> None:
        """Start the process."""
        self._of_jax = _of_jax()
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(),
        )

    def run(self, folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess:
        """Run `python -m seqlab.<module> …` in a folder and return the finished process."""
        assert _of_jax() == self._of_jax, "a fork does not see variables that JAX reads when it is imported"
        line = [f"seqlab.{module}", *arguments]
        with tempfile.TemporaryDirectory() as printed:
            request = json.dumps([str(folder), printed, line, _environment()])
            print(request, file=self._process.stdin, flush=True)
            status = int(self._process.stdout.readline())
            texts = (Path(printed, name).read_text() for name in ("stdout", "stderr"))
            return subprocess.CompletedProcess(line, status, *texts)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _environment() -> dict[str, str]:
    return {**os.environ, "HYDRA_FULL_ERROR": "0"}


def _of_jax() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("JAX_")}


def main() -> None:
    """Fork for each line of standard input, and print how the fork ended."""
    for name in IMPORTED:
        importlib.import_module(name)
    for request in sys.stdin:
        pid = os.fork()
        if not pid:
            run_command(*json.loads(request))
            return
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def run_command(folder: str, printed: str, line: list[str], environment: dict[str, str]) -> None:
    """Do what `python -m` does, in a folder, with the output in files of the folder `printed`."""
    signal.alarm(SECONDS)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(Path(printed, name), os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = line
    runpy.run_module(line[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
