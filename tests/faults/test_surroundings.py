"""Surroundings of a run: odd folder names, a closed standard output, a locale without Unicode."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys

import pytest
from kills import ADDING, assert_same_end

from seqlab import run
from seqlab.runs import load
from seqlab.runs.compose import override_of, path_in, with_quoted_paths
from seqlab.sweeps.resume import resumed
from seqlab.tracking import Callback, RunFolder, read_rows, read_summary
from seqlab.types import ConfigError

NAMES = [
    "/x/2026-11-26/06-20",
    "1e5",
    "null",
    "a[1]",
    "a b",
    "a,b",
    "a=b",
    "é ∂",
    "a\\b",
    "it's",
    'say "hi"',
    "{x}",
    "a*?",
    "~a",
    "#1",
    "%d",
]
SETTINGS = [*ADDING, "training.steps=2", "gradients=off"]


def test_a_run_in_a_folder_of_any_name_is_resumed_and_loaded(tmp_path):
    folder = tmp_path / "".join(NAMES[3:])
    run([*SETTINGS, f"hydra.run.dir={folder}"])
    assert run([*SETTINGS, "training.steps=3", f"hydra.run.dir={folder}", "resume=auto"])["steps"] == 3
    elsewhere = run([*SETTINGS, "training.steps=4", f"hydra.run.dir={tmp_path / 'b'}", f"resume={folder}"])
    assert elsewhere["resumed"][-1]["step"] == 3
    assert load(folder).params.keys() == load(tmp_path / "b").params.keys()


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_is_quoted_as_hydra_reads_it(name):
    for word in (f"hydra.run.dir={name}", override_of("hydra.run.dir", name)):
        (quoted,) = with_quoted_paths([word])
        assert path_in(quoted) == name
        assert path_in(with_quoted_paths([quoted])[0]) == path_in(quoted)


def test_a_sweep_in_a_folder_of_any_name_is_resumed(tmp_path):
    folder = tmp_path / "".join(NAMES[3:])
    folder.mkdir()
    (folder / "multirun.yaml").write_text("hydra: {overrides: {hydra: [], task: ['seed=0,1']}}")
    words = resumed(["-m", f"sweep.resume={folder}"])
    paths = {path_in(word) for word in words if word.startswith(("sweep.resume=", "hydra.sweep.dir="))}
    assert paths == {str(folder)}
    with pytest.raises(ConfigError, match=r"seed=0,5 changes seed, for which the sweep has seed=0,1"):
        resumed(["-m", f"sweep.resume={folder}", "seed=0,5"])
    assert "seed=0,5" in resumed(["-m", f"sweep.resume={folder}", "seed=0,5", "allow_changes=true"])
    (folder / "0" / ".hydra").mkdir(parents=True)
    (folder / "0" / ".hydra" / "config.yaml").touch()
    (folder / "0" / "summary.json").write_text('{"status": "finished", "steps": 9}')
    assert "training.steps=9" in resumed(["-m", f"sweep.resume={folder}", "training.steps=9"])
    with pytest.raises(ConfigError, match=r"training\.steps=8 is less than the 9 steps that a run of"):
        resumed(["-m", f"sweep.resume={folder}", "training.steps=8"])


def environment(**further):
    return {**os.environ, "HYDRA_FULL_ERROR": "0", **further}


@pytest.mark.runs
def test_a_reader_that_closes_the_output_does_not_end_the_run(tmp_path):
    settings = [*SETTINGS, "training.steps=40", "tracking.console.mode=plain", "hydra.run.dir=run"]
    with subprocess.Popen(
        [sys.executable, "-m", "seqlab.train", *settings],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
        assert process.wait(timeout=120) == 0
    assert errors == ""
    assert read_summary(tmp_path / "run")["status"] == "finished"


def test_a_command_that_prints_ends_quietly_where_its_output_is_closed(tmp_path):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "seqlab.check", str(make_folder(tmp_path))],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        timeout=60,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def make_folder(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").touch()
    return tmp_path / "run"


@pytest.mark.runs
def test_a_locale_without_unicode_is_no_obstacle(tmp_path):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    settings = [*SETTINGS, "tracking.console.mode=plain", "hydra.run.dir=run"]
    done = subprocess.run(
        [sys.executable, "-m", "seqlab.train", *settings],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment(**ascii_only),
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert read_summary(tmp_path / "run")["status"] == "finished"


def test_a_full_disk_interrupts_a_run_which_then_goes_on(tmp_path, monkeypatch):
    settings = [*ADDING, "training.steps=9", "training.checkpoint_every=3", "training.log_every=1"]
    run([*settings, f"hydra.run.dir={tmp_path / 'whole'}"])
    log = RunFolder.log

    def fail(self, row):
        if row["step"] >= 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        log(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "log", fail)
        with pytest.raises(OSError, match="No space"):
            run([*settings, f"hydra.run.dir={tmp_path / 'full'}"])
    assert read_summary(tmp_path / "full")["status"] == "interrupted"
    run([*settings, f"hydra.run.dir={tmp_path / 'full'}", "resume=auto"])
    assert_same_end(tmp_path / "whole", tmp_path / "full")


def test_rows_that_are_deleted_under_way_are_missed(tmp_path, caplog):
    class Delete(Callback):
        def on_row(self, row):
            if row["step"] == 3:
                shutil.rmtree(tmp_path / "run")

    settings = [*ADDING, "training.steps=5", "training.log_every=1", f"hydra.run.dir={tmp_path / 'run'}"]
    assert run(settings, callbacks=[Delete()])["status"] == "finished"
    assert "metrics.jsonl was deleted: its rows before step 3 are lost" in caplog.text
    assert [row["step"] for row in read_rows(tmp_path / "run") if "train/loss" in row] == [3, 4, 5]
