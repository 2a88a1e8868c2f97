"""What a config or a plug-in adds to a run: loss, metrics, diagnostics, callbacks, optimisers."""

from __future__ import annotations

import json
import os
import sys

import pytest
from tiny_runs import TINY, tiny

from seqlab.data.reader import Reader
from seqlab.runs import build, compose_request
from seqlab.tracking import find_runs, read_rows
from seqlab.types import ConfigError

MODULE = '''
import dataclasses
import json

import jax
import jax.numpy as jnp
import optax

from seqlab.analysis.studies.study import Study
from seqlab.tracking import Callback


def asymmetric(predictions, targets, factor=1.0):
    error = predictions - targets
    return jnp.where(error > 0, factor, 1.0) * jnp.abs(error)


def share_above(predictions, targets, mask, level):
    return (predictions[..., 0] > level) & mask


@dataclasses.dataclass(frozen=True)
class LargestWeight:
    every: int | None = None

    def diagnose(self, observation):
        largest = [jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(observation.params)]
        return {"lab/largest_weight": jnp.max(jnp.stack(largest))}


class Journal(Callback):
    """Writes what it hears into a file of the run or the sweep."""

    def __init__(self, word="heard"):
        self.word = word

    def on_evaluation(self, row, params):
        return {"lab/word": len(self.word)}

    def on_sweep_start(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "started").write_text(self.word)

    def on_sweep_end(self, folder, rows):
        (folder / "ended.json").write_text(json.dumps([row["status"] for row in rows]))


class LastStep:
    """Tracker of the last step."""

    def start(self, info):
        self.path = info.folder / "last_step"

    def log(self, row):
        self.path.write_text(str(row["step"]))

    def finish(self, summary):
        pass


def two_rates(learning_rate: float, factor: float = 2.0):
    return optax.chain(optax.scale_by_adam(), optax.scale(-factor * learning_rate))


def poems():
    return {"text": ["roses", "violets"], "label": ["red", "blue"]}


def read_poem(path):
    return {"text": path.read_text().splitlines()}


class Count(Study):
    def summarise(self, sweep):
        from matplotlib.figure import Figure

        return Figure(), f"{len(list(sweep.glob('*/summary.json')))} runs"
'''
LAB = [
    "loss._target_=lab_of_seams.asymmetric",
    "loss.factor=2",
    "metrics.positive._target_=lab_of_seams.share_above",
    "metrics.positive.level=-100",
    "diagnostics=lab",
    "diagnostics.lab.every=4",
    "callbacks.journal._target_=lab_of_seams.Journal",
    "callbacks.journal.word=word",
    "tracking.last._target_=lab_of_seams.LastStep",
    "optimizer._target_=lab_of_seams.two_rates",
    "~optimizer.b1",
    "~optimizer.b2",
    "~optimizer.eps",
    "schedule=linear",
]


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Write a plug-in of one module and its configs, and name it in the environment."""
    package = tmp_path / "path" / "lab_of_seams"
    (package / "conf" / "diagnostics").mkdir(parents=True)
    (package / "conf" / "experiment").mkdir()
    (package / "__init__.py").write_text(MODULE)
    (package / "conf" / "diagnostics" / "lab.yaml").write_text(
        "lab: {_target_: lab_of_seams.LargestWeight}\n"
    )
    (package / "conf" / "experiment" / "counted.yaml").write_text(
        "# @package _global_\nhydra: {callbacks: {study: {_target_: lab_of_seams.Count, folder: counted}}}\n"
    )
    (package / "conf" / "corpus").mkdir()
    (package / "conf" / "corpus" / "lab_poems.yaml").write_text(
        "_target_: seqlab.data.corpora.Corpus\nread: {_target_: lab_of_seams.poems}\n"
        "origin: a lab\nlicence: CC0\n"
    )
    (package / "conf" / "reader").mkdir()
    (package / "conf" / "reader" / "poem.yaml").write_text("_target_: lab_of_seams.read_poem\n")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent), prepend=os.pathsep)
    monkeypatch.setenv("SEQLAB_PLUGINS", "lab_of_seams")
    monkeypatch.chdir(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "lab_of_seams"]:
        del sys.modules[name]


@pytest.mark.runs
def test_all_of_a_plugin_acts_in_a_vectorised_sweep(lab, tmp_path, command):
    words = tiny("adding", "many_to_one", "training.steps=4", "training.log_every=2", "training.eval_every=2")
    sweep = tmp_path / "sweep"
    done = command(
        "train",
        "-m",
        *words,
        *LAB,
        "+experiment=counted",
        "seed=0,1",
        "optimizer.learning_rate=0.01,0.1",
        "hydra/launcher=vectorized",
        f"hydra.sweep.dir={sweep}",
    )
    assert done.returncode == 0, done.stderr
    runs = find_runs(sweep)
    assert len(runs) == 4
    for run in runs:
        rows = read_rows(run)
        trained = [row for row in rows if "train/loss" in row]
        assert ["lab/largest_weight" in row for row in trained] == [True, True]
        evaluated = [row for row in rows if "eval/loss" in row]
        assert [row["lab/word"] for row in evaluated] == [4, 4]
        for prefix, row in (("train", trained[0]), ("eval", evaluated[0]), ("test", rows[-1])):
            assert row[f"{prefix}/positive"] == 1
            assert row[f"{prefix}/loss"] != row[f"{prefix}/mse"]
        assert (run / "last_step").read_text() == str(rows[-1]["step"])
        assert len({row["eval/loss"] for row in evaluated}) == 2
    assert (sweep / "started").read_text() == "word"
    assert json.loads((sweep / "ended.json").read_text()) == ["finished"] * 4
    assert "4 runs" in (tmp_path / "counted" / "README.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["loss=optx"], "loss=optx (did you mean loss=optax?): legal values are "),
        (["loss=optax", "loss.name=huber"], "loss.name=huber (did you mean huber_loss?): legal values are "),
        (["loss=optax", "loss.delt=1"], "loss.delt is not a key (did you mean delta?): "),
        (["loss._target_=os.system"], "loss._target_=os.system is refused"),
        (["metrics.mse._target_=optax.losses.l2_loss"], "metrics.mse is reported by the task: "),
        (["metrics.x._target_=optax.losses.l2_los"], "metrics.x._target_=optax.losses.l2_los names nothing"),
        (["metrics.x._target_=optax.losses.ntxent"], "metrics.x fails on task adding: "),
        (["metrics.x=3"], "metrics.x is not a metric: "),
        (
            ["diagnostics.x._target_=seqlab.tracking.Console"],
            "diagnostics.x._target_=seqlab.tracking.Console has",
        ),
        (
            ["diagnostics.x._target_=seqlab.diagnostics.builtin.Gates", "diagnostics.x.every=0"],
            "diagnostics.x.every must be a positive integer or null, got 0",
        ),
        (
            ["callbacks.x._target_=seqlab.tracking.Console"],
            "callbacks.x._target_=seqlab.tracking.Console must be",
        ),
        (["tracking.wnadb.mode=offline"], "tracking.wnadb is not a tracker (did you mean tracking.wandb?): "),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(words, message):
    with pytest.raises(ConfigError) as caught:
        build(compose_request([*tiny("adding", "many_to_one"), *words]))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_loss_of_ones_own_does_not_decide_what_is_best():
    with pytest.raises(ConfigError, match=r"^loss does not fit task dyck, .*: legal value is task$"):
        build(compose_request(["task=dyck", *TINY, "loss._target_=optax.losses.l2_loss"]))


def test_an_older_run_folder_needs_no_new_groups():
    request = compose_request(tiny("adding", "many_to_one"))
    for key in ("loss", "metrics", "diagnostics", "callbacks"):
        del request.config[key]
    assert build(request).callbacks == ()


def test_a_corpus_and_a_file_reader_come_from_a_plugin(lab, tmp_path, monkeypatch):
    reader = Reader("lab_poems")
    assert reader.tables()["train"].texts("text") == ["roses", "violets"]
    assert reader.provenance() == ("a lab", "CC0", True)
    (tmp_path / "mine.poem").write_text("one\ntwo\n")
    assert Reader(str(tmp_path / "mine.poem")).tables()["train"].texts("text") == ["one", "two"]
    monkeypatch.delenv("SEQLAB_PLUGINS")
    for source, message in (
        ("lab_poems", "is neither a file nor one of"),
        ("mine.poem", "legal endings are"),
    ):
        with pytest.raises(ConfigError, match=message) as caught:
            Reader(source).tables()
        assert "\n" not in str(caught.value)
