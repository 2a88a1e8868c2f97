"""Whole sweeps: no run is lost, and a sweep can be resumed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf
from tiny_runs import tiny

from seqlab.registry import CONF
from seqlab.sweeps.config_loader import CopyingLoader
from seqlab.sweeps.grid import overrides_of, values_of
from seqlab.sweeps.resume import resumed
from seqlab.tracking import read_rows, read_summary
from seqlab.types import ConfigError


def test_jobs_composed_by_copy_are_those_that_hydra_composes():
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        loader = GlobalHydra.instance().hydra.config_loader
        master = loader.load_configuration("train", ["hydra.sweep.dir=/x"], RunMode.MULTIRUN)
        copying = CopyingLoader(loader)
        for own in (["seed=1"], ["seed=2"], ["cell=gru", "seed=3"], ["cell=gru", "seed=4"]):
            overrides = ["task=adding", *own, "optimizer.learning_rate=1e-2", "hydra.job.chdir=false"]
            copied, composed = (one.load_sweep_config(master, overrides) for one in (copying, loader))
            assert OmegaConf.to_container(copied) == OmegaConf.to_container(composed)


def test_a_word_of_the_command_replaces_the_values_of_an_experiment():
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        words = ["+experiment=atlas_small", "+experiment/model=gru,lstm", "seed=1", "hydra.sweep.dir=/x"]
        config = loader.load_configuration("train", words, RunMode.MULTIRUN)
        found = overrides_of(config.hydra.sweeper.params, words, loader)
    assert [values_of(one) for one in found if one.key_or_group in ("experiment/model", "seed")] == [
        ["+experiment/model=gru", "+experiment/model=lstm"],
        ["seed=1"],
    ]


@pytest.fixture(scope="module")
def swept(tmp_path_factory, command_in):
    """Return a folder in which a sweep with combinations that do not fit, and poisoned ones, was made."""
    folder = tmp_path_factory.mktemp("swept")
    return folder, command_in(folder, "train", "-m", *SWEEP)


SWEEP = [
    *tiny("adding", "one_to_one,many_to_one,one_to_many", "cell=elman", "cell.activation=identity"),
    *("optimizer=sgd", "training.clip_norm=null", "optimizer.learning_rate=1e-9,1e9", "seed=0,1"),
    *("training.steps=60", "hydra/launcher=vectorized", "hydra.sweep.dir=sweep"),
]


def summaries_of(folder):
    return {int(path.parent.name): read_summary(path.parent) for path in folder.glob("sweep/*/summary.json")}


@pytest.mark.runs
def test_a_poisoned_job_fails_the_sweep_and_no_other_job(swept):
    folder, done = swept
    assert done.returncode == 1, done.stdout + done.stderr
    assert "error: diverged: " in done.stderr
    summaries = summaries_of(folder)
    assert set(summaries) == set(range(12))
    for number, summary in summaries.items():
        overrides = (folder / f"sweep/{number}/.hydra/overrides.yaml").read_text()
        if summary["architecture"] == "one_to_many":
            assert summary["status"] == "incompatible"
        elif "optimizer.learning_rate=1000000000.0" in overrides:
            assert summary["status"] == "diverged"
            assert f"is not finite at step {summary['steps'] + 1}" in summary["reason"]
        else:
            assert (summary["status"], summary["reason"]) == ("finished", None)


@pytest.mark.runs
def test_what_does_not_fit_is_listed_before_anything_else(swept):
    _, done = swept
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("does not fit: architecture=one_to_many: ")
    assert "legal values are many_to_one, one_to_one" in first
    assert second == "1 of 3 combinations do not fit"


@pytest.mark.runs
def test_a_resumed_sweep_runs_what_is_missing_or_unfinished_and_no_more(swept, command_in):
    folder, _ = swept
    before = summaries_of(folder)
    missing, unfinished = [n for n, summary in before.items() if summary["status"] == "finished"][:2]
    rows = rows_of(folder, missing)
    shutil.rmtree(folder / "sweep" / str(missing))
    (folder / f"sweep/{unfinished}/summary.json").unlink()
    written = {path: path.stat().st_mtime_ns for path in folder.glob("sweep/*/summary.json")}
    done = command_in(folder, "train", "-m", "sweep.resume=sweep")
    assert done.returncode == 1, done.stdout + done.stderr  # the poisoned ones stay poisoned
    assert f"sweep/{missing} holds no checkpoint" not in done.stdout + done.stderr
    after = summaries_of(folder)
    assert after.keys() == before.keys()
    for number, summary in before.items():
        for key in ("status", "reason", "steps"):
            assert after[number].get(key) == summary.get(key), (number, key)
    for first, second in zip(rows, rows_of(folder, missing), strict=True):
        # Other runs step beside it now.
        learnt = [
            {key: value for key, value in row.items() if key.startswith(("train/", "eval/", "test/"))}
            for row in (first, second)
        ]
        assert learnt[0] == pytest.approx(learnt[1], rel=1e-5)
    assert {path: path.stat().st_mtime_ns for path in written} == written


def rows_of(folder, number):
    return [
        {key: value for key, value in row.items() if not key.startswith("timing/")}
        for row in read_rows(folder / "sweep" / str(number))
    ]


@pytest.mark.runs
def test_a_sweep_that_was_killed_is_resumed_to_the_same_end(tmp_path, command_in):
    settings = [*tiny("adding", "many_to_one", "cell=lstm", "seed=0,1,2", "hydra/launcher=vectorized")]
    settings += ["training.steps=600", "training.steps_per_call=5", "training.checkpoint_every=100"]
    settings += [
        "training.log_every=20",
        "hydra.launcher.vmap_size=3",
    ]  # how many step together is not measured
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    assert command_in(tmp_path / "whole", "train", "-m", *settings, "hydra.sweep.dir=sweep").returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "seqlab.train", "-m", *settings, "hydra.sweep.dir=sweep"],
        cwd=tmp_path / "killed",
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 200
    while len(read_rows(tmp_path / "killed/sweep/2")) < 8 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not summaries_of(tmp_path / "killed")
    assert command_in(tmp_path / "killed", "train", "-m", "sweep.resume=sweep").returncode == 0
    whole, killed = (summaries_of(tmp_path / name) for name in ("whole", "killed"))
    assert len(killed) == 3
    for number, summary in whole.items():
        for key in ("status", "best", "final", "test", "steps"):
            assert killed[number][key] == summary[key]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["seed=0,1", "cell=gru"]),
        (["cell=lstm", "allow_changes=true"], ["seed=0,1", "cell=lstm"]),
        (["hydra/launcher=basic"], ["seed=0,1", "cell=gru", "hydra/launcher=basic"]),
    ],
)
def test_a_resumed_sweep_is_its_own_command_line_again(given, expected, tmp_path):
    overrides = {"hydra": ["hydra.sweep.dir=elsewhere"], "task": ["seed=0,1", "cell=gru"]}
    OmegaConf.save({"hydra": {"overrides": overrides}}, tmp_path / "multirun.yaml")
    line = resumed(["-m", f"sweep.resume={tmp_path}", *given])
    assert line[0] == "-m"
    assert f"hydra.sweep.dir={tmp_path}" in line
    assert set(expected) <= set(line)
    assert len({argument.partition("=")[0] for argument in line[1:]} - {"-m"}) == len(set(line)) - 1


def test_any_other_command_line_is_left_as_it_is():
    for line in (["seed=1"], ["-m", "seed=1,2"], ["sweep.resume=null"]):
        assert resumed(line) == line


def test_what_is_no_sweep_is_not_resumed(tmp_path):
    with pytest.raises(ConfigError, match=r"sweep\.resume=.* has no multirun\.yaml: legal are null and"):
        resumed([f"sweep.resume={tmp_path}"])
