"""One process writes to a run folder at a time."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import pytest
from kills import ADDING

from seqlab import run
from seqlab.tracking import lock
from seqlab.tracking.lock import LOCK, locked, owner_of
from seqlab.types import ConfigError

HOLDER = """
import sys, time
from pathlib import Path
from seqlab.tracking.lock import locked
with locked([Path(sys.argv[1])]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(folder):
    """Another process that writes to the folder."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_is_refused_until_the_first_is_dead(holder, folder):
    settings = [*ADDING, "training.steps=1", f"hydra.run.dir={folder}"]
    with pytest.raises(ConfigError, match=rf"is written by process {holder.pid} on host ") as refusal:
        run(settings)
    assert "\n" not in str(refusal.value)
    assert [path.name for path in folder.iterdir()] == [LOCK]
    holder.kill()
    holder.wait()
    assert owner_of(folder) is None
    assert run(settings)["status"] == "finished"
    assert not (folder / LOCK).exists()


def test_a_lock_ends_with_its_block_whatever_ends_it(folder):
    with locked([folder]):
        assert owner_of(folder).pid == os.getpid()
        with pytest.raises(ConfigError), locked([folder]):
            pass
        assert owner_of(folder) is not None
    assert not list(folder.iterdir())
    with pytest.raises(ZeroDivisionError), locked([folder]):
        _ = 1 / 0
    assert not list(folder.iterdir())


def written(folder, **changes):
    folder.mkdir()
    owner = dataclasses.asdict(dataclasses.replace(lock._this_process(), **changes))
    (folder / LOCK).write_text(json.dumps(owner))
    return folder / LOCK


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": 1}'])
def test_a_damaged_lock_is_nobodys(text, folder):
    folder.mkdir()
    (folder / LOCK).write_text(text)
    with locked([folder]):
        assert owner_of(folder).pid == os.getpid()


def test_another_process_of_the_same_id_is_not_the_owner(folder):
    written(folder, started=1)
    assert owner_of(folder) is None


def test_a_lock_that_this_process_could_not_delete_is_nobodys(folder):
    written(folder)
    assert owner_of(folder) is None


def test_the_lock_of_another_host_is_stale_when_it_is_not_touched(folder):
    path = written(folder, host="elsewhere")
    assert owner_of(folder).host == "elsewhere"
    old = path.stat().st_mtime - lock.STALE_SECONDS - 1
    os.utime(path, (old, old))
    assert owner_of(folder) is None
    assert [entry.name for entry in folder.iterdir()] == [LOCK]


def test_a_requeued_job_takes_over_its_own_lock(folder, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    written(folder, host="elsewhere")
    assert owner_of(folder) is not None
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    with locked([folder]):
        assert owner_of(folder).job == ("7", 1)
