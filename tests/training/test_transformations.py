"""Averages, noise, rates by parameter, microbatches and early ends, each against its definition."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.runs import build, compose_request
from seqlab.sweeps.programs import Sharing, execute_all
from seqlab.tracking import read_rows
from seqlab.training import Checkpoints, Training
from seqlab.training.optimizers import LearningRate, sam
from seqlab.training.transformations import average_of, evaluates_loss, with_transformations
from seqlab.types import ConfigError

PARAMS = {"layer": {"kernel": jnp.ones((3, 2)), "bias": jnp.ones(2)}}
STEPS = 7


def path_of(optimizer, params=PARAMS, steps=STEPS, **extra):
    """Return the parameters and the state after each update of a changing gradient."""
    state, found = optimizer.init(params), []
    for step in range(steps):
        grads = jax.tree.map(lambda leaf, step=step: jnp.sin(leaf + step), params)
        updates, state = optimizer.update(grads, state, params, step=jnp.int32(step), **extra)
        params = optax.apply_updates(params, updates)
        found.append((params, state))
    return found


def assert_close(one, other, tolerance=1e-6):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, tolerance, tolerance), one, other)


def test_an_ema_of_parameters_equals_that_of_optax_without_bias():
    decay, ema = 0.9, optax.ema(0.9)
    state = ema.init(PARAMS)
    for params, found in path_of(with_transformations(optax.adam(0.1), Training(ema_decay=decay))):
        expected, state = ema.update(params, state)
        assert_close(average_of(found), expected)


@pytest.mark.parametrize(("start", "every"), [(1, 1), (3, 1), (2, 2)])
def test_swa_is_the_mean_of_the_parameters_of_its_steps(start, every):
    training, seen = Training(swa_start=start, swa_every=every), []
    for step, (params, state) in enumerate(path_of(with_transformations(optax.sgd(0.1), training)), 1):
        if step >= start and (step - start) % every == 0:
            seen.append(params)
        if seen:
            assert_close(average_of(state), jax.tree.map(lambda *leaves: sum(leaves) / len(seen), *seen))
        else:
            assert_close(average_of(state), params)
    assert [training.average_at(step) for step in (start - 1, start)] == [None, "swa"]


def test_averages_change_no_update_and_nothing_is_added_by_default():
    plain, averaged = (with_transformations(optax.adam(0.1), Training(ema_decay=d)) for d in (None, 0.5))
    one, other = path_of(plain), path_of(averaged)
    jax.tree.map(np.testing.assert_array_equal, one[-1][0], other[-1][0])
    assert jax.tree.structure(plain.init(PARAMS)) == jax.tree.structure(optax.adam(0.1).init(PARAMS))
    assert average_of(plain.init(PARAMS)) is None


def test_the_variance_of_gradient_noise_falls_as_published():
    zeros = {"w": jnp.zeros((100, 100))}
    noisy = with_transformations(optax.sgd(1.0), Training(gradient_noise=0.3, gradient_noise_decay=0.55))

    def noise(seed, step):
        extra = {"seed": jnp.uint32(seed), "step": jnp.int32(step)}
        return noisy.update(zeros, noisy.init(zeros), zeros, **extra)[0]["w"]

    for step in (0, 9):
        assert np.var(noise(0, step)) == pytest.approx(0.3 / (1 + step) ** 0.55, rel=0.05)
    np.testing.assert_array_equal(noise(0, 3), noise(0, 3))
    assert abs(np.corrcoef(noise(0, 3).ravel(), noise(1, 3).ravel())[0, 1]) < 0.05


def test_rates_by_path_multiply_updates_and_the_last_pattern_counts():
    factors = {"layer/*": 0.5, "*bias": 0.0}
    plain, scaled = (with_transformations(optax.adam(0.1), Training(rate_factors=f)) for f in (None, factors))
    grads = jax.tree.map(jnp.sin, PARAMS)
    one, other = (each.update(grads, each.init(PARAMS), PARAMS)[0]["layer"] for each in (plain, scaled))
    np.testing.assert_array_equal(other["kernel"], 0.5 * one["kernel"])
    np.testing.assert_array_equal(other["bias"], 0 * one["bias"])


SAM = sam(optax.sgd, LearningRate(0.1, optax.constant_schedule(1.0)))


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (optax.adam(0.1), False),
        (optax.lbfgs(0.1), True),
        (optax.contrib.sophia(0.1), True),
        (optax.chain(optax.sgd(0.1), optax.scale_by_backtracking_linesearch(5)), True),
        (optax.contrib.momo(0.1), False),
        (SAM, False),
    ],
    ids=["adam", "lbfgs", "sophia", "backtracking", "momo", "sam"],
)
def test_an_optimiser_that_calls_the_loss_is_found_by_its_update(optimizer, expected):
    assert evaluates_loss(with_transformations(optimizer, Training()), PARAMS) is expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["training.rate_factors={*biass: 0.1}"], "training.rate_factors: *biass fits no parameter"),
        (["training.rate_factors={*: fast}"], "training.rate_factors.* must be a number of at least 0"),
        (["training.rate_factors=0.1"], "training.rate_factors must be null or a factor for each pattern"),
        (["training.accumulate=3"], "training.accumulate=3 times devices=1 must divide batch_size=4"),
        (["training.ema_decay=1"], "training.ema_decay must be a finite number, at least 0 and below 1"),
        (["training.ema_decay=0.9", "training.swa_start=3"], "training.ema_decay and swa_start are two"),
        (["training.stop_at=solvd"], "training.stop_at must be one of null, a number, solved, got 'solvd'"),
        (
            ["training.stop_at=a number"],
            "training.stop_at must be one of null, a number, solved, got 'a number'",
        ),
        (["training.swa_start=9", "training.steps=8"], "training.swa_start must be at most steps=8, or null"),
        (["training.seconds=0"], "training.seconds must be a finite number, at least 0.001"),
        (
            ["optimizer=optax", "optimizer.name=lbfgs", "training.devices=2"],
            "training.devices must be 1 with an optimizer that calls the loss, such as a line search, got 2",
        ),
        (["training.gradient_noise=-1"], "training.gradient_noise must be a finite number, at least 0"),
    ],
)
def test_a_refusal_is_one_line_that_names_the_key(words, message):
    with pytest.raises(ConfigError) as caught:
        build(compose_request(tiny("adding", "many_to_one", *words)))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


BATCHES = {
    "masks": tiny("movie_snippets", "many_to_one"),
    "stream": tiny("python_docs", "many_to_many", "task.stream=true", "cell=gru"),
    "control": tiny(
        *("adding", "many_to_one", "training.omega=2.0", "training.clip_recurrent=0.001", "cell=elman")
    ),
}


def objective_of(program, accumulate):
    return dataclasses.replace(
        program.objective, training=dataclasses.replace(program.training, accumulate=accumulate)
    )


@pytest.mark.parametrize("kind", BATCHES)
def test_microbatches_have_the_gradient_of_their_batch(kind):
    program = build(compose_request(BATCHES[kind])).program

    def differentiate(accumulate):
        data = program.task.data
        state = program.init(jnp.uint32(3), data)
        batch = program.batch(state.seed, state.step, data)
        probes = program.network.zero_probes(state.params, batch)
        return objective_of(program, accumulate).differentiate(state, batch, probes)

    one, other = jax.jit(lambda: (differentiate(1), differentiate(2)))()
    assert jax.tree.structure(one) == jax.tree.structure(other)
    assert_close(one, other)


def test_microbatches_need_less_memory():
    words = tiny("adding", "many_to_one", "training.batch_size=64", "task.length=200", "cell=gru")
    program = build(compose_request(words)).program
    batch = jax.eval_shape(lambda: program.batch(jnp.uint32(0), jnp.int32(0), program.task.data))

    def megabytes(accumulate):
        compiled = (
            jax.jit(objective_of(program, accumulate).differentiate).lower(program.shapes, batch).compile()
        )
        return compiled.memory_analysis().temp_size_in_bytes / 1e6

    assert megabytes(8) < 0.3 * megabytes(1)


def test_an_update_that_is_not_finite_is_not_made():
    program = build(compose_request(tiny("adding", "many_to_one"))).program
    broken = optax.stateless(lambda grads, _: jax.tree.map(lambda leaf: leaf * jnp.inf, grads))
    program = dataclasses.replace(program, optimizer=broken)
    state = jax.jit(program.init)(jnp.uint32(3), program.task.data)
    batch = jax.jit(program.batch)(state.seed, state.step, program.task.data)
    after, _ = jax.jit(program.step)(state, batch)
    jax.tree.map(np.testing.assert_array_equal, after, state)


def words_of(folder, *words):
    settings = ["training.steps=9", "training.eval_every=4", "training.log_every=2", "gradients=off"]
    settings = tiny("adding", "many_to_one", "cell=elman", *settings, "training.devices=1", *words)
    return [*settings, f"hydra.run.dir={folder}"]


STOPPED = "training.stop_at=1e3", "training.ema_decay=0.5", "training.gradient_noise=1e-4"


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Return the folder and the summary of a run with an average that reached its limit."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    return folder, run(words_of(folder, *STOPPED))


@pytest.mark.runs
def test_a_run_ends_where_its_metric_reaches_a_value_with_the_better_of_two(stopped):
    folder, summary = stopped
    assert (summary["status"], summary["steps"]) == ("finished", 4)
    assert "reaches training.stop_at=1000" in summary["reason"]
    [row] = [row for row in read_rows(folder) if "eval/mse" in row]
    assert {"eval/loss", "eval/ema/loss", "eval/mse", "eval/ema/mse"} <= row.keys()
    assert summary["best"]["eval/mse"] == min(row["eval/mse"], row["eval/ema/mse"])
    assert ("params" in summary["best"]) == (row["eval/ema/mse"] < row["eval/mse"])


@pytest.mark.runs
def test_runs_with_averages_and_noise_are_one_program_and_each_is_the_run_by_itself(stopped, tmp_path):
    decays = {"0.5": stopped[0], "0.9": None}
    requests = [
        dataclasses.replace(
            compose_request(words_of("x", *STOPPED, f"training.ema_decay={decay}")), folder=tmp_path / decay
        )
        for decay in decays
    ]
    assert len({build(request).family.key for request in requests}) == 1
    execute_all(requests, Sharing(vmap_size=2, devices=1))
    for one, other in zip(read_rows(stopped[0]), read_rows(tmp_path / "0.5"), strict=True):
        untimed = {key: value for key, value in one.items() if not key.startswith("timing/")}
        assert untimed == pytest.approx({key: other[key] for key in untimed}, rel=1e-4)


@pytest.mark.runs
def test_a_run_ends_with_all_its_files_when_its_seconds_are_over_and_goes_on_with_more(tmp_path):
    summary = run(words_of(tmp_path, "training.seconds=0.001"))
    assert (summary["status"], summary["steps"]) == ("finished", 2)
    assert summary["reason"] == "training.seconds=0.001 are over after step 2"
    assert summary["best"]["step"] == summary["test"]["step"] == 2
    assert Checkpoints(tmp_path).latest_step() == Checkpoints(tmp_path).best_step() == 2
    assert run([*words_of(tmp_path, "training.seconds=0.001"), "resume=auto"])["reason"] == summary["reason"]
    assert run([*words_of(tmp_path, "training.seconds=1e6"), "resume=auto"])["steps"] == 9
    assert [row["step"] for row in read_rows(tmp_path) if "eval/mse" in row] == [4, 8, 9]
