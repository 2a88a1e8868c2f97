"""Does a sweep, however launched, lose nothing, and go on where it stopped?"""

from __future__ import annotations

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf
from tiny_runs import tiny

from seqlab.paths import CONF
from seqlab.sweeps.vectorized import AlikeLoader
from seqlab.tracking import read_summary

POISONED = [
    *("cell=elman", "cell.activation=identity", "optimizer=sgd", "training.clip_norm=null"),
    *("optimizer.learning_rate=1e-9,1e9", "training.steps=60", "hydra.sweep.dir=sweep"),
]


def test_jobs_composed_by_copy_are_those_that_hydra_composes():
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        loader = GlobalHydra.instance().hydra.config_loader
        master = loader.load_configuration("train", ["hydra.sweep.dir=/x"], RunMode.MULTIRUN)
        alike = AlikeLoader(loader)
        for own in (["seed=1"], ["seed=2"], ["cell=gru", "seed=3"], ["cell=gru", "seed=4"]):
            overrides = ["task=adding", *own, "optimizer.learning_rate=1e-2", "hydra.job.chdir=false"]
            copied, composed = (one.load_sweep_config(master, overrides) for one in (alike, loader))
            assert OmegaConf.to_container(copied) == OmegaConf.to_container(composed)


@pytest.mark.parametrize("launcher", ["basic", "vectorized"])
def test_a_poisoned_job_fails_the_sweep_and_no_other_job(launcher, command, tmp_path):
    settings = [*tiny("adding", "one_to_one,many_to_one", *POISONED), f"hydra/launcher={launcher}"]
    done = command("train", "-m", *settings, "seed=0,1")
    assert done.returncode == 1
    summaries = [read_summary(tmp_path / "sweep" / str(number)) for number in range(8)]
    for summary in summaries:
        assert summary["status"] in ("finished", "diverged")
    diverged = [summary for summary in summaries if summary["status"] == "diverged"]
    assert len(diverged) == 4
    assert all(f"step {summary['steps'] + 1}" in summary["reason"] for summary in diverged)
