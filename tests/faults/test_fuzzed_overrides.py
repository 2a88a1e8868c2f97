"""Fuzzed overrides: each set is legal, or is refused in one line that names a key."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf
from one_line import BASE, require_line

from seqlab.registry import choices
from seqlab.runs import compose_config
from seqlab.runs.explain import GROUPS

hypothesis = pytest.importorskip("hypothesis", reason="the extra test is not installed")
from hypothesis import given, settings, strategies as st  # noqa: E402, I001

LARGE = ("cell.features", "task.length", "training.batch_size", "architecture.num_layers")
"""The keys whose large values are legal and would take long."""


def keys_of(node, path=""):
    """Yield the dotted keys of a config node."""
    for key, value in node.items():
        yield f"{path}{key}"
        if isinstance(value, dict):
            yield from keys_of(value, f"{path}{key}.")


COMPOSED = OmegaConf.to_container(compose_config(BASE), resolve=False)
KEYS = sorted(key for key in keys_of(COMPOSED) if not key.startswith("hydra"))
TARGETS = ("seqlab.cells.LSTM", "seqlab.run", "optax.adam", "jax.nn.relu", "os.system", "flax.linen.Dense")
VALUES = st.one_of(
    st.integers(-3, 3).map(str),
    st.floats().map(str),
    st.sampled_from(
        [
            *("null", "true", "false", "''", "[]", "{}", "[1,2]", "{a: 1}", "a", "auto", "off", "4294967295"),
            *(
                "${seed}",
                "${nothing}",
                "${cell}",
                "${oc.env:HOME}",
                "???",
                "1e400",
                "nan",
                "inf",
                "-0",
                "0x1",
            ),
            *("é", "a b", "'a", "a=b", "=", "\\\\", "[", "{_target_: os.system}", "{_target_: optax.adam}"),
        ]
    ),
    st.text(max_size=4),
)
CHOSEN = st.sampled_from(GROUPS).flatmap(
    lambda group: st.sampled_from(choices(group)).map(lambda name: f"{group}={name}")
)
SET = st.tuples(st.sampled_from(["", "+", "++", "~"]), st.sampled_from(KEYS), VALUES).map(
    lambda parts: f"{parts[0]}{parts[1]}={parts[2]}"
)
MISTYPED = st.tuples(st.sampled_from(KEYS), st.sampled_from("xy._"), VALUES).map(
    lambda parts: f"{parts[0]}{parts[1]}={parts[2]}"
)
TARGET = st.tuples(st.sampled_from(GROUPS), st.sampled_from(TARGETS)).map(
    lambda parts: f"{parts[0]}._target_={parts[1]}"
)
DELETED = st.sampled_from([*GROUPS, *KEYS]).map(lambda key: f"~{key}")
OVERRIDE = st.one_of(SET, SET, MISTYPED, TARGET, DELETED, st.text(max_size=6))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(OVERRIDE, min_size=1, max_size=3))
def test_a_set_of_overrides_is_legal_or_refused_in_one_line(overrides):
    if any(word.lstrip("+").startswith(LARGE) for word in overrides):
        return
    require_line(overrides)
