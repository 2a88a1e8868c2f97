"""Bad input: one clear line, a non-zero exit status, and no folder that looks finished."""

from __future__ import annotations

import json

import pytest

from seqlab import run
from seqlab.types import ConfigError

pytestmark = pytest.mark.runs

CASES = [
    (["cell=foo"], ["cell=foo", "elman", "gru", "lstm"]),
    (["cell.features=0"], ["cell.features", "positive integer", "0"]),
    (["cell.featurs=3"], ["cell.featurs", "cell.features"]),
    (["+cell.zap=3"], ["cell.zap", "features"]),
    (["cell=elman", "cell.activation=gelu"], ["cell.activation", "tanh", "relu", "identity"]),
    (["cell.recurrent_init=zeros"], ["cell.recurrent_init", "orthogonal", "identity", "normal"]),
    (["cell=gru", "cell.reset_after=2"], ["cell.reset_after", "true or false"]),
    (["cell._target_=os.system"], ["cell._target_", "refused", "seqlab"]),
    (["task=foo"], ["task=foo", "adding", "python_docs"]),
    (["task.length=0"], ["task.length", "positive integer"]),
    (["task=adding", "architecture=many_to_one", "task.foo=1"], ["task.foo", "min_length"]),
    (["architecture=foo"], ["architecture=foo", "many_to_one"]),
    (["task=adding", "architecture=many_to_many"], ["architecture=many_to_many", "adding", "many_to_one"]),
    (["architecture.dropout=1.5"], ["architecture.dropout", "below 1"]),
    (["architecture.num_layers=0"], ["architecture.num_layers", "positive integer"]),
    (["optimizer.learning_rate=nan"], ["optimizer.learning_rate", "finite"]),
    (["optimizer.learning_rate=-1"], ["optimizer.learning_rate", "at least 0"]),
    (["optimizer.b1=foo"], ["optimizer.b1", "number"]),
    (["training.steps=-1"], ["training.steps", "non-negative integer"]),
    (["training.steps=1.5"], ["training.steps", "non-negative integer"]),
    (["training.clip_norm=0"], ["training.clip_norm"]),
    (["training.bptt_window=0"], ["training.bptt_window", "positive integer"]),
    (["training.bptt_window=4", "training.bptt_stride=0"], ["training.bptt_stride", "positive integer"]),
    (["training.bptt_window=4", "training.bptt_stride=5"], ["training.bptt_stride", "bptt_window=4"]),
    (["training.bptt_stride=5"], ["training.bptt_stride", "bptt_window=None"]),
    (
        ["task=adding", "architecture=one_to_one", "training.bptt_window=4"],
        ["training.bptt_window=4", "one_to_one", "null"],
    ),
    (["task.stream=2"], ["task.stream", "true or false"]),
    (["task.stream=true", "architecture=many_to_one"], ["task.stream", "many_to_one", "many_to_many"]),
    (["task.stream=true", "architecture.bidirectional=true"], ["architecture.bidirectional", "task.stream"]),
    (["architecture=one_to_many", "architecture.bidirectional=true"], ["architecture.bidirectional"]),
    (["task.stream=true", "training.batch_size=3000"], ["training.batch_size", "task.length", "3000"]),
    (["training.clip_value=-1"], ["training.clip_value", "at least"]),
    (["training.clip_recurrent=0"], ["training.clip_recurrent", "at least"]),
    (["training.omega=-1"], ["training.omega", "at least 0"]),
    (["cell=mgu", "training.omega=1"], ["training.omega", "null", "MGU", "lstm", "gru"]),
    (["training.bptt_window=2", "training.omega=1"], ["training.omega", "null", "without", "bptt_window"]),
    (["architecture.zoneout=0.1", "training.omega=1"], ["training.omega", "null", "without", "zoneout"]),
    (
        ["task=adding", "architecture=one_to_one", "training.clip_recurrent=1"],
        ["training.clip_recurrent", "null", "OneToOne"],
    ),
    (["+architecture.control=1"], ["architecture.control", "dropout"]),
    (["trainin.steps=3"], ["trainin.steps", "training"]),
    (["+zap=3"], ["zap", "training", "seed"]),
    (["+training.stepz=3"], ["training.stepz", "did you mean training.steps", "batch_size"]),
    (["+tracking.foo=1"], ["tracking.foo", "console, wandb"]),
    (["+tracking.wandb.projct=a"], ["tracking.wandb.projct", "did you mean tracking.wandb.project", "mode"]),
    (["+tracking.mine={_target_: os.system}"], ["tracking.mine._target_=os.system", "refused"]),
    (["+sweep.x=1"], ["sweep.x", "resume"]),
    (["+optimizer.lerning_rate=1"], ["optimizer.lerning_rate", "did you mean optimizer.learning_rate"]),
    (["+schedule.valu=1"], ["schedule.valu", "value"]),
    (["+gradients.evry=1"], ["gradients.evry", "did you mean gradients.every"]),
    (["+cell.recurrent_init={_target_: jax.nn.relu, zap: 1}"], ["cell.recurrent_init.zap", "legal keys"]),
    (["~architecture"], ["~architecture", "one_to_one"]),
    (["+tracking.console.screen=1"], ["tracking.console.screen", "mode"]),
    (["seed=-1"], ["seed", "non-negative integer"]),
    (["gradients=loud"], ["gradients=loud", "off", "norms", "full"]),
    (["gradients.level=loud"], ["gradients.level", "off", "norms", "full"]),
    (["gradients.every=0"], ["gradients.every", "positive integer"]),
    (["tracking.wandb.mode=loud"], ["tracking.wandb.mode", "offline", "online", "disabled"]),
    (["experiment=quickstart"], ["+experiment="]),
    (["+experiment=foo"], ["experiment=foo", "quickstart"]),
    (["resume=nowhere"], ["resume=nowhere", "auto"]),
    (["task=adding", "architecture=many_to_one", "training.sample_length=3"], ["cannot generate"]),
]


