"""A disk that is full is waited for; if it stays so, or becomes read-only, the run is interrupted."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess

import pytest
from kills import ADDING, assert_same_end, files_of

from seqlab import run
from seqlab.tracking import Callback, disk, read_summary, run_folder
from seqlab.tracking.disk import disk_error

SETTINGS = [*ADDING, "training.steps=9", "training.checkpoint_every=3", "gradients=off"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    run([*SETTINGS, f"hydra.run.dir={folder}"])
    return folder


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(disk, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(disk, "POLL_SECONDS", 0.02)


@pytest.fixture
def mount(tmp_path):
    """Mount disks of some kilobytes, which `remount` changes."""
    with contextlib.ExitStack() as mounted:

        def of(kilobytes):
            place = tmp_path / f"{kilobytes}"
            place.mkdir()
            command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
            if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
                pytest.skip("only root can mount a small disk, and not in every container")
            mounted.callback(subprocess.run, ["umount", "-l", str(place)], check=True)
            return place

        yield of


def remount(place, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


@pytest.mark.parametrize("kilobytes", [100, 400])
def test_a_run_on_a_disk_that_stays_full_is_interrupted_and_resumed(kilobytes, mount, quick, whole, capfd):
    place = mount(kilobytes)
    with pytest.raises(OSError, match="No space left on device"):
        run([*SETTINGS, f"hydra.run.dir={place / 'run'}"])
    assert read_summary(place / "run")["status"] == "interrupted"
    remount(place, "size=50m")
    assert run([*SETTINGS, f"hydra.run.dir={place / 'run'}", "resume=auto"])["status"] == "finished"
    assert_same_end(whole, place / "run")
    assert "Traceback" not in capfd.readouterr().err


def test_a_disk_that_gets_room_is_waited_for(mount, whole, caplog, monkeypatch):
    place = mount(400)
    monkeypatch.setattr(disk.time, "sleep", lambda _: remount(place, "size=50m"))
    assert run([*SETTINGS, f"hydra.run.dir={place / 'run'}"])["status"] == "finished"
    assert_same_end(whole, place / "run")
    (warning,) = [text for text in caplog.messages if text.startswith("no space left for ")]
    assert warning.endswith("waiting for at most 60 s")


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # Orbax abandons its other writes
def test_a_disk_that_becomes_read_only_ends_the_run_at_once(mount, whole):
    place = mount(50_000)

    class Protect(Callback):
        def on_row(self, row):
            if row["step"] == 7:
                remount(place, "ro")

    with pytest.raises(OSError, match="Read-only file system"):
        run([*SETTINGS, f"hydra.run.dir={place / 'run'}"], callbacks=[Protect()])
    remount(place, "rw")
    run([*SETTINGS, f"hydra.run.dir={place / 'run'}", "resume=auto"])
    assert_same_end(whole, place / "run")


def test_a_row_waits_for_room_and_is_written_once(tmp_path, whole, quick, monkeypatch):
    append, failures = run_folder._append, iter([errno.ENOSPC, errno.EDQUOT] * 2)

    def fail_at_first(path, line):
        if number := next(failures, None):
            raise OSError(number, "full")
        append(path, line)

    monkeypatch.setattr(run_folder, "_append", fail_at_first)
    run([*SETTINGS, f"hydra.run.dir={tmp_path / 'run'}"])
    assert_same_end(whole, tmp_path / "run")


def test_a_part_of_a_row_is_removed_again(tmp_path):
    path = tmp_path / "rows"
    path.write_text("first\n")
    command = f"ulimit -f 1; exec {os.sys.executable} -c '{APPEND}' {path}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stdout == "File too large\n", done.stderr
    assert files_of(tmp_path) == {"rows": b"first\n"}


APPEND = """
import sys, signal, pathlib
from seqlab.tracking.run_folder import _append
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    _append(pathlib.Path(sys.argv[1]), "x" * 5000)
except OSError as error:
    print(error.strerror)
"""


def test_an_error_of_the_disk_is_found_in_the_text_of_another(tmp_path):
    assert disk_error(ValueError("x [os_error_code='28'] y"), tmp_path).errno == errno.ENOSPC
    assert disk_error(ValueError("x [os_error_code='2']"), tmp_path) is None
    assert disk_error(ValueError("no code"), tmp_path) is None
