"""A command that is refused changes nothing in a folder that holds a run."""

from __future__ import annotations

import shutil

import pytest
from hydra import compose, initialize_config_dir
from kills import ADDING, files_of

from seqlab import run
from seqlab.registry import CONF
from seqlab.sweeps.grid import GridCheck
from seqlab.tracking import read_rows, read_summary
from seqlab.types import ConfigError

SETTINGS = [*ADDING, "training.steps=4"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    run([*SETTINGS, f"hydra.run.dir={folder}"])
    return folder


REFUSED = [
    ([], ["holds a run", "resume=auto", "overwrite=true"]),
    (["resume=auto", "overwrite=true"], ["overwrite=true", "give one of them"]),
    (["resume=auto", "training.steps=-8"], ["training.steps=-8", "legal are at least 4"]),
    (["resume=auto", "training.steps=few"], ["training.steps", "non-negative integer"]),
    (["resume=auto", "training.steps=3"], ["training.steps=3", "legal are at least 4"]),
    (["resume=auto", "training.steps=9", "seed=7"], ["seed 0 -> 7", "allow_changes=true"]),
    (["resume=auto", "cell.features=5"], ["cell.features 4 -> 5"]),
    (["resume=auto", "cell=gru"], ["cell._target_"]),
    (["resume=auto", "task.length=7"], ["task.length 6 -> 7"]),
    (["resume=auto", "training.batch_size=2"], ["training.batch_size 4 -> 2"]),
    (["resume=auto", "optimizer.learning_rate=1"], ["optimizer.learning_rate"]),
    (["resume=auto", "schedule=linear"], ["schedule._target_"]),
    (["resume=auto", "architecture.dropout=0.5"], ["architecture.dropout"]),
    (["resume=auto", "task=nowhere"], ["task=nowhere"]),
    (["resume=auto", "cell.featurs=4"], ["did you mean cell.features"]),
    (["resume=1.5"], ["resume", "auto"]),
    (["resume=auto", "allow_changes=2"], ["allow_changes", "true or false"]),
    (["resume=nowhere"], ["holds a run"]),
]


@pytest.mark.parametrize(("overrides", "words"), REFUSED, ids=lambda value: " ".join(value))
def test_nothing_changes(overrides, words, finished):
    before = files_of(finished)
    with pytest.raises(ConfigError) as refusal:
        run([*SETTINGS, f"hydra.run.dir={finished}", *overrides])
    message = str(refusal.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    assert files_of(finished) == before


@pytest.mark.parametrize("overrides", [[], ["resume=auto", "training.steps=9", "seed=7"]], ids=" ".join)
def test_nothing_changes_by_the_command_line(overrides, finished, command_in):
    before = files_of(finished)
    done = command_in(finished.parent, "train", *SETTINGS, "hydra.run.dir=run", *overrides)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert files_of(finished) == before


def test_a_sweep_into_a_folder_of_runs_is_refused(finished, tmp_path, command):
    shutil.copytree(finished, tmp_path / "sweep" / "0")
    before = files_of(tmp_path)
    done = command("train", "-m", *SETTINGS, "seed=0,1", "hydra.sweep.dir=sweep")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: hydra.sweep.dir=sweep holds runs: legal are ")
    assert files_of(tmp_path) == before


def test_a_finished_run_stays_as_it_is(finished):
    before, summary = files_of(finished), read_summary(finished)
    assert run([*SETTINGS, f"hydra.run.dir={finished}", "resume=auto"]) == summary
    assert files_of(finished) == before


def test_overwrite_replaces_the_run_and_leaves_other_files(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    (folder / "notes.txt").write_text("mine")
    (folder / "report.html").write_text("of the old run")
    summary = run([*SETTINGS, "seed=5", f"hydra.run.dir={folder}", "overwrite=true"])
    assert summary["seed"] == read_summary(folder)["seed"] == 5
    assert summary["resumed"] == []
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "report.html").exists()
    assert rows_steps(folder) == rows_steps(finished)


def rows_steps(folder):
    return [row["step"] for row in read_rows(folder)]


NEW = ["cell.features=0", "task=adding architecture=many_to_many", "tracking.wandb.mode=ofline", "resume=no"]


@pytest.mark.parametrize("words", NEW)
def test_a_refused_run_leaves_no_folder(words, folder):
    with pytest.raises(ConfigError):
        run([*SETTINGS, *words.split(), f"hydra.run.dir={folder / 'new'}"])
    assert not folder.exists()


def test_a_refused_command_leaves_the_folders_as_they_were(tmp_path, command):
    (tmp_path / "runs").mkdir()
    done = command("train", *SETTINGS, "tracking.wandb.mode=ofline")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert [*tmp_path.rglob("*")] == [tmp_path / "runs"]


SWEEPS = [
    *("seed=0,-1", "seed=0,1.5", "optimizer.learning_rate=0.1,-1", "tracking.wandb.mode=ofline seed=0,1"),
    *("training.devices=999 seed=0,1", "cell.features=4,0", "cell=gru,lstmm", "nonsense=1 seed=0,1"),
    "hydra/sweeper=tpe seed=0 architecture.dropout=interval(0.1,2)",
]


@pytest.mark.parametrize("words", SWEEPS)
def test_a_sweep_with_a_value_that_is_not_legal_is_refused(words, capsys):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        sweeper = [word for word in words.split() if word.startswith("hydra/")]
        config = compose("train", sweeper, return_hydra_config=True)
        config.hydra.overrides.task = [*SETTINGS, *(word for word in words.split() if word not in sweeper)]
        with pytest.raises(SystemExit):
            GridCheck().on_multirun_start(config)
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("seed=0,-1", "seed must be a non-negative integer"),
        ("+hydra.sweeper.params.nonsense=1", "nonsense is not a key"),
    ],
)
def test_a_sweep_that_is_refused_writes_nothing(word, complaint, tmp_path, command):
    done = command("train", "-m", *SETTINGS, word)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {complaint}")
    assert [*tmp_path.rglob("*")] == []
