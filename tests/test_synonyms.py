"""Words of other libraries: what they stand for exists."""

from __future__ import annotations

import functools

import pytest
from omegaconf import OmegaConf

from seqlab.near_misses import closest, edit_distance, normal
from seqlab.registry import ALL_GROUPS, choices
from seqlab.runs import compose_config
from seqlab.runs.request import KEYS as TOP_LEVEL
from seqlab.synonyms import ADVICE, KEYS, OPTIONS

TARGETS = sorted(set(KEYS.values()))
WORDS = sorted({target for options in OPTIONS.values() for target in options.values()})


composed = functools.cache(compose_config)


@pytest.mark.parametrize("target", TARGETS)
def test_the_key_of_a_synonym_exists(target):
    *needed, key = target.split()
    name, _, option = key.partition("=")
    if name.removeprefix("+") in ALL_GROUPS:
        assert option in ("", *choices(name.removeprefix("+")))
        return
    config = composed(tuple(needed))
    parent, _, leaf = key.rpartition(".")
    assert leaf in (OmegaConf.select(config, parent) if parent else config)


@pytest.mark.parametrize("target", WORDS)
def test_the_option_of_a_synonym_composes(target):
    first = target.split()[0]
    group, _, option = first.partition("=")
    assert option in choices(group) or option == "basic"
    if " " in target:
        assert compose_config(target.split())


def test_no_synonym_is_a_key_or_an_option_itself():
    assert not {*KEYS, *ADVICE} & set(TOP_LEVEL)
    assert [word for word in KEYS if word != normal(word)] == []
    for group, options in OPTIONS.items():
        assert [word for word in options if word != normal(word)] == []
        assert not set(options) & set(choices(group))


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("gru", "gru", 0), ("gru", "gur", 1), ("lstm", "lsm", 1), ("steps", "stepz", 1), ("", "abc", 3)],
)
def test_edit_distance(one, other, distance):
    assert edit_distance(one, other) == edit_distance(other, one) == distance


@pytest.mark.parametrize(
    ("given", "found"), [("LSTM", "lstm"), ("out", "output"), ("fetaures", "features"), ("zap", None)]
)
def test_the_closest_name(given, found):
    assert closest(given, ["lstm", "output", "features", "elman"]) == found
