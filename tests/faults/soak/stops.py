"""Kills and signals: a run is stopped in a process of its own, resumed, and compared with a whole one."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from seqlab.tracking import RunFolder
from seqlab.tracking.encoding import to_json
from soak.kinds import KINDS, Kind, difference

Result = tuple[str, str, str]
"""The part of the soak test, what was tried, and what was seen."""

MOMENTS = ("at a random time", "at a file operation", "within a row")

_CHANGES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree")
"""The audit events of Python that change files; `open` does where it is for writing."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

PROCESSES = multiprocessing.get_context("forkserver")
"""Processes that are copies of one which has imported everything and has not started JAX."""
PROCESSES.set_forkserver_preload(["soak.stops", "seqlab.cli.train", "orbax.checkpoint", "seqlab.tasks"])


def has_checkpoint(folder: Path) -> bool:
    """Return whether a run, or one of a sweep, has saved a state."""
    try:
        return any(path.name.isdigit() for path in folder.glob("**/checkpoints/latest/*"))
    except FileNotFoundError:  # another process deletes a folder
        return False


def start(call: Callable[..., Any], *arguments: Any) -> BaseProcess:
    """Call a function in a new process."""
    process = PROCESSES.Process(target=call, args=arguments)
    process.start()
    return process


def in_process(kind: str, folder: Path, resume: bool, moment: str, number: int) -> None:
    """Train or resume a kind of run quietly; die at a file operation or within a row, where that is asked."""
    quiet, counted = os.open(os.devnull, os.O_WRONLY), [0]
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    if moment == MOMENTS[1]:
        counted = _at_operation(folder, number)
    elif moment == MOMENTS[2]:
        _within_row(folder, number)
    try:
        status = 0 if KINDS[kind].train(folder, resume) == "ended" else 1
    except KeyboardInterrupt:
        status = 130
    folder.with_suffix(".operations").write_text(str(counted[0]))
    os._exit(status)


def _at_operation(folder: Path, number: int) -> list[int]:
    """Die at a file operation below a folder, counted from the first checkpoint on; 0 for never.

    Returns:
        The count so far, a list of one.
    """
    begun, counted = False, [0]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal begun
        if event not in _CHANGES or not str(arguments[0]).startswith(str(folder)):
            return
        if event == "open" and not int(arguments[2] or 0) & _WRITING:
            return
        begun = begun or has_checkpoint(folder)
        if begun:
            counted[0] += 1
            if counted[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return counted


def _within_row(folder: Path, number: int) -> None:
    """Die when a part of a row is written, the row being counted from the first checkpoint on."""
    log, count = RunFolder.log, 0

    def log_and_die(self: RunFolder, row: Any) -> None:
        nonlocal count
        count += has_checkpoint(folder)
        if count < number:
            return log(self, row)
        text = to_json(row)
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(text[: len(text) * (number % 4) // 4 + 1])
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    RunFolder.log = log_and_die


def whole_of(kind: str, root: Path) -> tuple[Path, int, float]:
    """Return the folder of the whole run of a kind, its file operations, and its seconds; it is made once."""
    folder = root / f"whole {kind}"
    if not folder.exists():
        made = root / f"{os.getpid()} {kind}"
        process = start(in_process, kind, made, False, MOMENTS[1], 0)
        process.join()
        assert process.exitcode == 0, kind
        made.with_suffix(".operations").replace(folder.with_suffix(".operations"))
        made.rename(folder)
    seconds = json.loads(next(folder.glob("**/summary.json")).read_text())["seconds"]
    return folder, int(folder.with_suffix(".operations").read_text()), seconds


def kill(kind: str, folder: Path, resume: bool, draw: random.Random, whole: tuple[Path, int, float]) -> str:
    """Train or resume a run and kill it; return at which moment, or "ended first"."""
    _, operations, seconds = whole
    moment = draw.choice(MOMENTS)
    number = {MOMENTS[0]: 0, MOMENTS[1]: draw.randint(1, operations)}.get(moment, draw.randint(1, 5))
    process = start(in_process, kind, folder, resume, moment, number)
    if moment == MOMENTS[0]:
        while process.is_alive() and not has_checkpoint(folder):
            time.sleep(0.005)
        time.sleep(draw.random() * (0.3 if resume else 0.5) * seconds)
        process.kill()
    process.join(300)
    return moment if process.exitcode == -signal.SIGKILL else "ended first"


def resumed(kind: Kind, whole: Path, folder: Path) -> str:
    """Resume a run that was stopped, and compare it with the whole one."""
    try:
        end = kind.train(folder, resume=True)
    except Exception as error:
        return f"traceback: {type(error).__name__}: {error}"
    return difference(whole, folder) if end == "ended" else f"not resumed: {end}"


def kills(root: Path, count: int, draw: random.Random, kinds: list[str]) -> Iterator[Result]:
    """Kill runs once or twice."""
    for index in range(count):
        name = kinds[index % len(kinds)]
        whole, folder = whole_of(name, root), root / f"killed {index}"
        moments = [kill(name, folder, False, draw, whole)]
        if draw.random() < 0.4 and moments[0] != "ended first":
            moments.append(kill(name, folder, True, draw, whole))
        killed = [moment for moment in moments if moment in MOMENTS]
        text = ", then ".join(killed) or "ended first"
        yield f"kills of {name}", text, resumed(KINDS[name], whole[0], folder)
        shutil.rmtree(folder)


SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
PHASES = ("compiling", "training", "at the end")


def signals(root: Path, draw: random.Random) -> Iterator[Result]:
    """Send each signal in each phase of a run, and twice; the run must end soon, and resume to the same."""
    kind = "plain"
    whole, _, seconds = whole_of(kind, root)
    cases = [(name, phase, 1) for name in SIGNALS for phase in PHASES]
    cases += [(name, phase, 2) for name in ("SIGTERM", "SIGINT") for phase in PHASES]
    for name, phase, times in cases:
        folder = root / f"{name} {phase} {times}"
        process = start(in_process, kind, folder, False, MOMENTS[0], 0)
        wanted = {"compiling": folder / ".lock", "training": folder / "checkpoints/latest/11"}
        path = wanted.get(phase, folder / "checkpoints/latest/33")
        while process.is_alive() and not path.exists():
            time.sleep(0.001)
        time.sleep(draw.random() * (0.3 if phase == "at the end" else 0.1) * seconds)
        begun = time.perf_counter()
        for _ in range(times):
            with contextlib.suppress(ProcessLookupError):  # it has ended
                os.kill(process.pid or 0, getattr(signal, name))
            time.sleep(0.02)
        process.join(120)
        took = time.perf_counter() - begun
        ended = {130: "interrupted", 0: "ended first", 1: "interrupted"}.get(process.exitcode or 0, "at once")
        seen = resumed(KINDS[kind], whole, folder)
        late = "" if took < 10 else f", after {took:.0f} s"
        yield f"signals, {phase}", f"{name}{' twice' * (times == 2)}, {ended}{late}", seen
