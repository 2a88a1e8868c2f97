"""One run in several processes, each with its own devices: it is the run of one, and one of them writes."""

from __future__ import annotations

import dataclasses
import logging
import os
import socket
import subprocess
import sys

import jax
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import compose_config, compose_request, load, multiprocess
from seqlab.sweeps.grid import GridCheck
from seqlab.tracking import read_rows, read_summary
from seqlab.training import Checkpoints, Distributed, devices
from seqlab.types import ConfigError

STREAM = tiny(
    *("python_docs", "many_to_many", "task.stream=true", "training.steps=2", "training.eval_every=2"),
    *("training.checkpoint_every=1", "training.batch_size=4", "training.evaluation_batch_size=64"),
)
"""A run whose carries lie on the devices of both processes."""


def start(number, port, folder):
    """Start one of two processes with two devices each, and return it."""
    words = [sys.executable, "-m", "seqlab.train", *STREAM, f"hydra.run.dir={folder}", "training.devices=4"]
    address = f"distributed.coordinator=127.0.0.1:{port}"
    return subprocess.Popen(
        [*words, address, "distributed.num_processes=2", f"distributed.process_id={number}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "JAX_NUM_CPU_DEVICES": "2"},
    )


@pytest.mark.runs
def test_two_processes_with_two_devices_each_train_as_one_and_the_first_alone_writes(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [start(number, port, tmp_path / f"from_{number}") for number in (0, 1)]
    run([*STREAM, f"hydra.run.dir={tmp_path / 'alone'}", "training.devices=1"])
    for process in started:
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone", "from_0"]
    summary = read_summary(tmp_path / "from_0")
    assert (summary["num_processes"], summary["num_devices"]) == (2, 4)
    assert Checkpoints(tmp_path / "from_0").steps("latest") == [2, 1]
    alone, together = (load(tmp_path / name)[1] for name in ("alone", "from_0"))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), alone, together)
    for first, second in zip(*(read_rows(tmp_path / name) for name in ("alone", "from_0")), strict=True):
        assert first.keys() == second.keys()
        for key in first:
            if not key.startswith("timing/"):
                np.testing.assert_allclose(first[key], second[key], rtol=1e-3, atol=1e-5, err_msg=key)
    further = ["training.steps=3", "training.devices=1", f"resume={tmp_path / 'from_0'}"]
    resumed = run([*STREAM, *further, f"hydra.run.dir={tmp_path / 'further'}"])
    assert (resumed["status"], resumed["steps"]) == ("finished", 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"coordinator": "here"}, "coordinator must be null, auto or host:port, got 'here'"),
        ({"num_processes": 2}, "coordinator must be host:port where num_processes or process_id is given"),
        ({"coordinator": "auto", "process_id": 0}, "coordinator must be host:port where num_processes"),
        ({"coordinator": "a:1", "process_id": 0}, "num_processes must be a positive integer, got None"),
        ({"coordinator": "a:1", "num_processes": 2, "process_id": 2}, "process_id must be below"),
    ],
    ids=str,
)
def test_processes_that_cannot_find_each_other_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Distributed(**fields)


def test_processes_have_equal_shares_of_the_devices_and_rows(monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 3)  # of two devices each
    assert devices.choose(6 * devices.FEWEST_ROWS) == 6
    assert devices.choose(9) == 3
    with pytest.raises(ConfigError, match=r"must be multiples of the 3 processes, got 4"):
        devices.choose(4)
    devices.require_available(6)
    with pytest.raises(ConfigError, match=r"training\.devices must be a multiple of the 3 processes, got 4"):
        devices.require_available(4)


def test_what_is_on_the_host_already_is_fetched_as_it_is(monkeypatch):
    monkeypatch.setattr(devices, "several", lambda: True)
    tree = {"host": np.arange(3), "number": 2.5, "device": jax.numpy.ones(2)}
    found = devices.fetch(devices.fetch(tree))
    assert found["host"] is tree["host"]
    assert isinstance(found["device"], np.ndarray)


def test_processes_of_one_run_have_the_same_config(monkeypatch):
    def digest_of(*words):
        return multiprocess.digest(compose_request(words))

    own = digest_of("seed=1")
    assert digest_of("seed=1", "resume=auto", "distributed.coordinator=auto") == own
    assert digest_of("seed=2") != own
    with jax.enable_x64(True):
        assert digest_of("seed=1") != own
    monkeypatch.setattr(multiprocess, "several", lambda: True)
    monkeypatch.setattr(multiprocess, "text_of_first", lambda _: own)
    with (
        pytest.raises(ConfigError, match="must have the same config and the same JAX_ENABLE_X64"),
        multiprocess.as_one_run(compose_request(["seed=2"])),
    ):
        pass


def test_a_process_that_is_not_the_first_is_silent_only_during_the_run(monkeypatch, tmp_path):
    request = dataclasses.replace(compose_request([]), folder=tmp_path)
    monkeypatch.setattr(multiprocess, "several", lambda: True)
    monkeypatch.setattr(multiprocess, "is_first", lambda: False)
    with multiprocess.as_one_run(request):
        assert logging.root.manager.disable == logging.CRITICAL
    assert logging.root.manager.disable < logging.CRITICAL


def test_a_sweep_of_several_processes_is_refused(capsys):
    with pytest.raises(SystemExit) as refused:
        GridCheck().on_multirun_start(compose_config(["distributed.coordinator=auto"]))
    assert refused.value.code == 2
    assert "distributed.coordinator must be null in a sweep, got auto" in capsys.readouterr().err


def test_a_job_of_slurm_may_have_several_nodes():
    pytest.importorskip("submitit")
    launcher = compose_config(["hydra/launcher=slurm", "hydra.launcher.nodes=2"]).hydra.launcher
    assert (launcher.nodes, launcher.tasks_per_node, launcher.cpus_per_task) == (2, 1, 2)
