"""Streams: carries continue from batch to batch, across checkpoints and devices."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.diagnostics import recurrent
from seqlab.recurrence import Truncation
from seqlab.runs import build, compose_request
from seqlab.tracking import read_rows
from seqlab.training import Checkpoints
from seqlab.types import ConfigError, IncompatibleError

STREAM = tiny(
    *("python_docs", "many_to_many", "task.stream=true", "training.bptt_window=4", "training.bptt_stride=2"),
    *("training.eval_every=100", "training.steps_per_call=4"),
)


def built(*overrides):
    """Return the program of a config."""
    return build(compose_request([*STREAM, *overrides])).program


def last_state(folder, *overrides):
    """Return the state that a run saved last."""
    program = built(*overrides)
    like = jax.eval_shape(program.init, jnp.uint32(0), program.task.data)
    return Checkpoints(folder).restore_latest(like).state


def test_carries_and_diagnostics_are_those_of_one_long_run():
    program = built(
        *("architecture.num_layers=2", "optimizer=sgd", "optimizer.learning_rate=1e-30", "gradients=norms")
    )
    task, network = program.task, program.network
    begins = task.data["train"]["begins"].at[jnp.arange(0, len(task.data["train"]["begins"]), 7)].set(True)
    data = {**task.data, "train": {**task.data["train"], "begins": begins}}
    state = jax.jit(program.init)(0, data)
    step = jax.jit(lambda state, batch: program.step(state, batch)[0])
    batches = []
    for _ in range(3):
        batches.append(program.batch(state.seed, state.step, data))
        state = step(state, batches[-1])
    apply = lambda params, batch: network.apply_with_carries(None, params, batch)  # noqa: E731
    joined = lambda batches: jax.tree.map(lambda *leaves: jnp.concatenate(leaves, axis=1), *batches)  # noqa: E731
    whole = joined(batches)
    assert whole.resets.any(axis=1).all()
    carries, _ = jax.jit(apply)(state.params, whole)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), state.carries, carries)
    assert all(leaf.any() for leaf in jax.tree.leaves(carries))
    assert program.training.backward.truncation == Truncation(4, 2)

    before = state._replace(carries=jax.jit(apply)(state.params, joined(batches[:2]))[0])
    diagnosed = jax.jit(program.diagnose)(before, batches[2])
    follow = jax.jit(lambda params, batch: recurrent.follow(network, params, batch))
    met = follow(state.params, whole)["layer_1"]["forward"].gates["forget"]
    np.testing.assert_allclose(diagnosed["gates/forget/mean"], met[-len(met) // 3 :].mean(), rtol=1e-5)


@pytest.mark.runs
def test_it_resumes_bit_for_bit_and_spreads_over_devices_by_rows(tmp_path):
    def go(name, *overrides):
        return run([*STREAM, *overrides, f"hydra.run.dir={tmp_path / name}"])["status"]

    assert go("whole", "training.steps=6") == "finished"
    assert go("half", "training.steps=3") == "finished"
    assert go("half", "training.steps=6", "resume=auto") == "finished"
    whole, half = (last_state(tmp_path / name) for name in ("whole", "half"))
    assert {leaf.shape for leaf in jax.tree.leaves(whole.carries)} == {(4, 4)}
    assert all(leaf.any(axis=1).all() for leaf in jax.tree.leaves(whole.carries))
    jax.tree.map(np.testing.assert_array_equal, whole, half)

    with pytest.raises(ConfigError, match=r"in a stream, training\.batch_size"):
        go("half", "training.steps=7", "training.batch_size=6", "resume=auto", "allow_changes=true")

    assert go("two", "training.steps=6", "training.devices=2") == "finished"
    two = last_state(tmp_path / "two")
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6), whole, two)


ROWS = [("text_classification", "many_to_one"), ("tagging", "many_to_many"), ("text_corpus", "many_to_many")]


@pytest.mark.parametrize(("task", "architecture"), ROWS)
def test_gradients_of_every_text_stay_within_a_window(task, architecture):
    """The update is traced; what a window does to gradients is tested with the recurrence."""
    overrides = tiny(task, architecture, "training.bptt_window=2", "recurrence.memory=chunked")
    program = build(compose_request(overrides)).program
    batch = jax.eval_shape(program.batch, jnp.uint32(0), jnp.int32(0), program.task.data)
    assert batch.inputs.shape[1] > 2
    after, _ = jax.eval_shape(program.step, program.shapes, batch)
    assert jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, program.shapes)


def test_a_window_for_pairs_of_texts_is_refused():
    refused = r"training\.bptt_window=2 does not fit architecture=encoder_decoder"
    with pytest.raises(IncompatibleError, match=refused):
        build(compose_request(tiny("text_pairs", "encoder_decoder", "training.bptt_window=2")))


@pytest.mark.runs
def test_the_command_of_the_readme(command, tmp_path):
    done = command("train", *STREAM, "training.steps=2", "gradients=norms", "hydra.run.dir=out")
    assert done.returncode == 0, done.stderr
    row = next(row for row in read_rows(tmp_path / "out") if "train/loss" in row)
    assert len(row["grads/through_time/log10_norm"]) == 6
