"""Arguments of the commands: a wrong one is one line with the legal values, and the exit status says so."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from seqlab.cli.commands import COMMANDS
from seqlab.runs import compose_config
from seqlab.runs.compose import without_hydra
from seqlab.runs.folders import HYDRA
from seqlab.types import ExitStatus

OTHERS = [name for name in COMMANDS if name != "train"]


def refused(inside, module, *words):
    """Return the line in which a command refuses its arguments."""
    done = inside(f"cli.{module}", *words)
    assert (done.returncode, done.stdout) == (ExitStatus.REFUSED, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("name", OTHERS)
def test_an_unknown_option_is_one_line(name, inside, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = refused(inside, name, *needed(name), "--zap")
    assert "--zap is not an option" in line
    assert "--help" in line
    assert list(tmp_path.iterdir()) == []


def needed(name):
    """Return words for the arguments that a command cannot be without."""
    return {
        "evaluate": ["x"],
        "predict": ["x", "y"],
        "generate": ["x"],
        "figure": ["x"],
        "dynamics": ["x"],
        "check": ["x"],
        "watch": ["x"],
        "report": ["x"],
        "new": ["plugin", "x"],
        "weights": ["export", "x", "y.npz", "--to", "torch"],
    }.get(name, [])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("evaluate", "x", "--split", "tets"), "--split=tets (did you mean test?): legal values are train, "),
        (("evaluate", "x", "--split", "val"), "(did you mean validation?)"),
        (("evaluate", "x", "--spilt", "test"), "--spilt is not an option (did you mean --split?)"),
        (("evaluate",), "RUN_DIR is missing"),
        (("evaluate", "x", "y"), "y is one argument too many"),
        (("evaluate", "x", "--split"), "--split expected one argument"),
        (("generate", "x", "--temp", "1"), "--temp is not an option (did you mean --temperature?)"),
        (("generate", "x", "--length", "ten"), "--length must be an integer, got ten"),
        (("generate", "x", "--temperature", "hot"), "--temperature must be a number, got hot"),
        (("figure", "x", "--scale", "lin"), "--scale=lin (did you mean linear?): legal values are linear"),
        (("tasks", "fetsch"), "fetsch (did you mean fetch?)"),
        (("weights", "export", "x", "y.npz", "--to", "pytorch"), "legal values are "),
        (("predict", "x"), "FILE is missing"),
    ],
    ids=" ".join,
)
def test_a_wrong_argument_is_one_line(words, told, inside):
    assert told in refused(inside, *words)


@pytest.fixture(scope="module")
def config():
    """The text of a run's config."""
    return OmegaConf.to_yaml(without_hydra(compose_config()))


@pytest.fixture
def runs(tmp_path, monkeypatch, config):
    """Write what tells a run, a sweep and an empty folder apart, and work beside them."""
    monkeypatch.chdir(tmp_path)
    for run in ("runs/2026/one", "sweeps/s/0", "sweeps/s/1"):
        (tmp_path / run / HYDRA).mkdir(parents=True)
        (tmp_path / run / HYDRA / "config.yaml").write_text(config)
        (tmp_path / run / "metrics.jsonl").touch()
    (tmp_path / "sweeps/s/multirun.yaml").touch()
    (tmp_path / "sweeps/s/1/summary.json").write_text('{"status": "failed", "reason": "it could not"}')
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    return tmp_path


@pytest.mark.parametrize("name", ["evaluate", "generate"])
@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("sweeps/s", "is the folder of a sweep: name one of its runs, sweeps/s/0, sweeps/s/1"),
        ("runs", "holds runs and is none: name one of them, runs/2026/one"),
        ("runs/2026/on", "does not exist (did you mean runs/2026/one?)"),
        ("nowhere", "does not exist; the newest run is "),
        ("empty", "is not a run folder: it has no .hydra/config.yaml"),
        ("file", "is a file: a run is a folder"),
        ("runs/2026/one", "has no parameters: its run has not saved any, and has not ended"),
        ("sweeps/s/1", "has no parameters: its run ended as failed: it could not"),
        ("runs/2026/one/.hydra", "lies within the run "),
    ],
)
def test_a_wrong_folder_says_what_it_is(name, folder, told, inside, runs):
    assert refused(inside, name, folder).startswith(f"error: RUN_DIR={folder} {told}")
