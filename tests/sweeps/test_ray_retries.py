"""Jobs on Ray without Ray: what is refused, and what happens to jobs that are lost or interrupted."""

from __future__ import annotations

import importlib.util
import socket
from types import SimpleNamespace

import pytest

from seqlab.runs import compose_config
from seqlab.sweeps.launcher import by_ray
from seqlab.sweeps.ray_cluster import RayCluster, _require_answer, _wait
from seqlab.tracking.job import as_job, current_job, num_restarts
from seqlab.types import ConfigError, UnfinishedRunError


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_cpus", 0, "num_cpus must be a positive integer, got 0"),
        ("num_gpus", -1, "num_gpus must be a finite number, at least 0"),
        ("max_retries", "many", "max_retries must be a non-negative integer"),
        ("resources", {"big": 0}, "resources must be amounts by name"),
        ("resources", [1], "resources must be amounts by name"),
        *(
            ("address", wrong, "address must be null, auto or HOST:PORT")
            for wrong in ("head", ":1", "head:0", "head:70000", "ray://head:10001", 6379)
        ),
    ],
)
def test_what_is_not_legal_is_refused_by_its_key(name, value, message):
    with pytest.raises(ConfigError, match=rf"^hydra\.launcher\.{message}"):
        by_ray(**{name: value})


def test_the_keys_of_the_launcher_are_those_of_a_cluster():
    node = compose_config(["hydra/launcher=ray"]).hydra.launcher
    cluster = RayCluster()
    own = {name: node[name] for name in vars(cluster)}
    assert own == vars(cluster)


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_the_extra_is_named():
    with pytest.raises(ConfigError, match=r"^ray is not installed: pip install 'seqlab\[ray\]'$"):
        by_ray()


def test_an_address_where_nothing_listens_is_refused_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    refused = rf"^hydra\.launcher\.address=127\.0\.0\.1:{port} is no running cluster \(Connection refused\)"
    with pytest.raises(ConfigError, match=refused):
        _require_answer(f"127.0.0.1:{port}")


class RayError(Exception):
    """Any error of Ray."""


class RayTaskError(RayError):
    """An error that a task raised."""

    def __init__(self, cause):
        super().__init__(str(cause))
        self.cause = cause


class FakeRay:
    """A cluster that ends its jobs in order, as a table says: by index and restart, a result or an error."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self, ends):
        self.ends, self.started, self.cancelled = ends, [], []

    def start(self, index, restarts):
        self.started.append((index, restarts))
        return (index, restarts)

    def wait(self, references, num_returns=1, timeout=None):
        return references[:num_returns], references[num_returns:]

    def get(self, reference):
        end = self.ends[reference]
        if isinstance(end, BaseException):
            raise end
        return end

    def cancel(self, reference):
        self.cancelled.append(reference)


def test_a_job_that_is_lost_is_started_again_and_no_other():
    own = ValueError("its own")
    ends = {(0, 0): ["a"], (1, 0): RayError("the node died"), (1, 1): ["b"], (2, 0): RayTaskError(own)}
    ends |= {(3, count): RayError(f"the node died, {count}") for count in range(3)}
    ray = FakeRay(ends)
    results = _wait(ray, ray.start, 4, 2)
    assert results[:3] == [["a"], ["b"], own]
    assert isinstance(results[3], UnfinishedRunError)
    assert sorted(ray.started) == sorted(ray.ends)


def test_an_interrupt_cancels_the_jobs_that_have_not_ended():
    ray = FakeRay({(0, 0): ["a"], (1, 0): KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        _wait(ray, ray.start, 4, 2)
    assert ray.cancelled == [(2, 0), (3, 0)]


def test_a_process_belongs_to_the_job_that_it_entered(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with as_job(("ray", 2)):
        assert (current_job(), num_restarts()) == (("ray", 2), 2)
    assert (current_job(), num_restarts()) == (("7", 0), 0)


def test_a_key_that_no_cluster_has_is_refused():
    with pytest.raises(ConfigError, match=r"^hydra\.launcher\..*unexpected keyword"):
        by_ray(cpus=1)
