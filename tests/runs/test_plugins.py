"""Plug-ins of the environment, and what no config can run."""

from __future__ import annotations

import re
import sys

import pytest

from seqlab.plugins import config_folders, plugins, require_plugins
from seqlab.registry import CONF, choices, locate, make, settings_of
from seqlab.runs.compose import compose_config
from seqlab.types import ConfigError

MODULE = """
from os import system

from seqlab.cells import GRU, LSTM


class LabGRU(GRU):
    pass
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Write a plug-in with a cell and its YAML, and name it in the environment."""
    package = tmp_path / "path" / "lab_of_tests"
    (package / "conf" / "cell").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "cells.py").write_text(MODULE)
    (package / "conf" / "cell" / "lab_gru.yaml").write_text(
        "_target_: lab_of_tests.cells.LabGRU\nfeatures: 3\n"
    )
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("SEQLAB_PLUGINS", "lab_of_tests")
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "lab_of_tests"]:
        del sys.modules[name]


def test_a_plugin_is_named_by_the_environment_alone(lab, monkeypatch):
    assert "lab_of_tests" in plugins()
    monkeypatch.delenv("SEQLAB_PLUGINS")
    assert "lab_of_tests" not in plugins()
    with pytest.raises(
        ConfigError, match=r"^cell\._target_=lab_of_tests\.cells\.LabGRU is refused: legal are"
    ):
        locate("lab_of_tests.cells.LabGRU", "cell")


def test_its_cell_is_chosen_by_the_name_of_its_yaml(lab):
    assert config_folders() == [lab / "conf"]
    assert "lab_gru" in choices("cell")
    assert make(settings_of("cell", "lab_gru"), "cell").features == 3
    assert compose_config(["cell=lab_gru"]).cell._target_ == "lab_of_tests.cells.LabGRU"


@pytest.mark.parametrize("name", ["cells.system", "cells.sys", "cells.nothing", "nowhere.thing", "cells"])
def test_a_plugin_leads_nowhere_else(lab, name):
    with pytest.raises(ConfigError, match=rf"^cell\._target_=lab_of_tests\.{name} "):
        locate(f"lab_of_tests.{name}", "cell")


@pytest.mark.parametrize(
    "name",
    [
        *("seqlab.plugins.import_plugin", "seqlab.registry.import_extra", "seqlab.runs.files.remove_run"),
        *("seqlab.tracking.write_atomically", "seqlab.run"),
    ],
)
def test_a_config_calls_no_function_that_imports_or_writes(name):
    with pytest.raises(ConfigError, match=rf"^callbacks\.x\._target_={name} is refused: legal are classes "):
        locate(name, "callbacks.x")


def test_every_target_of_our_own_configs_is_legal():
    for path in CONF.rglob("*.yaml"):
        for target in re.findall(r"_target_: (seqlab[\w.]+)", path.read_text()):
            locate(target, path.stem)


def test_a_plugin_may_name_again_what_is_trusted(lab):
    assert locate("lab_of_tests.cells.LSTM", "cell").__name__ == "LSTM"


def test_a_plugin_that_ends_python_is_refused_too(lab):
    (lab / "__init__.py").write_text("import sys\nsys.exit(3)")
    with pytest.raises(ConfigError, match=r"^plug-in lab_of_tests cannot be imported: SystemExit: 3$"):
        require_plugins()


@pytest.mark.runs
def test_a_plugin_that_fails_to_import_is_one_line(lab, inside):
    (lab / "__init__.py").write_text("raise RuntimeError('no\\nluck')")
    found = inside("train", "task=adding")
    assert found.returncode == 2
    assert found.stderr == "error: plug-in lab_of_tests cannot be imported: RuntimeError: no luck\n"


BEFORE_HYDRA = {
    "a callback": ["+hydra.callbacks.mine._target_=os.system"],
    "a callback as a dict": ["+hydra.callbacks.mine={_target_: os.system, command: ls}"],
    "a callback of Hydra's": ["+hydra.callbacks.mine._target_=hydra.utils.instantiate"],
    "a launcher": ["hydra.launcher._target_=os.system"],
    "a sweeper": ["+hydra.sweeper.sampler._target_=os.system", "-m", "seed=0,1"],
    "an experiment of --config-dir": ["--config-dir", "FOLDER", "+experiment=bad"],
    "an experiment by its path": ["+experiment=../../../../../../../../..FOLDER/experiment/bad"],
    "a search path": ["hydra.searchpath=['file://FOLDER']", "+experiment=bad"],
    "another config": ["--config-path", "FOLDER", "--config-name", "bad"],
}
BY_HYDRA = {
    "a cell": ["cell._target_=os.system"],
    "a re-export": ["cell._target_=seqlab.registry.importlib.import_module"],
    "a nested target": ["+cell.param_dtype={_target_: os.system}"],
    "a tracker": ["+tracking.mine._target_=os.system"],
}
BAD = "hydra: {callbacks: {x: {_target_: os.system, command: touch run-by-config}}}"


@pytest.fixture
def folder_of_others(tmp_path, monkeypatch):
    """Write a folder with an experiment that names a command of the system."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil" / "experiment").mkdir(parents=True)
    (tmp_path / "evil" / "experiment" / "bad.yaml").write_text(f"# @package _global_\n{BAD}\n")
    return tmp_path / "evil"


def check_refused(found, folder):
    assert found.returncode not in (0, None)
    assert found.stderr.startswith("error: ")
    assert found.stderr.count("\n") == 1
    assert "refused" in found.stderr or "names nothing that can be called" in found.stderr
    assert not list(folder.rglob("run-by-config"))
    assert not list(folder.rglob("metrics.jsonl"))


@pytest.mark.runs
@pytest.mark.parametrize("name", BEFORE_HYDRA)
def test_hydra_instantiates_only_what_is_trusted(name, tmp_path, folder_of_others, inside):
    words = [word.replace("FOLDER", str(folder_of_others)) for word in BEFORE_HYDRA[name]]
    check_refused(inside("train", "task=adding", *words), tmp_path)


@pytest.mark.runs
@pytest.mark.parametrize("name", BY_HYDRA)
def test_a_config_names_only_what_is_trusted(name, tmp_path, command):
    check_refused(command("train", "task=adding", *BY_HYDRA[name]), tmp_path)
