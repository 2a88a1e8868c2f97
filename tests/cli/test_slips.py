"""Slips that people make on the command line: each is one line with the right key, and writes nothing."""

from __future__ import annotations

import pytest
from hydra._internal.utils import get_args_parser  # the options that `cli.line` sorts

from seqlab.cli import training
from seqlab.cli.line import FLAGS, VALUED, read_line
from seqlab.registry import choices
from seqlab.runs import compose_config
from seqlab.runs.compose import without_hydra
from seqlab.runs.objects import make_family
from seqlab.runs.request import resolve
from seqlab.runs.suggestions import suggest_key
from seqlab.types import ConfigError, ExitStatus

CELLS = f"legal values of cell are {', '.join(choices('cell')[:3])}"

WORDS = [
    ("elman, gru", "is not key=value"),
    ("cell=elman, gru", "has a space: write cell=elman,gru"),
    ("cell=elman ,gru", "has a space: write cell=elman,gru"),
    ("training.steps = 100", "has a space: write training.steps=100"),
    ("training.steps =100", "has a space: write training.steps=100"),
    ("training.steps= 100", "has a space: write training.steps=100"),
    ("training.steps 100", "has a space: write training.steps=100"),
    ("task=series task.inputs=[a, b]", "has a space: write task.inputs=[a,b]"),
    ("cell:gru", "write cell=gru"),
    ("cell==gru", "write cell=gru"),
    ("cell/gru", "write cell=gru"),
    ("cell=gru,", "write cell=gru"),
    ("—m cell=gru,lstm", "write -m with a hyphen"),
    ("gru", "did you mean cell=gru?"),
    ("quickstart", "did you mean +experiment=quickstart?"),
    ("--steps 100", "did you mean training.steps=100?"),
    ("--lr=.1", "did you mean optimizer.learning_rate=.1?"),
    ("--epochs 3", "did you mean training.steps? A step is one update"),
    ("--cell gru", "did you mean cell=gru?"),
    ("--batch-size 3", "did you mean training.batch_size=3?"),
    ("--multi-run cell=gru,lstm", "did you mean --multirun?"),
    ("--gpu", "JAX_PLATFORMS"),
    ("cell=gru --hlep", "did you mean --help?"),
    ("training.steps=1,000", "write training.steps=1000"),
    ("cell=gru,lstm", "add -m"),
    ("seed=range(3)", "add -m"),
    ("hydra/launcher=vectorized seed=1", "add -m"),
    ("hydra/sweeper=tpe", "add -m"),
    ("seed=0..2", '-m seed="range(0,3)"'),
    ("-m seed=0-2 cell=gru", '-m seed="range(0,3)"'),
    ("~cell", CELLS),
    ("cell=null", CELLS),
    ("cell=", CELLS),
    ("training=3", "training is a group of keys: training.steps"),
    ("gradients=false", "did you mean gradients=off?"),
]
"""Lines that are refused before Hydra reads them."""

KEYS = [
    ("lr=0.1", "optimizer.learning_rate"),
    ("learning_rate=0.1", "optimizer.learning_rate"),
    ("training.learning_rate=0.1", "optimizer.learning_rate"),
    ("batch_size=64", "training.batch_size"),
    ("bs=64", "training.batch_size"),
    ("epochs=3", "training.steps"),
    ("training.epochs=3", "training.steps"),
    ("cell.hidden_size=64", "cell.features"),
    ("hidden=64", "cell.features"),
    ("units=64", "cell.features"),
    ("dropout=0.5", "architecture.dropout"),
    ("architecture.layers=2", "architecture.num_layers"),
    ("wd=0.1", "optimizer=adamw optimizer.weight_decay"),
    ("momentum=0.9", "optimizer=sgd optimizer.momentum"),
    ("patience=3", "training.patience"),
    ("val=3", "training.eval_every"),
    ("save_dir=out", "hydra.run.dir"),
    ("log_dir=out", "hydra.run.dir"),
    ("wandb=offline", "tracking.wandb.mode"),
    ("model=lstm", "cell=lstm"),
    ("model=mine", "cell"),
    ("dataset=adding", "task=adding"),
    ("trainin.stpes=3", "training.steps"),
    ("tsak=adding", "task=adding"),
    ("hydra.run.dri=x", "hydra.run.dir"),
]
"""Keys that the config lacks, with those that are meant."""

