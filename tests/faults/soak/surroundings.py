"""Full disks, and many runs in one process."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from kills import ADDING

from seqlab import run
from seqlab.tracking import disk as disk_faults
from seqlab.tracking import read_summary
from seqlab.types import ConfigError
from soak.kinds import KINDS, difference
from soak.stops import Result

KILOBYTES = (40, 200, 330, 380, 430, 480, 540, 600)
"""Sizes of disks, of which the smaller ones are full before the run ends."""


@contextlib.contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[Path]:
    """Mount a disk of a size; only root can."""
    place.mkdir(parents=True)
    options = f"size={kilobytes}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def disks(root: Path, count: int, draw: random.Random) -> Iterator[Result]:
    """Fill a disk during a run; give it room, and resume."""
    if not count:
        return
    if os.geteuid():
        print("full disks: not tried, because only root can mount one")
        return
    disk_faults.WAIT_SECONDS, disk_faults.POLL_SECONDS = 0.3, 0.1
    kind, whole = KINDS["plain"], root / "whole"
    kind.train(whole)
    for index in range(count):
        size = KILOBYTES[index % len(KILOBYTES)] + draw.randrange(20)
        with small_disk(root / f"disk {index}", size) as disk:
            result = _fill(disk)
            if result.startswith(("interrupted", "ended")):
                result = f"{result}, "
                subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
                kind.train(disk / "run", resume=True)
                seen = difference(whole, disk / "run")
                yield "full disks", f"{size} KB, {result}", seen
            else:
                yield "full disks", f"{size} KB", result


def _fill(disk: Path) -> str:
    try:
        return KINDS["plain"].train(disk / "run")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            return f"traceback: {error}"
        with contextlib.suppress(OSError):
            return str(read_summary(disk / "run")["status"])
        return "interrupted without a summary"
    except ConfigError:
        return "refused in one line"
    except Exception as error:
        return f"traceback: {type(error).__name__}: {error}"


def endurance(root: Path, count: int) -> Iterator[Result]:
    """Make many runs in this process; its memory, open files and child processes must be level."""
    if not count:
        return
    used: list[tuple[int, int, int]] = []
    for index in range(count):
        run([*ADDING, "training.steps=2", f"seed={index}", f"hydra.run.dir={root / 'run'}"])
        shutil.rmtree(root / "run")
        if index % 10 == 9:
            gc.collect()
            used.append(_used())
    half = len(used) // 2
    text = ", ".join(
        f"{memory >> 20} MiB {files} files {children} children" for memory, files, children in used
    )
    memory = used[-1][0] - used[half][0]
    level = memory < (8 << 20) and used[-1][1] <= used[half][1] and used[-1][2] <= used[half][2]
    print(f"{count} runs in one process, after each 10: {text}")
    yield (
        f"{count} runs in one process",
        f"{memory >> 10} KiB more in the second half",
        "level" if level else "grows",
    )


def _used() -> tuple[int, int, int]:
    """Return the resident memory of this process in bytes, its open files and its child processes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd")), len(children)