@pytest.mark.parametrize(("overrides", "words"), CASES, ids=lambda value: " ".join(value))
def test_one_line_names_key_and_legal_values(overrides, words, folder):
    with pytest.raises(ConfigError) as caught:
        run([*overrides, f"hydra.run.dir={folder}"])
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    summary = folder / "summary.json"
    assert not summary.exists() or json.loads(summary.read_text())["status"] in ("failed", "incompatible")


@pytest.mark.parametrize(
    "overrides",
    [
        ["trainin.steps=3"],
        ["task=adding", "architecture=many_to_many"],
        ["-m", "task=adding,even_pairs", "task.curriculum=growing"],
    ],
    ids=lambda value: " ".join(value),
)
def test_command_prints_the_line_alone(command, overrides):
    done = command("train", *overrides)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert overrides[-1].split("=")[0] in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            "cell.featurs=3",
            "cell.featurs is not a key (did you mean cell.features?): the legal keys of cell are",
        ),
        ("cell=gruu", "cell=gruu (did you mean cell=gru?): legal values are "),
        (
            "task.lenth=3",
            "task.lenth is not a key (did you mean task.length?): the legal keys of task are length",
        ),
        ("trainin.steps=3", "trainin.steps is not a key (did you mean training.steps?): the legal keys are "),
        ("cell.zap=3", "cell.zap is not a key: the legal keys of cell are features, recurrent_init"),
    ],
)
def test_a_misspelt_word_beside_a_config_folder_is_one_true_line(
    inside, tmp_path, monkeypatch, word, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine/cell").mkdir(parents=True)
    (tmp_path / "mine/experiment").mkdir()
    (tmp_path / "mine/cell/small.yaml").write_text(
        "_target_: seqlab.cells.GRU\nfeatures: 4\nrecurrent_init: identity\n"
    )
    own = "# @package _global_\ndefaults: [{override /task: adding}, {override /cell: small}]\n"
    (tmp_path / "mine/experiment/own.yaml").write_text(own)
    done = inside("train", "--config-dir", "mine", "+experiment=own", word)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {message}")


def test_output_folder_that_cannot_be_written(command, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = command("train", "hydra.run.dir=file/run")
    assert done.returncode == 2
    assert done.stderr.startswith("error: hydra.run.dir")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("module", ["evaluate", "generate"])
def test_folder_of_no_run(inside, module, tmp_path):
    done = inside(module, str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("error: RUN_DIR=")
    assert len(done.stderr.splitlines()) == 1
