"""One of two processes that train runs together: `python one_of_two.py NUMBER PORT PLACE`.

What each run says of itself is written to `PLACE/said_NUMBER.json`.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import jax
import numpy as np
from tiny_runs import UNSTABLE, tiny

from seqlab import Training, fit, run
from seqlab.architectures import ManyToOne
from seqlab.cells import GRU
from seqlab.cli.train import main as train
from seqlab.tasks import load_task
from seqlab.types import ConfigError

STREAM = tiny(
    *("python_docs", "many_to_many", "task.stream=true", "training.steps=2", "training.eval_every=2"),
    *("training.checkpoint_every=1", "training.batch_size=4", "training.evaluation_batch_size=64"),
)
"""A run whose carries lie on the devices of both processes."""

WIDE = "cell=lstm", "training.steps=2", "training.feature_devices=2", "gradients=norms"
SHARED = tiny("adding", "many_to_one", *WIDE)
"""A run in which two devices share the parameters, and two groups of them the rows."""

DIVERGING = [*UNSTABLE, "optimizer.learning_rate=1e9", "training.on_nonfinite=restore"]
"""A run that diverges, also from the checkpoints that it is restored from."""


def fitted(num_devices, folder=None):
    """Train from Python objects."""
    task = load_task("adding", length=6, num_evaluation_examples=16)
    network = ManyToOne(GRU(4), task.input_spec("many_to_one"), task.output_spec("many_to_one"))
    few = Training(steps=1, batch_size=4, evaluation_batch_size=64, devices=num_devices)
    return fit(task, network, few, folder=folder)


def total(params):
    """Return a number that tells parameters apart."""
    return sum(float(np.abs(leaf).sum()) for leaf in jax.tree.leaves(params))


def both(number, port, place):
    """Train a stream by the command, a wide run, one that diverges, and one from Python objects."""
    address = f"distributed.coordinator=127.0.0.1:{port}"
    words = [address, "distributed.num_processes=2", f"distributed.process_id={number}", "training.devices=4"]
    sys.argv[1:] = [*STREAM, f"hydra.run.dir={place / f'from_{number}'}", *words]
    with contextlib.suppress(SystemExit):
        train()
    run([*SHARED, *words, f"hydra.run.dir={place / 'shared'}"])
    diverged = run([*DIVERGING, *words, f"hydra.run.dir={place / 'diverged'}"])
    try:
        fitted(4)
        refused = ""
    except ConfigError as error:
        refused = str(error)
    found = fitted(4, place / "fitted")
    return {
        "diverged": {key: diverged[key] for key in ("status", "reason", "steps")},
        "refused": refused,
        "fitted": [found.summary["status"], len(found.rows), total(found.params)],
    }


if __name__ == "__main__":
    number, port, place = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    (place / f"said_{number}.json").write_text(json.dumps(both(number, port, place)))
