"""Searches: the space, the study, pruning, and what is left of one that was killed."""

from __future__ import annotations

import collections
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from tiny_runs import TINY, UNSTABLE

from hydra_plugins.seqlab_launcher import RayLauncher, VectorizedLauncher
from seqlab import run
from seqlab.analysis.report.entries import read as read_report
from seqlab.analysis.report.sections import facts
from seqlab.analysis.report.sections.search import search as search_section
from seqlab.runs import compose_config
from seqlab.runs.compose import without_hydra
from seqlab.runs.objects import make_family
from seqlab.runs.request import resolve
from seqlab.sweeps.programs import Sharing
from seqlab.sweeps.search.objectives import directions_of, names_of, value_of
from seqlab.tracking import read_rows, read_summary
from seqlab.types import ConfigError

optuna = pytest.importorskip("optuna", minversion="5", reason="needs the extra optuna")

from seqlab.sweeps.search.space import read_space  # noqa: E402
from seqlab.sweeps.search.study import make_pruner, make_sampler  # noqa: E402

TRAINING = {"steps": 8, "eval_every": 2}


def space_of(*words, when=None, function=None):
    return read_space(OverridesParser.create().parse_overrides(list(words)), when or {}, function)


@pytest.mark.parametrize(
    ("word", "distribution"),
    [
        ("a.b=tag(log,interval(1e-4,1e-1))", "FloatDistribution(high=0.1, log=True, low=0.0001, step=None)"),
        ("a.b=interval(0.5,2)", "FloatDistribution(high=2.0, log=False, low=0.5, step=None)"),
        ("a.b=int(interval(1,8))", "IntDistribution(high=8, log=False, low=1, step=1)"),
        ("a.b=range(1,9,2)", "IntDistribution(high=7, log=False, low=1, step=2)"),
        ("a.b=range(0,1,0.25)", "FloatDistribution(high=0.75, log=False, low=0.0, step=0.25)"),
        ("cell=lstm,gru", "CategoricalDistribution(choices=('lstm', 'gru'))"),
        ("a.b=1,null,true,[1,2]", "CategoricalDistribution(choices=(1, None, 'True', '[1,2]'))"),
    ],
)
def test_an_override_that_sweeps_is_a_parameter(word, distribution):
    space = space_of(word, "training.steps=3")
    assert [str(one.distribution) for one in space.parameters] == [distribution]
    assert space.fixed == ("training.steps=3",)
    overrides = space.overrides(optuna.create_study(sampler=optuna.samplers.RandomSampler(0)).ask())
    assert len(OverridesParser.create().parse_overrides(overrides)) == 2


def test_a_conditional_parameter_exists_under_its_condition_alone():
    when = {"cell.forget_bias_init": "cell=lstm,gru", "a.b": ["cell.forget_bias_init=1", "cell=lstm"]}
    space = space_of("a.b=5,6", "cell.forget_bias_init=0,1", "cell=lstm,gru,elman", when=when)
    study = optuna.create_study(sampler=make_sampler({"name": "BruteForceSampler", "seed": 0}, 0))
    seen = set()
    study.stop = lambda: None
    for _ in range(7):
        trial = study.ask()
        seen.add(tuple(space.overrides(trial)))
        study.tell(trial, 0.0)
    gates = [(f"cell={cell}", f"cell.forget_bias_init={bias}") for cell in ("lstm", "gru") for bias in (0, 1)]
    assert seen == {
        ("cell=elman",),
        *(gate for gate in gates if gate != ("cell=lstm", "cell.forget_bias_init=1")),
        *(("cell=lstm", "cell.forget_bias_init=1", f"a.b={value}") for value in (5, 6)),
    }


