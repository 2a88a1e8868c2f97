"""Training from Python objects: the same run as from a config, with our loop and without it."""

from __future__ import annotations

import jax
import numpy as np
import optax
import pytest
from tiny_runs import tiny

from seqlab import Callback, Training, fit, load_run, run
from seqlab.architectures import ManyToOne
from seqlab.cells import GRU
from seqlab.runs import evaluate
from seqlab.tasks import load_task
from seqlab.training import Program
from seqlab.types import ConfigError, IncompatibleError

pytestmark = pytest.mark.runs
FRAMING = "many_to_one"
FEW = Training(steps=3, batch_size=4, log_every=1, evaluation_batch_size=64)


def objects():
    task = load_task("adding", length=6, num_evaluation_examples=16)
    return task, ManyToOne(GRU(4), task.input_spec(FRAMING), task.output_spec(FRAMING))


@pytest.fixture(scope="module")
def fitted():
    return fit(*objects(), FEW, optax.adam(1e-3), seed=3)


def test_fit_is_the_run_of_the_same_config(fitted, folder):
    settings = ["cell=gru", "optimizer.learning_rate=1e-3", "seed=3", "training.steps=3"]
    run([*tiny("adding", FRAMING, *settings), f"hydra.run.dir={folder}"])
    same = load_run(folder)
    np.testing.assert_allclose(fitted.metrics["train/loss"], same.metrics["train/loss"], rtol=1e-6)
    np.testing.assert_allclose(
        fitted.summary["test"]["test/mse"], same.summary["test"]["test/mse"], rtol=1e-5
    )
    jax.tree.map(lambda one, two: np.testing.assert_allclose(one, two, rtol=1e-4), fitted.params, same.params)
    assert (fitted.summary["status"], fitted.folder, fitted.summary["folder"]) == ("finished", None, None)


def test_a_fitted_run_predicts(fitted):
    task, network = fitted.task, fitted.network
    batch = task.evaluation_batch(0, 5, "test", FRAMING, task.data)
    found = fitted.predict(np.asarray(batch.inputs))
    np.testing.assert_allclose(np.stack(found.outputs), network.apply(fitted.params, batch), rtol=1e-5)
    assert found.probabilities is None
    assert found.names is None
    with pytest.raises(ConfigError, match=r"^inputs\[0\] must hold T × 2 numbers, got an array \(4,\)$"):
        fitted.predict(np.zeros((3, 4)))


def test_a_folder_holds_what_was_fitted(folder):
    heard = []

    class Listener(Callback):
        def on_end(self, summary):
            heard.append(summary["status"])

    fitted = fit(*objects(), Training(steps=1, batch_size=4), folder=folder, callbacks=[Listener()])
    assert heard == ["finished"]
    assert {path.name for path in folder.iterdir()} == {
        *("run.json", "metrics.jsonl", "summary.json", "examples.json", "checkpoints")
    }
    assert fitted.folder == folder


def test_a_framing_that_does_not_fit_is_refused():
    _, network = objects()
    with pytest.raises(IncompatibleError, match="architecture=many_to_one does not fit task copy_memory"):
        fit(load_task("copy_memory"), network, FEW)


def test_the_pure_functions_train_without_our_loop(fitted):
    program = Program(*objects(), optax.adam(1e-3), FEW)
    state, step = program.init(np.uint32(3), program.task.data), jax.jit(program.step)
    losses = []
    for _ in range(3):
        state, metrics = step(state, program.batch(state.seed, state.step, program.task.data))
        losses.append(float(metrics["train/loss"].total / metrics["train/loss"].weight))
    np.testing.assert_allclose(losses, fitted.metrics["train/loss"].dropna(), rtol=1e-5)
    found = evaluate(program, state.params, "test")
    np.testing.assert_allclose(found["test/mse"], fitted.summary["test"]["test/mse"], rtol=1e-5)


def test_a_loss_and_metrics_of_ones_own(fitted):
    def absolute(predictions, targets):
        return abs(predictions - targets)

    same = {"twice": lambda predictions, targets: 2 * absolute(predictions, targets)}
    found = fit(*objects(), FEW, seed=3, loss=absolute, metrics=same)
    np.testing.assert_allclose(found.metrics["train/twice"], 2 * found.metrics["train/loss"], rtol=1e-6)
    assert found.summary["test"]["test/twice"] > 0
    assert found.summary["metric"] == fitted.summary["metric"]
    with pytest.raises(ConfigError, match=r"^metrics\.mse is reported by the task"):
        fit(*objects(), FEW, metrics={"mse": absolute})
