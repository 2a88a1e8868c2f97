"""What the backward pass saves: chosen by the memory that is free, and told."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_runs import ONE_EACH, tiny

from seqlab import run
from seqlab.recurrence import RecurrenceSettings
from seqlab.runs import build, compose_request
from seqlab.runs.objects import make_family
from seqlab.runs.request import resolve
from seqlab.tasks.memory.adding import Adding
from seqlab.training import Training, memory
from seqlab.types import ConfigError, IncompatibleError


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


def test_auto_is_chosen_where_a_run_is_built_and_not_where_its_objects_are_made(monkeypatch):
    config = resolve(compose_request(tiny("adding", "many_to_one")).config)
    assert config["recurrence"]["memory"] == "auto"
    monkeypatch.setattr(Adding, "data", property(lambda task: pytest.fail("the data were read")))
    family, _ = make_family(config)
    assert family.program.recurrence.memory == "auto"


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
    saved = memory.saved_bytes(program, batch)
    assert saved < memory._most_saved(program, batch)
    chunked = dataclasses.replace(program, recurrence=RecurrenceSettings("chunked"))
    shares = dataclasses.replace(program, training=dataclasses.replace(program.training, accumulate=4))
    assert memory.saved_bytes(chunked, batch) < saved / 2
    assert memory.saved_bytes(shares, batch) < saved / 2


def test_a_decoder_that_goes_step_by_step_is_computed_in_chunks_too():
    overrides = tiny("reverse_string", "encoder_decoder", "task.length=16", "architecture.attention=bahdanau")
    full, chunked = (built(*overrides, f"recurrence.memory={name}").program for name in ("full", "chunked"))

    assert gradient(chunked).count("prevent_cse") >= 2  # of the encoder, and of the decoder
    state = jax.jit(full.init)(jnp.uint32(0), full.task.data)
    batch = jax.jit(full.batch)(jnp.uint32(0), jnp.int32(0), full.task.data)
    found = [jax.jit(program.objective.differentiate)(state, batch).grads for program in (full, chunked)]
    jax.tree.map(lambda *both: np.testing.assert_allclose(*both, rtol=1e-4, atol=1e-6), *found)


@pytest.mark.parametrize(
    ("task", "architecture", "override", "reason"),
    [
        ("adding", "one_to_one", "recurrence.memory=chunked", "nothing recurs"),
        ("adding", "one_to_one", "recurrence.backend=cudnn", "nothing recurs"),
        ("reverse_string", "encoder_decoder", "recurrence.backend=cudnn", "goes step by step"),
    ],
)
def test_what_would_be_without_effect_is_refused(task, architecture, override, reason):
    further = ["architecture.attention=bahdanau"] * (architecture == "encoder_decoder")
    with pytest.raises(IncompatibleError, match=f"^{override} does not fit .*{reason}"):
        built(*tiny(task, architecture, override, *further))


def test_free_memory_is_known_here():
    assert 0 < memory.free_memory(1) < 2**50


def test_a_value_that_is_not_legal_is_refused():
    with pytest.raises(
        ConfigError, match=r"^recurrence\.memory must be one of auto, full, chunked, got 'half'"
    ):
        built(*tiny("adding", "many_to_one", "recurrence.memory=half"))


def test_bfloat16_is_refused_in_float64():
    with jax.enable_x64(True), pytest.raises(ValueError, match="bfloat16 does not fit JAX_ENABLE_X64=1"):
        Training(precision="bfloat16")
