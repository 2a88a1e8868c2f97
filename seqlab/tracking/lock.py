"""Lock of a run folder: one process writes at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import threading
import time
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, ClassVar

from seqlab.tracking.job import Job, current_job
from seqlab.types import ConfigError

try:
    import fcntl
except ImportError:  # another system than Unix
    fcntl = None

LOCK = ".lock"
"""The file in a run folder that names its writer. It is deleted when the writer is done."""

REFRESH_SECONDS = 30
STALE_SECONDS = 300
"""How often a writer touches its locks, and how old the lock of another host is when its writer is dead."""


@dataclasses.dataclass(frozen=True)
class Owner:
    """A process that writes to a run folder.

    Attributes:
        host: the name of its host.
        pid: its process id there.
        started: when it started, in clock ticks since the host booted; None where the system does not say.
        time: when it took the lock, in seconds since 1970.
        job: the job of a cluster that it belongs to, and how often that was restarted; None outside of one.
    """

    host: str
    pid: int
    started: int | None
    time: float
    job: Job | None = None


@contextlib.contextmanager
def locked(folders: Iterable[Path]) -> Generator[None]:
    """Hold the locks of run folders. The folders are created.

    Raises:
        ConfigError: another process holds one; the message names its host and its pid.
        OSError: a folder cannot be written.
    """
    with contextlib.ExitStack() as held:
        for folder in folders:
            path = folder.absolute() / LOCK
            _acquire(path)
            held.callback(_release, path)
        yield


def owner_of(folder: Path) -> Owner | None:
    """Return the live process that writes to a folder; None where there is none."""
    path = folder / LOCK
    owner = _read(path)
    return owner if owner is not None and _is_alive(owner, path) else None


def _this_process() -> Owner:
    pid = os.getpid()
    return Owner(socket.gethostname(), pid, _started(pid), time.time(), current_job())


def _acquire(path: Path) -> None:
    """Write this process into a lock file, unless it names another live one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("a+", encoding="utf-8") as file:
            _guard(file)
            if not path.exists() or path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                continue  # its last owner deleted the file before we had it
            file.seek(0)
            owner = _parsed(file.read())
            if owner is not None and _is_alive(owner, path):
                when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(owner.time))
                raise ConfigError(
                    f"hydra.run.dir={path.parent} is written by process {owner.pid} on host {owner.host} "
                    f"since {when}: legal is another folder, or to wait until that process ends"
                )
            file.truncate(0)
            file.write(json.dumps(dataclasses.asdict(_this_process())))
        _Refresher.add(path)
        return


def _release(path: Path) -> None:
    """Delete a lock file, if it is still that of this process."""
    _Refresher.remove(path)
    owner, me = _read(path), _this_process()
    if owner is not None and (owner.host, owner.pid) == (me.host, me.pid):
        with contextlib.suppress(OSError):  # the folder cannot be written any more
            path.unlink()


def _guard(file: Any) -> None:
    """Let no other process read or write the lock file until it is closed, where the file system can."""
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)


def _is_alive(owner: Owner, path: Path) -> bool:
    """Return whether the owner of a lock may still write.

    A process of this host is looked up. That of another host is dead if its job was restarted since, or if
    it has not touched its lock for `STALE_SECONDS` of the file system's clock.
    """
    me = _this_process()
    if owner.job and me.job and owner.job[0] == me.job[0] and owner.job[1] < me.job[1]:
        return False
    if (owner.host, owner.pid) == (me.host, me.pid):
        return _Refresher.holds(path.absolute())  # a lock that could not be deleted is nobody's
    if owner.host == me.host:
        return _exists(owner.pid) and _started(owner.pid) == owner.started
    probe = path.with_name(f"{path.name}.{me.host}.{me.pid}")
    try:
        probe.touch()
        age = probe.stat().st_mtime - path.stat().st_mtime
        probe.unlink()
    except OSError:
        return True
    return age < STALE_SECONDS


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        return True
    return True


def _started(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot, as Linux tells it.

    Another process that later has the same id started at another time.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])


def _read(path: Path) -> Owner | None:
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except OSError:
        return None


def _parsed(text: str) -> Owner | None:
    """Return the owner that a lock file names; None where it is empty or damaged."""
    try:
        found = json.loads(text)
        job = tuple(found.pop("job") or ()) or None
        return Owner(**found, job=job)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


class _Refresher:
    """The locks of this process, which one thread touches, so that other hosts see that it lives."""

    _paths: ClassVar[set[Path]] = set()
    _thread: ClassVar[threading.Thread | None] = None

    @classmethod
    def add(cls, path: Path) -> None:
        cls._paths.add(path)
        if cls._thread is None:
            cls._thread = threading.Thread(target=cls._refresh, name="locks", daemon=True)
            cls._thread.start()

    @classmethod
    def holds(cls, path: Path) -> bool:
        return path in cls._paths

    @classmethod
    def remove(cls, path: Path) -> None:
        cls._paths.discard(path)

    @classmethod
    def _refresh(cls) -> None:
        while True:
            time.sleep(REFRESH_SECONDS)
            for path in tuple(cls._paths):
                with contextlib.suppress(OSError):
                    os.utime(path)
