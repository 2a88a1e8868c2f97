"""Hydra's errors in one line: what has to be quoted."""

from __future__ import annotations

import pytest

from seqlab.runs import compose_config
from seqlab.types import ConfigError

NAMES = ["Text (en)", "a=b", "x[1]", "情感", 'say "x', "back\\slash (1)"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_hydra_cannot_read_is_shown_as_it_can(name):
    with pytest.raises(ConfigError) as refusal:
        compose_config(["task=text_classification", f"task.text={name}"])
    line = str(refusal.value)
    assert line.startswith(f"task.text={name} cannot be read: quote its value, in a shell as '")
    quoted = line.partition("in a shell as '")[2].removesuffix("'")
    assert compose_config(["task=text_classification", quoted]).task.text == name
