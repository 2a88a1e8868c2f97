"""Sweeps on SLURM whose jobs are interrupted; `scripts/try_slurm.sh` starts a SLURM."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from kills import assert_same_end
from slurm_marks import NEEDS_SLURM
from tiny_runs import tiny

from seqlab.tracking import read_summary
from seqlab.training import Checkpoints

pytestmark = [pytest.mark.runs, *NEEDS_SLURM]

STEPS = 12000
SWEEP = [
    *tiny("adding", "many_to_one", f"training.steps={STEPS}", "training.log_every=5"),
    *("training.eval_every=1000", "training.checkpoint_every=1000", "seed=0,1"),
]
LAUNCHERS = {
    "slurm": ["hydra/launcher=slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=2"],
    "vectorized_slurm": [
        *("hydra/launcher=vectorized_slurm", "hydra.launcher.vmap_size=2"),
        *("hydra.launcher.cluster.cpus_per_task=1", "hydra.launcher.cluster.mem_gb=2"),
    ],
}
INTERRUPTIONS = {
    "administrator": ["scontrol", "requeue"],
    "time limit": ["scancel", "--signal=USR2"],
    "preemption": ["scancel", "--signal=TERM"],
}


def start(launcher, folder):
    """Start a sweep and return its process."""
    words = ["-m", "seqlab.train", "-m", *SWEEP, *LAUNCHERS[launcher], f"hydra.sweep.dir={folder}"]
    return subprocess.Popen([sys.executable, *words], cwd=folder.parent, env=os.environ)


def jobs(state):
    """Return the ids of SLURM's jobs that are in a state."""
    shown = ["squeue", "--noheader", f"--states={state}", "--array", "--format=%i"]
    return subprocess.run(shown, capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(scope="module", params=LAUNCHERS)
def whole(request, tmp_path_factory):
    """A launcher, and the folder of its sweep that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole") / "sweep"
    assert start(request.param, folder).wait() == 0
    return request.param, folder


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_a_job_that_is_interrupted_is_requeued_and_its_runs_go_on_to_the_same_end(
    whole, interruption, tmp_path
):
    launcher, uninterrupted = whole
    folder = tmp_path / "sweep"
    sweep = start(launcher, folder)
    while not all(Checkpoints(folder / str(number)).latest_step() for number in range(2)):
        assert sweep.poll() is None
        time.sleep(0.1)
    for job in jobs("RUNNING"):
        subprocess.run([*INTERRUPTIONS[interruption], job], check=True)
    while sweep.poll() is None:
        for job in jobs("PENDING"):  # SLURM would wait for two minutes
            subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now"], check=False)
        time.sleep(2)
    assert sweep.returncode == 0
    for number in range(2):
        (resume,) = read_summary(folder / str(number))["resumed"]
        print(f"{launcher}, {interruption}: run {number} resumed at step {resume['step']} of {STEPS}")
        assert 0 < resume["step"] < STEPS
        assert_same_end(uninterrupted / str(number), folder / str(number))
