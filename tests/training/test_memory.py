"""What the backward pass saves: chosen by the memory that is free, and told."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest
from tiny_runs import ONE_EACH, tiny

from seqlab import run
from seqlab.runs import build, compose_request
from seqlab.training import memory
from seqlab.types import ConfigError


def built(*overrides):
    return build(compose_request(overrides))


def gradient(program):
    """Return the jaxpr of an update, as text."""
    batch = jax.eval_shape(program.batch, jnp.uint32(0), jnp.int32(0), program.task.data)
    return str(jax.make_jaxpr(program.step)(program.shapes, batch))


@pytest.mark.parametrize(("task", "architecture"), [pair for pair in ONE_EACH if pair[1] != "one_to_one"])
def test_the_key_reaches_the_recurrence_of_every_architecture(task, architecture):
    overrides = tiny(task, architecture)
    full, chunked = (built(*overrides, f"recurrence.memory={name}").program for name in ("full", "chunked"))
    assert "prevent_cse" in gradient(chunked)
    assert "prevent_cse" not in gradient(full)


@pytest.mark.runs
def test_auto_saves_all_where_it_fits_and_says_what_it_chose_where_it_does_not(folder, monkeypatch):
    overrides = tiny("adding", "many_to_one", "training.steps=1")
    usual = built(*overrides)
    assert (usual.program.recurrence.memory, usual.info.notes) == ("full", ())
    monkeypatch.setattr(memory, "free_memory", lambda num_devices: 1000.0)
    scarce = built(*overrides)
    assert scarce.family != usual.family
    assert "recurrence.memory=chunked, chosen" in scarce.info.notes[0]
    assert built(*overrides, "recurrence.memory=full").program.recurrence.memory == "full"
    summary = run([*overrides, f"hydra.run.dir={folder}"])
    assert (summary["status"], summary["memory"]) == ("finished", "chunked")


def test_the_bound_that_needs_no_trace_is_above_what_is_saved():
    program = built(*tiny("adding", "many_to_one", "task.length=50", "cell.features=32")).program
    batch = jax.eval_shape(program.batch, jnp.uint32(0), jnp.int32(0), program.task.data)
    assert memory.saved_bytes(program, batch) < memory._most_saved(program, batch)


def test_free_memory_is_known_here():
    assert 0 < memory.free_memory(1) < 2**50


def test_a_value_that_is_not_legal_is_refused():
    with pytest.raises(
        ConfigError, match=r"^recurrence\.memory must be one of auto, full, chunked, got 'half'"
    ):
        built(*tiny("adding", "many_to_one", "recurrence.memory=half"))
