"""Launchers of other packages, and Optuna: they run seqlab's jobs, and a missing one is named."""

from __future__ import annotations

import importlib.util
import sys
import types

import pytest
from tiny_runs import UNSTABLE

from seqlab.registry import CONF
from seqlab.runs import compose_config
from seqlab.runs.files import read_yaml
from seqlab.runs.study import optuna
from seqlab.runs.sweep_place import Place, place_of
from seqlab.sweeps.shortfall import shortfall
from seqlab.tracking import read_summary
from seqlab.types import ConfigError

PLUGINS = {
    "cores": ("joblib_launcher", "hydra"),
    "slurm": ("submitit_launcher", "slurm"),
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


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (None, "is not installed: pip install"),
        (types.SimpleNamespace(__version__="2.10.1"), "got 2.10.1: pip"),
    ],
)
def test_a_search_without_optuna_names_its_extra(package, message, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", package)
    with pytest.raises(ConfigError, match=rf"^hydra/sweeper=optuna .*{message}.*'seqlab\[optuna\]'$"):
        optuna()


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


def test_a_job_of_a_cluster_that_left_no_result_is_told_in_one_line():
    core = pytest.importorskip("submitit.core.utils", reason="needs the extra slurm")
    lines = ("Job 7 (task: 0) with path 7.pkl", "has not produced any output (state: FAILED)", "killed")
    told = str(shortfall(core.UncompletedJobError("\n".join(lines))))
    assert told == f"a job left no result: {lines[0]} {lines[1]}; {lines[2]}"


def test_what_is_about_something_else_is_left_alone():
    assert shortfall(ValueError("a batch of no rows")) is None
    killed = type("TerminatedWorkerError", (Exception,), {})  # of joblib
    assert "sweep.resume=DIR continues the sweep" in str(shortfall(killed("many lines")))
