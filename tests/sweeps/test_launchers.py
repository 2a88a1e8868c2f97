"""Other packages' launchers and sweepers: they run seqlab's jobs, and a missing one is named."""

from __future__ import annotations

import importlib.util

import pytest
import yaml
from tiny_runs import UNSTABLE

from seqlab.registry import CONF
from seqlab.runs import compose_config
from seqlab.runs.files import read_yaml
from seqlab.runs.sweep_place import Place, place_of
from seqlab.sweeps.shortfall import shortfall
from seqlab.tracking import read_summary
from seqlab.types import ConfigError

PLUGINS = {
    "cores": ("joblib_launcher", "hydra"),
    "slurm": ("submitit_launcher", "slurm"),
    "tpe": ("optuna_sweeper", "optuna"),
}
PRESETS = sorted(
    path.relative_to(CONF).with_suffix("") for path in CONF.glob("hydra/*/*.yaml") if path.stem in PLUGINS
)


@pytest.mark.parametrize("preset", PRESETS, ids=str)
def test_preset_of_another_package_composes_or_names_its_extra(preset):
    plugin, extra = PLUGINS[preset.name]
    override = f"{preset.parent}={preset.name}"
    if importlib.util.find_spec(f"hydra_plugins.hydra_{plugin}"):
        kind = preset.parent.name
        assert plugin in compose_config([override]).hydra[kind]["_target_"]
    else:
        with pytest.raises(ConfigError, match=rf"pip install 'seqlab\[{extra}\]'"):
            compose_config([override])


@pytest.mark.runs
def test_runs_on_all_cores_tell_their_place_and_go_on_past_one_that_diverges(command, tmp_path):
    rates = [1e9, 1e-9]
    done = command(
        *("train", "-m", *UNSTABLE),
        f"optimizer.learning_rate={rates[0]},{rates[1]}",
        *("hydra/launcher=cores", "hydra.sweep.dir=all/sweep"),
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: diverged: ")
    runs = [tmp_path / "all" / "sweep" / str(number) for number in range(2)]
    assert [read_summary(run)["status"] for run in runs] == ["diverged", "finished"]
    places = [Place("all/sweep", (f"optimizer.learning_rate={rate}",)) for rate in rates]
    nodes = [read_yaml(run / ".hydra" / "hydra.yaml").hydra for run in runs]
    assert [place_of(run, node) for run, node in zip(runs, nodes, strict=True)] == places


@pytest.mark.runs
@pytest.mark.skipif(
    importlib.util.find_spec("hydra_plugins.hydra_optuna_sweeper") is None, reason="needs the extra optuna"
)
def test_search_keeps_the_best_trial_and_outlives_one_that_diverges(command, tmp_path):
    done = command(
        *("train", "-m", *UNSTABLE),
        *("optimizer.learning_rate=choice(1e9,1e-9)", "hydra.sweep.dir=sweep", "hydra/sweeper=tpe"),
        "hydra.sweeper.n_trials=2",
    )
    assert "Best value" in done.stdout, done.stderr
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: 1 of 2 runs did not finish: see above"
    summaries = [read_summary(path.parent) for path in (tmp_path / "sweep").glob("*/summary.json")]
    assert {summary["status"] for summary in summaries} == {"diverged", "finished"}
    finished = next(summary for summary in summaries if summary["status"] == "finished")
    results = yaml.safe_load((tmp_path / "sweep" / "optimization_results.yaml").read_text())
    assert results["best_value"] == finished["best"]["eval/mse"]
    assert results["best_params"] == {"optimizer.learning_rate": 1e-9}


def test_a_search_of_which_no_trial_finished_is_told_in_one_line():
    optuna = pytest.importorskip("optuna", reason="needs the extra optuna")
    with pytest.raises(ValueError, match="No trials") as raised:
        _ = optuna.create_study().best_trial
    assert str(shortfall(raised.value)).startswith("no trial of the search finished")


def test_a_job_of_a_cluster_that_left_no_result_is_told_in_one_line():
    core = pytest.importorskip("submitit.core.utils", reason="needs the extra slurm")
    lines = ("Job 7 (task: 0) with path 7.pkl", "has not produced any output (state: FAILED)", "killed")
    told = str(shortfall(core.UncompletedJobError("\n".join(lines))))
    assert told == f"a job left no result: {lines[0]} {lines[1]}; {lines[2]}"


def test_what_is_about_something_else_is_left_alone():
    assert shortfall(ValueError("a batch of no rows")) is None
