"""Widths for a number of parameters."""

from __future__ import annotations

import pytest

from seqlab.runs.compose import compose_request
from seqlab.runs.objects import make_family
from seqlab.runs.request import resolve
from seqlab.runs.sizes import num_params
from seqlab.runs.width import nearest_width, sized, width_note, with_chosen_width
from seqlab.types import ConfigError, IncompatibleError

SMALL = ("task=parity_check", "architecture=many_to_one")


@pytest.mark.parametrize("unit", [1, 4])
@pytest.mark.parametrize("wanted", [1, 100, 999, 1000, 1001, 10**6])
def test_the_nearest_width_is_the_best_of_all(unit, wanted):
    def count(width):
        if width % unit:
            raise ConfigError(f"{width} is no multiple of {unit}")
        return width * width + 5 * width + 3

    best = min(range(unit, 1100, unit), key=lambda width: abs(count(width) - wanted))
    assert nearest_width(count, wanted) == best


def test_where_no_width_is_legal_its_reason_is_told():
    def count(width):
        raise ConfigError(f"activation must be legal, at {width}")

    with pytest.raises(ConfigError, match="activation must be legal"):
        nearest_width(count, 100)


@pytest.mark.parametrize(
    "overrides",
    [
        ("cell=elman",),
        ("cell=lru", "architecture.block=pre_norm_mlp", "architecture.num_layers=2"),
        ("cell=gru", "task=reverse_string", "architecture=encoder_decoder", "architecture.tied=true"),
    ],
)
def test_a_command_gets_the_width_and_a_note(overrides):
    request = compose_request([*SMALL, *overrides, "architecture.num_params=3000"])
    chosen = with_chosen_width(request)
    config = resolve(chosen.config)
    assert sized(resolve(request.config)) == config
    assert with_chosen_width(chosen).config == chosen.config
    program = make_family(config)[0].program
    features = program.network.cell.features
    counts = []
    for width in (features - 1, features, features + 1):
        other = {**config, "cell": {**config["cell"], "features": width}}
        if config["architecture"]["tied"]:
            other["architecture"] = {**config["architecture"], "embedding": width}
        counts.append(num_params(make_family(other)[0].program))
    assert min(counts, key=lambda count: abs(count - 3000)) == counts[1]
    (note,) = width_note(program)
    assert note.startswith(f"cell.features={features} gives {counts[1]:,} parameters, ")


def test_a_width_of_the_command_is_refused():
    request = compose_request([*SMALL, "architecture.num_params=3000", "cell.features=32"])
    with pytest.raises(
        ConfigError, match=r"^cell\.features=32 does not fit architecture\.num_params=3000.*$"
    ):
        with_chosen_width(request)
    request = compose_request([*SMALL, "architecture.num_params=3e3"])
    with pytest.raises(ConfigError, match=r"^architecture\.num_params must be a positive integer.*3000"):
        with_chosen_width(request)


@pytest.mark.parametrize(("cell", "expected"), [("gru", 60), ("lstm", 30)])
def test_a_command_gets_the_width_of_a_state(cell, expected):
    chosen = with_chosen_width(compose_request([*SMALL, f"cell={cell}", "architecture.target_state_size=60"]))
    config = resolve(chosen.config)
    assert config["cell"]["features"] == expected
    (note,) = width_note(make_family(config)[0].program)
    assert note.endswith("gives a state of 60 numbers, the nearest to architecture.target_state_size=60")


def test_a_state_that_no_width_changes_is_incompatible():
    with pytest.raises(IncompatibleError, match=r"^cell\.features does not change the count"):
        with_chosen_width(compose_request([*SMALL, "cell=s5", "architecture.target_state_size=1000"]))


def test_two_choices_of_a_width_are_refused():
    both = ["architecture.target_state_size=60", "architecture.num_params=3000"]
    with pytest.raises(ConfigError, match=r"^architecture\.target_state_size=60 does not fit .*=3000"):
        with_chosen_width(compose_request([*SMALL, *both]))