def test_a_function_of_the_trial_adds_overrides():
    space = space_of("cell=lstm,gru", function=lambda trial: {"a.b": trial.suggest_int("n", 3, 3), "c": None})
    assert space.overrides(optuna.create_study().ask())[1:] == ["a.b=3", "c=null"]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"cel": "cell=lstm"}, r"when\.cel is no parameter.*did you mean cell\?"),
        ({"a.b": "task=adding"}, r"when\.a\.b: task is no parameter of the search: legal are cell, a\.b"),
        ({"a.b": "lstm"}, "must be overrides such as cell=lstm, got 'lstm'"),
        ({"a.b": "cell=lstm", "cell": "a.b=1"}, "cell, a.b depend on each other"),
    ],
)
def test_a_condition_that_is_not_legal_is_refused(when, message):
    with pytest.raises(ConfigError, match=message):
        space_of("cell=lstm,gru", "a.b=1,2", when=when)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_sampler({"name": "TPESamplr"}, 0), r"did you mean .*TPESampler\?"),
        (lambda: make_sampler({"name": "TPESampler", "sed": 1}, 0), "hydra.sweeper.sampler: .*sed"),
        (lambda: make_pruner({"name": "Median"}, TRAINING), "legal values are HyperbandPruner, MedianPruner"),
        (lambda: directions_of([], None, True), "at least one"),
        (lambda: directions_of(["score"], ["up"], True), "null or minimize or maximize"),
    ],
)
def test_a_setting_that_is_not_legal_is_refused_in_a_line(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_hyperband_knows_the_number_of_evaluations():
    assert make_pruner({"name": "HyperbandPruner"}, TRAINING)._max_resource == 4


def test_the_score_has_the_direction_of_its_metric_and_other_objectives_are_minimised():
    assert directions_of(["score", "seconds"], None, True) == ["maximize", "minimize"]
    assert directions_of(["score"], None, False) == ["minimize"]


@pytest.mark.parametrize(
    ("name", "overrides", "is_here"),
    [
        ("auto", [], True),
        ("auto", ["hydra.launcher.processes=2"], False),
        ("vectorized", [], True),
        ("vectorized_slurm", [], False),
        ("ray", [], False),
    ],
)
def test_trials_take_places_of_others_in_programs_of_this_process_alone(name, overrides, is_here):
    node = compose_config([f"hydra/launcher={name}", *overrides]).hydra.launcher
    settings = {key: value for key, value in node.items() if key != "_target_"}
    kind = RayLauncher if name == "ray" else VectorizedLauncher
    assert (kind(**settings)._sharing() == Sharing()) == is_here


PRUNED = [
    *("seqlab.train", "-m", "task=adding", "architecture=many_to_one", "task.length=6", *TINY, "cell=elman"),
    *("task.num_evaluation_examples=16", "training.steps=4", "training.eval_every=1", "seed=range(0,100)"),
    *("hydra/sweeper=optuna", "hydra.sweeper.pruner.name=SuccessiveHalvingPruner"),
    *("+hydra.sweeper.pruner.min_resource=1", "+hydra.sweeper.pruner.reduction_factor=2"),
]
WORDS = [word for word in PRUNED[2:] if not word.startswith(("hydra", "+hydra", "seed"))]
"""The overrides that all of its runs have."""


def statuses(sweep):
    return {path.parent.name: read_summary(path.parent)["status"] for path in sweep.glob("*/summary.json")}


def study_of(sweep):
    from seqlab.runs.study import noted_study, open_storage

    open_storage.cache_clear()
    return noted_study(sweep)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Return the folder of a search in the vectorised program, of 7 trials, 3 at a time."""
    sweep = tmp_path_factory.mktemp("search") / "sweep"
    words = [
        *(*PRUNED, "hydra/launcher=vectorized", f"hydra.sweep.dir={sweep}", "hydra.sweeper.n_trials=7"),
        *("hydra.sweeper.n_jobs=3", "hydra.launcher.vmap_size=3", "hydra.launcher.devices=1"),
        *("training.devices=1", "cell.recurrent_scale=choice(1.0,0.5)"),
    ]
    subprocess.run([sys.executable, "-m", *words], check=True, cwd=sweep.parent)
    return sweep


@pytest.mark.runs
def test_a_search_prunes(searched):
    ended = statuses(searched)
    assert set(ended.values()) == {"pruned", "finished"}
    trials = study_of(searched).get_trials()
    assert {str(trial.number): trial.state.name for trial in trials} == {
        number: {"pruned": "PRUNED", "finished": "COMPLETE"}[status] for number, status in ended.items()
    }
    pruned = next(searched / number for number, status in ended.items() if status == "pruned")
    summary = read_summary(pruned)
    assert summary["steps"] < 4
    assert "test" not in summary
    assert "SuccessiveHalvingPruner" in summary["reason"]
    results = yaml.safe_load((searched / "optimization_results.yaml").read_text())
    assert results["best_value"] == min(trial.value for trial in trials if trial.state.name == "COMPLETE")
    assert "Optimisation history" in (searched / "report.html").read_text()
    assert json.loads((searched / "sweep.json").read_text())["statuses"]["pruned"]
    found = read_report([searched])
    (counts, *_) = search_section(found, [searched]).parts
    shown = {status.text: int(count.text) for status, count in counts.rows}
    assert shown == {"diverged": 0, "failed": 0} | collections.Counter(ended.values())
    assert facts.log(found) is None


@pytest.mark.runs
def test_the_legal_objectives_are_the_numbers_of_a_summary(searched):
    ended = statuses(searched)
    finished = next(searched / number for number, status in ended.items() if status == "finished")
    names = names_of(make_family(resolve(without_hydra(compose_config(WORDS))))[0].program)
    assert not [name for name in names if value_of(read_summary(finished), name) is None]
    assert {"score", "seconds", "num_params", "best.eval/mse", "final.eval/loss", "test.test/mse"} <= {*names}


@pytest.mark.runs
def test_a_trial_that_follows_a_pruned_one_is_the_run_alone(searched, tmp_path):
    summaries = {name: read_summary(searched / name) for name in statuses(searched)}
    assert all(summary["plan"]["num_runs"] == 3 for summary in summaries.values())
    last = max(range(7), key=lambda number: (summaries[str(number)]["steps"], number))
    assert last >= 3
    trial = study_of(searched).get_trials()[last]
    given = [f"{key}={value}" for key, value in trial.params.items()]
    run([*WORDS, *given, "training.devices=1", f"hydra.run.dir={tmp_path}"])
    for row, own in zip(read_rows(tmp_path), read_rows(searched / str(last)), strict=False):
        assert row["step"] == own["step"]
        for key in ("train/loss", "grads/norm", "eval/mse"):
            assert (key in row) == (key in own)
            np.testing.assert_allclose(own.get(key, 0), row.get(key, 0), rtol=1e-4)


@pytest.mark.runs
def test_a_search_goes_on_where_it_was_killed(searched, command, tmp_path):
    sweep = shutil.copytree(searched, tmp_path / "sweep")
    ended = statuses(sweep)
    left = study_of(sweep).ask()  # as of a search that was killed before its run had begun
    left.set_user_attr("overrides", [*WORDS, "seed=7"])
    left.set_user_attr("sweep", str(sweep))
    pruned = next(sweep / number for number, status in ended.items() if status == "pruned")
    shutil.copytree(pruned, sweep / "8")  # and of one that was killed before it told how its run had ended
    told = study_of(sweep).ask()
    told.set_user_attr("overrides", study_of(sweep).get_trials()[int(pruned.name)].user_attrs["overrides"])
    study_of(sweep).ask()  # and of one that was killed before it had chosen the values
    finished = next(sweep / number for number, status in ended.items() if status == "finished")
    shutil.copytree(finished, sweep / "10")  # and of one that was killed between a last step and its summary
    (sweep / "10" / "summary.json").unlink()
    last = study_of(sweep).ask()
    last.set_user_attr("overrides", study_of(sweep).get_trials()[int(finished.name)].user_attrs["overrides"])
    with (sweep / "study.log").open("a") as file:
        file.write('{"op_code":')  # of a disk that was full
    before = (sweep / "8" / "summary.json").read_bytes()
    done = command("train", "-m", f"sweep.resume={sweep}", "hydra.sweeper.n_trials=12")
    assert done.returncode == 0, done.stderr
    trials = study_of(sweep).get_trials()
    assert {trial.state.name for trial in trials} == {"PRUNED", "COMPLETE"}
    assert len(statuses(sweep)) == len(trials) == 12
    assert trials[9].params
    assert [row["step"] for row in read_rows(sweep / "10") if "eval/mse" in row] == [1, 2, 3, 4]
    assert read_summary(sweep / "7")["seed"] == 7
    assert trials[8].state.name == "PRUNED"
    assert (sweep / "8" / "summary.json").read_bytes() == before
    assert statuses(sweep).items() >= ended.items()
    shutil.move(sweep / "study.log", tmp_path)
    done = command("train", "-m", f"sweep.resume={sweep}", "hydra.sweeper.n_trials=13")
    assert done.returncode == 2
    assert "the study search of its runs is not in" in done.stderr
    assert not (sweep / "study.log").exists()


@pytest.mark.runs
def test_a_search_keeps_the_best_trial_and_outlives_one_that_diverges(command, tmp_path):
    sweep = tmp_path / "sweep"
    done = command(
        *("train", "-m", *UNSTABLE, "optimizer.learning_rate=choice(1e9,1e-9)", f"hydra.sweep.dir={sweep}"),
        *("hydra/sweeper=tpe", "hydra.sweeper.n_trials=4", "hydra.sweeper.objectives=[score,steps]"),
        *("hydra.sweeper.sampler.name=RandomSampler", "hydra.sweeper.storage=sqlite:///studies.db"),
    )
    assert done.returncode == 1
    assert len(study_of(sweep).get_trials()) == 4
    ended = statuses(sweep)
    assert set(ended.values()) == {"diverged", "finished"}
    diverged = sum(status == "diverged" for status in ended.values())
    assert done.stderr.splitlines()[-1] == f"error: {diverged} of 4 runs did not finish: see above"
    finished = [int(number) for number, status in ended.items() if status == "finished"]
    results = yaml.safe_load((sweep / "optimization_results.yaml").read_text())
    values = [read_summary(sweep / str(finished[0]))["best"]["eval/mse"], 4.0]
    params = {"optimizer.learning_rate": 1e-9}
    assert results["solutions"] == [
        {"trial": number, "params": params, "values": values} for number in sorted(finished)
    ]
