"""Tasks by name from their config, and one-line refusals of wrong names."""

import importlib
import inspect
import sys
from pathlib import Path

import pytest
import yaml
from small_corpora import stand_in
from tiny_runs import OWN, PRESETS

from seqlab.cli import remembered_baselines
from seqlab.cli import tasks as command
from seqlab.registry import CONF, locate
from seqlab.tasks import Task, _simple_predictors, load_task, task_names
from seqlab.tasks._simple_predictors import BY_PLACE, CONSTANT
from seqlab.tasks.languages import RULES, FormalLanguage, Rule
from seqlab.tasks.languages.parity_check import Parity
from seqlab.types import ConfigError


def config_of(name):
    config = yaml.safe_load((CONF / "task" / f"{name}.yaml").read_text())
    config.pop("defaults", None)
    return locate(config.pop("_target_"), "task"), config


def test_every_rule_of_a_formal_language_has_a_config():
    rules = {task.name: task.rule for task in map(load_task, OWN) if isinstance(task, FormalLanguage)}
    assert set(RULES) <= set(rules)
    assert {*map(type, rules.values()), Parity} == {*Rule.__subclasses__()}


def test_every_task_class_has_a_config():
    families = Path(sys.modules["seqlab.tasks"].__file__).parent
    for path in families.glob("*/[!_]*.py"):
        importlib.import_module(".".join(("seqlab.tasks", path.parent.name, path.stem)))
    classes = {form for form in Task.__subclasses__() if form.__module__.startswith("seqlab.")}
    assert classes == {type(load_task(name)) for name in OWN}
    below = [form for final in classes for form in final.__subclasses__()]
    assert not [form for form in below if form.__module__.startswith("seqlab.")]


@pytest.mark.parametrize("name", task_names())
def test_the_config_spells_out_every_field_with_its_default(name):
    task, (target, config) = load_task(name), config_of(name)
    assert isinstance(task, Task)
    assert task.name == name or name in PRESETS
    parameters = inspect.signature(target).parameters
    assert set(config) == set(parameters)
    if name not in PRESETS and not isinstance(task, FormalLanguage):  # its defaults suit most rules
        required = {key for key, parameter in parameters.items() if parameter.default is parameter.empty}
        assert target(**config) == target(**{key: config[key] for key in required})


def test_fields_change_the_task():
    assert load_task("adding", length=7).length == 7


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("foo", {}, r"task=foo: legal values are adding, .*"),
        (
            "adding",
            {"size": 3},
            r"task\.size is not a key \(did you mean .*\?\): the legal keys of task are length, .*",
        ),
        ("adding", {"length": 1}, r"task\.length must be an integer of at least 2, got 1"),
        ("parity_check", {"min_length": 3}, r"task\.min_length must be from 4 to length=20, got 3"),
        ("parity_check", {"length": 5, "min_length": 6}, r"task\.min_length must be from 4 to .*, got 6"),
        ("python_docs", {"length": 0}, r"task\.length must be a positive integer, got 0"),
        ("digits", {"by": "column"}, r"task\.by must be one of row, pixel, got 'column'"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(name, fields, message):
    with pytest.raises(ConfigError) as refusal:
        load_task(name, **fields)
    assert "\n" not in str(refusal.value)
    refusal.match(f"^{message}$")


@pytest.mark.parametrize("name", ["python_docs", "google_stock"])
def test_a_window_longer_than_the_shortest_split_is_refused(name):
    with pytest.raises(ConfigError, match=r"^task\.length: legal values are 1 to \d+, got 1000000$"):
        _ = load_task(name, length=1_000_000).data


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Keep the table's baselines in a folder of the test, and return their file."""
    monkeypatch.setattr(remembered_baselines, "cache_folder", lambda: tmp_path / "cache" / "compiled")
    return tmp_path / "cache" / "baselines.json"


@pytest.mark.usefixtures("own_cache")
def test_the_table_shows_every_task(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["seqlab.tasks"])
    monkeypatch.setattr(command, "load_task", lambda name: load_task(name, **stand_in(name)))
    found = {CONSTANT: 0.25, BY_PLACE: 0.125}  # simulated in test_simple_predictors.py
    monkeypatch.setattr(_simple_predictors, "simple_scores", lambda *of: found)
    command.main()
    table = capsys.readouterr().out
    assert all(name in table for name in task_names())
    assert "mse 0.125" in table
    assert CONSTANT in table
    assert "CC BY 4.0" in table


def test_the_table_computes_baselines_once_and_again_where_their_file_is_damaged(monkeypatch, own_cache):
    computed = []
    monkeypatch.setattr(
        _simple_predictors, "simple_scores", lambda *of: computed.append(of) or {CONSTANT: 1.0}
    )
    monkeypatch.setattr(command, "task_names", lambda: ["adding", "copy_memory"])
    first = [*map(list, (column.cells for column in command.describe_tasks().columns))]
    count = len(computed)
    assert [*map(list, (column.cells for column in command.describe_tasks().columns))] == first
    assert len(computed) == count > 0
    for text in ("{", "[]", '{"key": 3}'):
        own_cache.write_text(text)
        command.describe_tasks()
    assert len(computed) == 4 * count


@pytest.mark.usefixtures("own_cache")
def test_the_table_survives_a_missing_package(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["seqlab.tasks"])
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    monkeypatch.setattr(command, "task_names", lambda: ["digits"])
    command.main()
    row = next(line for line in capsys.readouterr().out.splitlines() if "digits" in line)
    assert "sklearn" in row
    assert "?" in row
    with pytest.raises(ConfigError, match=r"^sklearn is not installed: pip install 'seqlab\[data\]'$"):
        _ = load_task("digits").data
