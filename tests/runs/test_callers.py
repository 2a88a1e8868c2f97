"""Callers of `run`: threads, a Hydra application around it, an agent of W&B, a notebook's event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from tiny_runs import tiny

from seqlab import load_run, run
from seqlab.registry import CONF
from seqlab.runs import compose_config
from seqlab.tracking import read_rows
from seqlab.types import ConfigError

ADDING = tiny("adding", "many_to_one", "training.steps=3")


def losses(folder):
    return [row["train/loss"] for row in read_rows(folder) if "train/loss" in row]


@pytest.mark.runs
def test_runs_in_threads_are_those_of_one_thread(tmp_path):
    def train(name):
        seed = int(name[-1])
        return run([*ADDING, f"seed={seed}", f"hydra.run.dir={tmp_path / name}"])

    with ThreadPoolExecutor(3) as threads:
        summaries = list(threads.map(train, ["one0", "one1", "one2"]))
    assert [summary["status"] for summary in summaries] == ["finished"] * 3
    for seed in range(3):
        train(f"two{seed}")
        assert losses(tmp_path / f"one{seed}") == losses(tmp_path / f"two{seed}")


@pytest.mark.runs
def test_a_run_within_an_event_loop(tmp_path):
    async def cell():
        return run([*ADDING, f"hydra.run.dir={tmp_path}"])

    assert asyncio.run(cell())["folder"] == str(load_run(tmp_path).folder.absolute())


def test_threads_take_turns_with_hydra():
    def seed_of(seed):
        return compose_config([f"seed={seed}"]).seed

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(seed_of, range(8))) == list(range(8))


def test_the_hydra_of_the_caller_stays_as_it_was():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        before = GlobalHydra.instance().hydra
        compose_config(["task=adding"])
        with pytest.raises(ConfigError, match="did you mean task"):
            compose_config(["taks=adding"])
        assert GlobalHydra.instance().hydra is before
        assert compose("train", ["seed=3"]).seed == 3
    assert not GlobalHydra.instance().is_initialized()


@pytest.mark.runs
def test_a_function_of_an_agent_of_wandb(tmp_path, monkeypatch):
    """An agent calls its function in a thread, within a run of its own that holds the chosen values."""
    import wandb

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")

    def function():
        with wandb.init(dir=tmp_path, config={"seed": 5}) as trial:
            offline = "tracking.wandb.mode=offline"
            folder = f"hydra.run.dir={tmp_path / 'run'}"
            summary = run([*ADDING, offline, f"seed={trial.config['seed']}", folder])
            trial.log({"mse": summary["test"]["test/mse"]})
            return summary

    with ThreadPoolExecutor(1) as agent:
        summary = agent.submit(function).result()
    assert (summary["status"], summary["seed"]) == ("finished", 5)
    assert list((tmp_path / "run" / "wandb").glob("offline-run-*"))
