"""Sweeps on SLURM; `scripts/try_slurm.sh` starts one."""

from __future__ import annotations

import pytest
from slurm_marks import NEEDS_SLURM, num_nodes
from tiny_runs import tiny

from seqlab.tracking import read_summary

pytestmark = [pytest.mark.runs, *NEEDS_SLURM]


def test_every_run_of_a_sweep_is_a_job_that_finishes(command, tmp_path):
    """The batch is large enough to be spread over two cores, were they asked for."""
    done = command(
        *("train", "-m", *tiny("adding", "many_to_one", "training.steps=2", "training.batch_size=16")),
        *("seed=0,1,2", "hydra/launcher=slurm", "hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=2"),
        "hydra.sweep.dir=sweep",
    )
    assert done.returncode == 0, done.stderr
    summaries = [read_summary(tmp_path / "sweep" / str(number)) for number in range(3)]
    assert [summary["status"] for summary in summaries] == ["finished"] * 3
    assert [summary["seed"] for summary in summaries] == [0, 1, 2]
    assert [summary["num_devices"] for summary in summaries] == [1] * 3
    assert len(list(tmp_path.glob("sweep/.submitit/*/*_result.pkl"))) == 3


@pytest.mark.skipif(num_nodes() < 2, reason="needs two nodes: scripts/try_slurm.sh emulates them")
def test_a_run_on_two_nodes_is_one_job_of_two_processes(command, tmp_path):
    done = command(
        *("train", "-m", *tiny("adding", "many_to_one", "training.steps=2"), "seed=3"),
        *("hydra/launcher=slurm", "hydra.launcher.nodes=2", "hydra.sweep.dir=sweep"),
        *("hydra.launcher.cpus_per_task=1", "hydra.launcher.mem_gb=2"),
    )
    assert done.returncode == 0, done.stderr
    summary = read_summary(tmp_path / "sweep" / "0")
    assert (summary["status"], summary["seed"]) == ("finished", 3)
    assert (summary["num_processes"], summary["num_devices"]) == (2, 2)


def test_every_program_of_many_runs_is_a_job_that_finishes(command, tmp_path):
    done = command(
        *("train", "-m", *tiny("adding", "many_to_one", "training.steps=2", "cell.features=4,5")),
        *("seed=0,1,2", "hydra/launcher=vectorized_slurm", "hydra.launcher.cluster.mem_gb=2"),
        *("hydra.launcher.cluster.cpus_per_task=1", "hydra.sweep.dir=sweep"),
    )
    assert done.returncode == 0, done.stderr
    summaries = [read_summary(tmp_path / "sweep" / str(number)) for number in range(6)]
    assert [summary["status"] for summary in summaries] == ["finished"] * 6
    assert [summary["seed"] for summary in summaries] == [0, 1, 2] * 2
    assert len(list(tmp_path.glob("sweep/.submitit/*/*_result.pkl"))) == 2
