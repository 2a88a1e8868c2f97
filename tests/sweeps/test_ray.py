"""Sweeps on a Ray cluster of two nodes, of which one is killed; `scripts/try_ray.sh` installs Ray."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time

import pytest
from tiny_runs import tiny

from seqlab.tracking import read_rows, read_summary
from seqlab.training import Checkpoints

cluster_utils = pytest.importorskip("ray.cluster_utils", reason="needs the extra ray")
pytestmark = pytest.mark.runs

GRID = [
    *tiny("adding", "many_to_one", "cell=elman,gru", "seed=0,1", "training.steps=4000"),
    *("training.steps_per_call=5", "training.checkpoint_every=200", "training.log_every=50"),
    *("hydra.launcher.vmap_size=2", "hydra.sweep.dir=sweep"),
]
"""Four runs in two programs, one for each node."""

OF_TIME = {"seconds", "compile_seconds", "steps_per_second", "program_seconds", "program_cpu_seconds"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the folder of the sweep in one process that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    done = start(folder, *GRID, "hydra/launcher=vectorized", "hydra.launcher.devices=1").wait(300)
    assert done == 0, told(folder)
    return folder / "sweep"


@pytest.fixture
def cluster(monkeypatch):
    """Return a cluster of two nodes on this machine, each of one core."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    node = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100_000_000}
    made = cluster_utils.Cluster(initialize_head=True, head_node_args=node)
    yield made
    made.shutdown()


def start(folder, *words):
    """Start a sweep in a folder."""
    with (folder / "told").open("w") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "seqlab.train", "-m", *words],
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HYDRA_FULL_ERROR": "0"},
            start_new_session=True,
        )


def told(folder):
    return (folder / "told").read_text()


def until_trained(folder, process):
    """Wait until every run has a checkpoint."""
    deadline = time.monotonic() + 200
    runs = [Checkpoints(folder / "sweep" / str(number)) for number in range(4)]
    while any(not run.folder.exists() or run.latest_step() is None for run in runs):
        assert process.poll() is None, told(folder)
        assert time.monotonic() < deadline, told(folder)
        time.sleep(0.05)


def rows_of(folder):
    return [
        {key: value for key, value in row.items() if not key.startswith("timing/")}
        for row in (read_rows(folder) if folder.exists() else ())
    ]


def table(sweep):
    with (sweep / "sweep.csv").open() as file:
        return [
            {key: value for key, value in row.items() if key not in OF_TIME} for row in csv.DictReader(file)
        ]


def assert_same(sweep, whole):
    """Require that each run ended as in another sweep, bit for bit."""
    for number in range(4):
        one, other = sweep / str(number), whole / str(number)
        assert rows_of(one) == rows_of(other)
        for key in ("status", "reason", "steps", "best", "final", "test"):
            assert read_summary(one)[key] == read_summary(other)[key]
    assert table(sweep) == table(whole)


def resumed_at(sweep):
    """Return the step at which each run was resumed; None for one that was not."""
    histories = [read_summary(sweep / str(number)).get("resumed") or [{}] for number in range(4)]
    return [history[0].get("step") for history in histories]


def test_a_sweep_outlives_a_node_and_ends_as_in_one_process(cluster, whole, tmp_path):
    second = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    address = f"hydra.launcher.address={cluster.address}"
    process = start(tmp_path, *GRID, "hydra/launcher=ray", address)
    until_trained(tmp_path, process)
    cluster.remove_node(second, allow_graceful=False)
    print(
        "node killed when the rows of the runs were",
        [len(rows_of(tmp_path / f"sweep/{n}")) for n in range(4)],
    )
    assert process.wait(300) == 0, told(tmp_path)
    print(told(tmp_path))
    print("resumed at", resumed_at(tmp_path / "sweep"))
    assert "was lost and is started again" in told(tmp_path)
    steps = resumed_at(tmp_path / "sweep")
    assert sorted(step is None for step in steps) == [False, False, True, True]  # those of one program
    assert_same(tmp_path / "sweep", whole)


def test_an_interrupted_sweep_saves_its_runs_and_is_resumed(whole, tmp_path):
    process = start(tmp_path, *GRID, "hydra/launcher=ray")  # which starts Ray itself
    until_trained(tmp_path, process)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
    assert process.wait(100) == 130, told(tmp_path)
    print(told(tmp_path))
    assert "to continue: " in told(tmp_path)
    sweep = tmp_path / "sweep"
    assert {read_summary(sweep / str(number))["status"] for number in range(4)} == {"interrupted"}
    assert start(tmp_path, "sweep.resume=sweep").wait(300) == 0, told(tmp_path)
    assert all(resumed_at(sweep))
    assert_same(sweep, whole)