REFUSED = [
    ("lr=0.1", "(did you mean optimizer.learning_rate?)"),
    ("+lr=0.1", "(did you mean optimizer.learning_rate?)"),
    ("optimizer.lr=0.1", "(did you mean optimizer.learning_rate?)"),
    ("optimizer.learning_rat=0.1", "(did you mean optimizer.learning_rate?)"),
    ("optimizer.weight_decay=0.1", "(optimizer.weight_decay is a key of optimizer=adamw)"),
    ("cell.activation=relu", "(cell.activation is a key of cell=elman and "),
    ("device=cuda", "JAX_PLATFORMS=cpu"),
    ("experiment=quikstart", "(did you mean +experiment=quickstart?)"),
    ("cell=GRU", "(did you mean cell=gru?)"),
    ("cell=rnn", "(did you mean cell=elman?)"),
    ("cell=bilstm", "(did you mean cell=lstm architecture.bidirectional=true?)"),
    ("cell=transformer", "(did you mean cell=attention architecture.block=pre_norm_mlp?)"),
    ("architecture=lstm", "(did you mean cell=lstm?)"),
    ("architecture=seq2seq", "(did you mean architecture=encoder_decoder?)"),
    ("optimizer=lion", "(did you mean optimizer=optax optimizer.name=lion?)"),
    ("optimizer=adamax", "(did you mean optimizer=optax optimizer.name=adamax?)"),
    ("optimizer=Lionn", "(did you mean optimizer=optax optimizer.name=lion?)"),
    ("optimizer=optax.nadam", "(did you mean optimizer=optax optimizer.name=nadam?)"),
    ("schedule=exponential_decay", "(did you mean schedule=optax schedule.name=exponential_decay?)"),
    ("loss=log_cosh", "(did you mean loss=optax loss.name=log_cosh?)"),
    ("metrics=accuracy", "a further one is metrics.NAME._target_=FUNCTION"),
    ("callbacks=early_stopping", "(did you mean training.patience?)"),
    ("tracking=mlflow", "a tracker is named by tracking.NAME._target_=CLASS"),
    ("task=quickstart", "(did you mean +experiment=quickstart?)"),
    ("task=shakespeare", "(did you mean task=tiny_shakespeare?)"),
    ("debug=nan", "(did you mean debug=nans?)"),
    ("gradients=on", "(did you mean gradients=norms?)"),
    ("cell=elman cell.activation=rleu", "(did you mean relu?)"),
    ("training.clip_norm=none", "(did you mean null?)"),
    ("~cell.features", "cell.features is missing: cell is seqlab.cells.LSTM, which needs it"),
    ("training.steps=1e4", "(did you mean 10000?)"),
]
"""Lines that Hydra, a class or a function refuses, with the words that say what is meant."""


@pytest.fixture
def never_trains(monkeypatch, tmp_path):
    """Fail where a command goes on to train; its folder is empty."""
    monkeypatch.setattr(training, "execute", lambda request: pytest.fail("it trains"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("line", "told"), WORDS)
def test_a_slip_is_explained_in_one_line(line, told, inside, never_trains):
    done = inside("train", *line.split())
    assert done.returncode == ExitStatus.REFUSED
    (printed,) = done.stderr.splitlines()
    assert printed.startswith("error: ")
    assert told in printed
    assert done.stdout == ""
    assert list(never_trains.iterdir()) == []


@pytest.fixture(scope="module")
def config():
    """The default config."""
    return compose_config()


@pytest.mark.parametrize(("word", "meant"), KEYS)
def test_the_key_that_is_meant_is_named(word, meant, config):
    key, _, value = word.partition("=")
    assert suggest_key(key, value, config).startswith(f" (did you mean {meant}?")


@pytest.mark.parametrize(("line", "told"), REFUSED)
def test_a_refusal_says_what_is_meant(line, told):
    with pytest.raises(ConfigError) as refusal:
        make_family(resolve(without_hydra(compose_config(line.split()))))
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["cell=gru", "-m", "seed=0,1"], ["-m"]),
        (["seed=0", "--cfg", "job", "cell=gru", "--resolve"], ["--cfg", "job", "--resolve"]),
        (["cell=gru", "--config-dir=here", "seed=0"], ["--config-dir=here"]),
        (["--info", "cell=gru"], ["--info", "all"]),
        (["cell=gru", "-i", "plugins"], ["-i", "plugins"]),
    ],
)
def test_options_stand_anywhere(words, options):
    line = read_line(words)
    assert line.words == [*options, *(word for word in words if word not in options)]
    assert get_args_parser().parse_args(line.words).overrides == list(line.overrides)


def test_every_option_of_hydra_is_known():
    of_hydra = {name for action in get_args_parser()._actions for name in action.option_strings}
    assert of_hydra == {*FLAGS, *VALUED}


@pytest.mark.runs
def test_a_sweep_with_an_illegal_value_is_refused_before_its_first_run(command, tmp_path):
    done = command("train", "cell=gru,elman", "training.steps=1,two", "hydra.sweep.dir=sweep", "-m")
    assert (done.returncode, done.stdout) == (ExitStatus.REFUSED, "")
    assert done.stderr == "error: training.steps must be a non-negative integer, got 'two'\n"
    assert list(tmp_path.iterdir()) == []
