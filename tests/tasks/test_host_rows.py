"""Rows that stay on disk: the same batches, evaluations and runs as rows on the device."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from draws import evaluation_of
from small_corpora import overrides as stand_in
from small_corpora import stand_in as fields_of
from tiny_runs import TINY

from seqlab import run
from seqlab.data.mapped import map_large
from seqlab.tasks import SPLITS, load_task
from seqlab.tasks._host_rows import HostRows
from seqlab.types import ConfigError

LARGE = (
    *("text_classification", "tagging", "text_pairs", "captions", "frames", "labelled_images"),
    *("labelled_series", "labelled_sounds", "transcription"),
)


@pytest.mark.parametrize("name", LARGE)
def test_batches_and_fingerprint_are_those_of_resident_rows(name):
    resident, mapped = (load_task(name, **fields_of(name), resident_bytes=limit) for limit in (10**12, 0))
    assert any(isinstance(leaf, HostRows) for leaf in mapped.data["train"].values())
    draw = jax.jit(lambda key, data: jax.vmap(lambda key: mapped.batch(key, 3, data=data))(key))
    keys = jax.random.split(jax.random.key(0), 2)
    batches = [draw(keys, task.data) for task in (resident, mapped)]
    jax.tree.map(np.testing.assert_array_equal, *batches)
    framing = resident.framings[0]
    for split in SPLITS[1:]:
        found = [
            evaluation_of(task, jnp.int32(0), 4, split, framing, task.data) for task in (resident, mapped)
        ]
        jax.tree.map(np.testing.assert_array_equal, *found)
    assert resident.fingerprint() == mapped.fingerprint()


@pytest.mark.runs
def test_a_run_over_two_devices_is_the_same(tmp_path):
    rows = {}
    for limit in (10**12, 0):
        folder = tmp_path / str(limit)
        keys = [
            *stand_in("tagging"),
            "task=tagging",
            f"task.resident_bytes={limit}",
            f"hydra.run.dir={folder}",
        ]
        run([*keys, *TINY, "training.steps=4", "training.devices=2", "training.batch_size=16"])
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        rows[limit] = [{k: v for k, v in json.loads(line).items() if "timing" not in k} for line in lines]
    assert rows[10**12] == rows[0]


def test_only_rows_are_mapped_and_no_file_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    arrays = {"train": {"tokens": np.arange(6).reshape(3, 2), "labels": np.arange(3)}}
    found = map_large(arrays, 10)["train"]
    assert [isinstance(found[name], np.memmap) for name in ("tokens", "labels")] == [True, False]
    np.testing.assert_array_equal(found["tokens"], arrays["train"]["tokens"])
    assert not list(tmp_path.iterdir())
    assert map_large(arrays, 1000) == arrays


@pytest.mark.parametrize("limit", [-1, 1.5, "many", True])
def test_a_limit_that_is_no_count_is_refused(limit):
    with pytest.raises(ConfigError, match=r"^task\.resident_bytes must be a count of bytes or null, got "):
        map_large({}, limit)
