"""Checkpoints: what is saved is restored, and what cannot be is refused for its own reason."""

from __future__ import annotations

import gc
import shutil

import jax
import numpy as np
import optax
import pytest

from seqlab.training import Checkpoints, TrainState
from seqlab.types import ConfigError


def state_of(features=3, optimizer=optax.adam):
    params = {"cell": {"kernel": np.ones((features, 2), np.float32)}, "readout": np.zeros(2, np.float32)}
    step, seed = np.asarray(7, np.int32), np.asarray(1, np.uint32)
    return TrainState(step, seed, params, jax.device_get(optimizer(0.1).init(params)), ())


@pytest.fixture
def saved(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save_latest(state_of())
    return checkpoints


def test_what_is_saved_is_restored(saved):
    state = state_of()
    jax.tree.map(np.testing.assert_array_equal, saved.restore_latest(state).state, state)
    abstract = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), state)
    jax.tree.map(np.testing.assert_array_equal, saved.restore_latest(abstract).state, state)


@pytest.mark.parametrize(
    "other", [state_of(features=4), state_of(optimizer=optax.sgd)], ids=["shape", "tree"]
)
def test_another_network_is_refused_as_that(saved, other):
    with pytest.raises(ConfigError, match="does not fit this network"):
        saved.restore_latest(other)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Orbax leaves tasks behind
@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("d/*", cut),
        ("_METADATA", cut),
        ("_METADATA", lambda path: path.unlink()),
        ("manifest.ocdbt", cut),
        ("default", shutil.rmtree),
        ("*", lambda path: path.write_bytes(b"") if path.is_file() else None),
    ],
    ids=["data cut", "metadata cut", "metadata missing", "manifest cut", "all missing", "all empty"],
)
def test_a_damaged_checkpoint_is_refused_as_that(saved, pattern, damage):
    for path in list((saved.folder / "latest" / "7").rglob(pattern)):
        damage(path)
    with pytest.raises(ConfigError) as refusal:
        saved.restore_latest(state_of())
    message = str(refusal.value)
    del refusal
    gc.collect()  # here, and not in another test, what Orbax left behind is warned of
    assert message.startswith(
        f"{saved.folder / 'latest' / '7'}, the latest checkpoint of step 7, cannot be read"
    )
    assert "\n" not in message


def test_a_checkpoint_that_is_being_deleted_has_no_name(saved, monkeypatch):
    monkeypatch.setattr(shutil, "rmtree", lambda path, **_: None)  # the kill comes before anything is deleted
    saved.discard_after(0)
    assert saved.latest_step() is None
    monkeypatch.undo()
    saved.discard_after(0)
    assert not list((saved.folder / "latest").iterdir())
