"""One run in several processes, each with its own devices: it is the run of one, and one of them writes."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from one_of_two import DIVERGING, SHARED, STREAM, fitted, total

from seqlab import run
from seqlab.runs import compose_config, compose_request, load, multiprocess
from seqlab.sweeps.grid import GridCheck
from seqlab.tracking import read_rows, read_summary
from seqlab.training import Checkpoints, Distributed, devices
from seqlab.types import ConfigError

HERE = Path(__file__).parent


def start(number, port, place):
    """Start one of two processes with two devices each, and return it."""
    return subprocess.Popen(
        [sys.executable, HERE / "one_of_two.py", str(number), str(port), place],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "JAX_NUM_CPU_DEVICES": "2",
            "PYTHONPATH": os.pathsep.join([str(HERE.parent), *sys.path]),
        },
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return the folder in which two processes of two devices each have trained the runs of `one_of_two`."""
    place = tmp_path_factory.mktemp("two")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [start(number, port, place) for number in (0, 1)]
    errors = [process.communicate(timeout=600)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], errors
    return place


def assert_equal_runs(*folders):
    """Require the same parameters and rows of two runs, but for rounding and times."""
    params = (load(folder)[1] for folder in folders)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), *params)
    for first, second in zip(*(read_rows(folder) for folder in folders), strict=True):
        assert first.keys() == second.keys()
        for key in first:
            if not key.startswith("timing/"):
                np.testing.assert_allclose(first[key], second[key], rtol=1e-3, atol=1e-5, err_msg=key)


@pytest.fixture(scope="module")
def said(place):
    """Return what both processes say of their runs."""
    return [json.loads((place / f"said_{number}.json").read_text()) for number in (0, 1)]


@pytest.mark.runs
def test_four_devices_of_two_processes_share_rows_and_parameters(place, tmp_path):
    alone = [*SHARED, "training.feature_devices=1", "training.devices=1"]
    run([*alone, f"hydra.run.dir={tmp_path / 'alone'}"])
    assert_equal_runs(tmp_path / "alone", place / "shared")


@pytest.mark.runs
def test_two_processes_with_two_devices_each_train_as_one_and_the_first_alone_writes(place, tmp_path):
    run([*STREAM, f"hydra.run.dir={tmp_path / 'alone'}", "training.devices=1"])
    assert not (place / "from_1").exists()
    summary = read_summary(place / "from_0")
    assert (summary["num_processes"], summary["num_devices"]) == (2, 4)
    assert Checkpoints(place / "from_0").steps("latest") == [2, 1]
    assert_equal_runs(tmp_path / "alone", place / "from_0")
    further = ["training.steps=3", "training.devices=1", f"resume={place / 'from_0'}"]
    resumed = run([*STREAM, *further, f"hydra.run.dir={tmp_path / 'further'}"])
    assert (resumed["status"], resumed["steps"]) == ("finished", 3)


@pytest.mark.runs
def test_a_run_of_two_processes_diverges_as_one_of_one_does(place, said, tmp_path):
    alone = run([*DIVERGING, f"hydra.run.dir={tmp_path / 'alone'}", "training.devices=1"])
    assert alone["status"] == "diverged"
    for found in said:
        assert found["diverged"] == {key: alone[key] for key in ("status", "reason", "steps")}
    together = read_summary(place / "diverged")
    assert [one["step"] for one in together["restores"]] == [one["step"] for one in alone["restores"]]


@pytest.mark.runs
def test_two_processes_fit_from_python_objects_where_both_can_read_the_folder(said):
    alone = fitted(1)
    for found in said:
        status, num_rows, size = found["fitted"]
        assert (status, num_rows) == ("finished", len(alone.rows))
        np.testing.assert_allclose(size, total(alone.params), rtol=1e-6)
        assert found["refused"] == "folder must be one that all processes of a run can read, got None"


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
        pytest.raises(ConfigError, match="must have the same config and JAX_ENABLE_X64"),
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
