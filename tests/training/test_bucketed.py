"""Runs whose batches come from buckets by length: resumed, among others, and over two devices."""

from __future__ import annotations

import dataclasses

import jax
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import compose_request, load
from seqlab.sweeps.programs import Sharing, execute_all
from seqlab.tracking import read_rows


def settings(*further: str) -> list[str]:
    return [
        *tiny("tagging", "many_to_many", "gradients=off", "training.batch_size=16", "training.devices=1"),
        *("task.length=40", "task.length_buckets=3", "training.checkpoint_every=3", *further),
    ]


def rows_of(folder):
    return [
        {key: value for key, value in row.items() if not key.startswith("timing/")}
        for row in read_rows(folder)
    ]


def same(one, other, **bounds):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **bounds), load(one)[1], load(other)[1])
    for row, found in zip(rows_of(one), rows_of(other), strict=True):
        assert row.keys() == found.keys()
        for key in row:
            np.testing.assert_allclose(row[key], found[key], **bounds, err_msg=key)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bucketed")
    run([*settings("training.steps=6"), f"hydra.run.dir={folder}"])
    return folder


@pytest.mark.runs
def test_batches_have_less_padding_than_without_buckets(alone, folder):
    run([*settings("training.steps=6"), "task.length_buckets=1", f"hydra.run.dir={folder}"])
    shares = [
        [row["train/padding"] for row in rows_of(place) if "train/padding" in row]
        for place in (alone, folder)
    ]
    assert len({*shares[0]}) > 1
    assert max(shares[0]) < min(shares[1])


@pytest.mark.runs
def test_a_resumed_run_is_the_run(alone, folder):
    for steps, *further in (("3",), ("6", "resume=auto")):
        run([*settings(f"training.steps={steps}", *further), f"hydra.run.dir={folder}"])
    same(alone, folder, rtol=0, atol=0)


@pytest.mark.runs
def test_two_devices_train_as_one(alone, folder):
    run([*settings("training.steps=6", "training.devices=2"), f"hydra.run.dir={folder}"])
    same(alone, folder, rtol=1e-4, atol=1e-6)


@pytest.mark.runs
def test_a_run_among_others_is_the_run(alone, tmp_path):
    requests = [
        dataclasses.replace(
            compose_request(settings("training.steps=6", f"seed={seed}")), folder=tmp_path / str(seed)
        )
        for seed in range(2)
    ]
    execute_all(requests, Sharing(vmap_size=2, devices=1))
    same(alone, tmp_path / "0", rtol=1e-4, atol=1e-6)
