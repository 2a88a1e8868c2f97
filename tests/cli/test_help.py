"""Help of the training command: one screen, and a meaning for every key."""

from __future__ import annotations

import re
import sys

import pytest

from seqlab.cli.help import WIDTH, help_on, page
from seqlab.cli.key_docs import option_doc, top_level_docs
from seqlab.registry import ALL_GROUPS, choices
from seqlab.runs import compose_config
from seqlab.runs.request import KEYS
from seqlab.types import ConfigError

OPTIONS = [(group, name) for group in ALL_GROUPS if group != "experiment" for name in choices(group)]


@pytest.mark.parametrize("option", ["--help", "-h", "help"])
def test_help_is_one_screen(option, inside):
    done = inside("train", option)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert len(lines) <= 40
    assert max(map(len, lines)) <= WIDTH == 80


def test_help_shows_every_group_with_the_number_of_its_options():
    text = page()
    for group in ALL_GROUPS:
        assert re.search(rf"^  \+?{group}= +{len(choices(group))} ", text, re.MULTILINE)


def test_help_counts_the_options_of_plug_ins(tmp_path, monkeypatch):
    folder = tmp_path / "lab_of_help" / "conf" / "cell"
    folder.mkdir(parents=True)
    (tmp_path / "lab_of_help" / "__init__.py").touch()
    (folder / "mine.yaml").write_text("# A cell of mine.\n_target_: seqlab.cells.GRU\nfeatures: 4  # H\n")
    before = len(choices("cell"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SEQLAB_PLUGINS", "lab_of_help")
    assert re.search(rf"^  cell= +{before + 1} ", page(), re.MULTILINE)
    assert "A cell of mine." in help_on(["cell=mine"])
    sys.modules.pop("lab_of_help", None)


def test_the_commands_of_the_help_compose():
    lines = re.findall(r"^  python -m seqlab.train (.*?)(?:  +#.*)?$", page(), re.MULTILINE)
    assert len([line for line in lines if not line.startswith("help")]) == 5
    for line in lines:
        words = [word.replace('"', "") for word in line.split()]
        if words[0] == "help":
            assert help_on(words[1:])
        elif words[0] not in ("-m", "resume=last"):
            assert compose_config(words)


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_every_option_and_every_key_has_a_meaning_and_legal_types(group, name):
    doc = option_doc(group, name)
    assert doc.summary
    assert [key.key for key in doc.keys if not (key.meaning and key.kind)] == []
    for key in doc.keys:
        assert re.search(rf"^  {re.escape(key.key)}=", help_on([f"{group}={name}"]), re.MULTILINE)


@pytest.mark.parametrize("name", choices("experiment"))
def test_every_experiment_says_what_it_is(name):
    assert option_doc("experiment", name).summary
    assert f"+experiment={name}" in help_on([f"+experiment={name}"])


def test_every_key_of_the_top_level_is_a_group_or_has_a_meaning_and_legal_types():
    assert [doc.key for doc in top_level_docs() if doc.meaning and not doc.kind] == []
    documented = {doc.key.partition(".")[0] for doc in top_level_docs() if doc.meaning}
    assert documented | set(ALL_GROUPS) >= set(KEYS)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("task=series", "task.horizon=1    integer"),
        ("training", "training.steps=1000    integer"),
        ("cell=lstm", "cell.forget_bias_init=1.0    number"),
        ("cell", "min_lstm"),
        ("optimizer.learning_rate", "optimizer.learning_rate=0.001"),
        ("cell.activation", "tanh, relu or identity"),
        ("seed", "seed=0"),
        ("tracking.wandb.mode", "offline, online or disabled"),
        ("keys", "overwrite=false"),
        ("+experiment/model", "delta_product"),
        ("+experiment/model=delta_product", "cell.num_householder=2"),
        ("cell.eigenvalues", "[0, 1]    list of two integers"),
    ],
)
def test_help_on_a_word(word, told, inside):
    assert told in inside("train", "help", word).stdout


@pytest.mark.parametrize(
    ("word", "meant"), [("cell=gruu", "cell=gru"), ("lr", "optimizer.learning_rate"), ("lstm", "cell=lstm")]
)
def test_help_on_a_misspelt_word_names_the_near_miss(word, meant):
    with pytest.raises(ConfigError, match=rf"\(did you mean {meant}\?"):
        help_on([word])
