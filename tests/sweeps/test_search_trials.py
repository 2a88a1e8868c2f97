"""Trials of a search: its objectives, its storage, and what another process has left of it."""

from __future__ import annotations

import json

import pytest
from tiny_runs import tiny

from seqlab.runs import compose_config
from seqlab.runs.compose import without_hydra
from seqlab.runs.objects import make_family
from seqlab.runs.request import resolve
from seqlab.runs.study import absolute_storage, drop_torn_line, is_missing, note_study, noted_study
from seqlab.sweeps.resume import resumed
from seqlab.types import ConfigError

optuna = pytest.importorskip("optuna", minversion="5", reason="needs the extra optuna")

from seqlab.sweeps.search import trials as trials_module  # noqa: E402
from seqlab.sweeps.search.objectives import evaluated_key, require_objectives, value_of  # noqa: E402
from seqlab.sweeps.search.space import Parameter, Space  # noqa: E402
from seqlab.sweeps.search.study import require_kept  # noqa: E402
from seqlab.sweeps.search.trials import Trials  # noqa: E402


def fits_of(task):
    config = resolve(without_hydra(compose_config(tiny(task, "many_to_one"))))
    return [(config, make_family(config)[0].program)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["scor"], r"no run has scor \(did you mean score\?\): legal are score, seconds.*best\.eval/mse"),
        (["best.eval/mes"], r"did you mean best\.eval/mse\?"),
        (["score", "mse"], r"no run has mse \(did you mean best\.eval/mse\?\)"),
        (["val_mse"], r"no run has val_mse"),
        (["score", "score"], "has one twice: score, score"),
    ],
)
def test_an_objective_that_no_run_has_is_refused(given, message):
    with pytest.raises(ConfigError, match=message):
        require_objectives(given, fits_of("adding"))


def test_an_objective_of_one_of_several_tasks_is_legal():
    both = [*fits_of("adding"), *fits_of("parity_check")]
    require_objectives(["best.eval/accuracy"], both)
    open_config = {**both[0][0], "callbacks": {"own": {}}}
    require_objectives(["final.eval/own"], [(open_config, both[0][1])])


@pytest.mark.parametrize(
    ("objective", "key"),
    [("score", "eval/mse"), ("best.eval/loss", "eval/loss"), ("seconds", None), ("test.test/mse", None)],
)
def test_a_pruner_sees_the_metric_of_the_objective(objective, key):
    assert evaluated_key(objective, "eval/mse") == key


@pytest.mark.parametrize("value", [None, True, "nan", float("inf")])
def test_what_is_no_finite_number_is_no_value(value):
    assert value_of({"seconds": value}, "seconds") is None


def trials_of(study, fixed=(), is_own=True):
    numbers = optuna.distributions.IntDistribution(0, 10**6)
    space = Space((Parameter("seed", "seed", numbers, {}, {}),), None, tuple(fixed))
    return Trials(study, space, ["score"], "here", (None, None), is_own)


RESUME = ("resume=auto", "sweep.resume=DIR")


def test_trials_that_were_left_running_come_first_and_each_once():
    study = optuna.create_study()
    first = trials_of(study)
    begun = [first.ask(), first.ask()]
    study.ask()  # of a search that was killed before it had chosen values
    again = trials_of(study, RESUME)
    jobs = again.batch(4)
    assert [job.number for job in jobs] == [0, 1, 2, 3]
    assert [job.overrides for job in jobs[:2]] == [(*job.overrides, *RESUME) for job in begun]
    assert jobs[2].overrides[-2:] == RESUME
    assert [len(job.overrides) for job in jobs] == [3, 3, 3, 1]


def test_trials_of_other_sweeps_in_a_storage_are_left_to_them(monkeypatch):
    study = optuna.create_study()
    trials_of(study, is_own=False).ask()
    study.ask().set_user_attr("sweep", "there")
    study.ask()
    assert [job.number for job in trials_of(study, is_own=False).batch(2)] == [0, 3]
    monkeypatch.setattr(trials_module, "CLAIM_SECONDS", -1)  # as if the third were old
    assert [job.number for job in trials_of(study, is_own=False).batch(4)] == [0, 2, 3, 4]


@pytest.mark.parametrize(
    ("summary", "state", "status"),
    [
        ({"status": "finished", "metric": "a", "best": {"eval/a": 1.0}}, "COMPLETE", "finished"),
        ({"status": "finished", "metric": "a", "best": {"eval/a": "inf"}}, "FAIL", "failed"),
        ({"status": "pruned"}, "PRUNED", "pruned"),
        ({"status": "diverged"}, "FAIL", "diverged"),
        (None, "FAIL", "failed"),
        ({"status": "interrupted"}, "RUNNING", None),
        ({"status": "unfinished"}, "RUNNING", None),
    ],
)
def test_a_trial_ends_as_its_run_did(summary, state, status):
    study = optuna.create_study()
    trials = trials_of(study)
    trials.tell(trials.ask().number, summary)
    (trial,) = study.get_trials()
    assert (trial.state.name, trial.user_attrs.get("status")) == (state, status)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, None),
        ("log", "{here}/log"),
        ("sqlite:///a.db", "sqlite:///{here}/a.db"),
        ("sqlite:////b/a.db", "sqlite:////b/a.db"),
        ("postgresql://user:word@host/name", "postgresql://user:word@host/name"),
    ],
)
def test_a_storage_is_found_from_any_directory(given, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute_storage(given) == (found and found.format(here=tmp_path))


@pytest.mark.parametrize("storage", ["sqlite://", "sqlite:///:memory:"])
def test_a_storage_in_memory_is_refused(storage):
    with pytest.raises(ConfigError, match="is in memory, where nobody else finds it: legal are null"):
        absolute_storage(storage)


@pytest.mark.parametrize("storage", [None, "log", "sqlite:///a.db"])
def test_a_storage_that_is_gone_is_not_made_again(storage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sweep = tmp_path / "sweep"
    note_study(sweep, storage, "search")
    assert is_missing(absolute_storage(storage), sweep)
    assert noted_study(sweep) is None
    with pytest.raises(ConfigError, match="the study search of its runs is not in"):
        require_kept({"storage": absolute_storage(storage), "study_name": "search"}, sweep)
    assert [path.name for path in tmp_path.rglob("*")] == ["sweep", "study.json"]


def test_a_resumed_search_finds_its_storage_and_its_trials_where_it_is_moved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = "hydra: {overrides: {hydra: ['hydra.sweeper.storage=log'], task: [task=adding]}}"
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "multirun.yaml").write_text(words)
    name = note_study(tmp_path / "first", "log", "search")
    (tmp_path / "first").rename(tmp_path / "second")
    monkeypatch.chdir("/")
    assert f"hydra.sweeper.storage={tmp_path}/log" in resumed([f"sweep.resume={tmp_path}/second"])
    assert note_study(tmp_path / "second", f"{tmp_path}/log", "search") == name


def test_the_torn_end_of_a_journal_is_dropped(tmp_path):
    journal = tmp_path / "study.log"
    journal.write_text(json.dumps({"op_code": 0}) + "\n" + '{"op_co')
    drop_torn_line(tmp_path)
    assert journal.read_text() == json.dumps({"op_code": 0}) + "\n"
