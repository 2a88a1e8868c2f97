"""Presets of `debug=`: they compose over any experiment, and do what they say."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest
from tiny_runs import TINY, tiny

from seqlab import run
from seqlab.registry import choices
from seqlab.runs import build, compose_config, compose_request
from seqlab.tracking import Profile, read_rows
from seqlab.types import ConfigError

PRESETS = choices("debug")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("form", ["debug={} +experiment=quickstart", "+experiment=quickstart +debug={}"])
def test_a_preset_takes_precedence_over_an_experiment_and_not_over_the_command_line(preset, form):
    config = compose_config([*form.format(preset).split(), "training.eval_every=7"])
    assert config.debug == preset
    assert config.training.eval_every == 7
    assert config.training.steps == {"fast": 20, "profile": 200}.get(preset, 3000)


def test_no_preset_is_the_default():
    assert compose_config().debug is compose_config(["debug=null"]).debug is None


def test_an_unknown_preset_is_refused_with_the_legal_ones():
    with pytest.raises(ConfigError, match=r"debug=fats \(did you mean debug=fast\?\): .*fast, nans"):
        compose_config(["debug=fats"])


@pytest.mark.parametrize("preset", ["overfit", "nans"])
def test_overfit_alone_repeats_its_batch(preset):
    program = build(compose_request([*tiny("adding", "many_to_one"), f"debug={preset}"])).program
    draw = jax.jit(program.batch)
    batches = [draw(jnp.uint32(0), jnp.int32(step), program.task.data) for step in (0, 5)]
    equal = jax.tree.map(lambda a, b: bool(jnp.array_equal(a, b)), *batches)
    assert equal.inputs is (preset == "overfit")


@pytest.mark.runs
def test_a_profile_is_written_into_the_run_folder(folder, capsys):
    profile = ["debug=profile", "callbacks.profile.first_step=1", "callbacks.profile.steps=1"]
    short = ["training.steps=3", "training.eval_every=3"]
    run([*tiny("adding", "many_to_one", *profile, *short), f"hydra.run.dir={folder}"])
    assert list(folder.glob("profile/**/*.xplane.pb"))
    assert f"profile: {folder / 'profile'}" in capsys.readouterr().out
    assert len(read_rows(folder)) >= 3
    assert "training.log_every=1" in TINY


@pytest.mark.parametrize("settings", [{"first_step": 0}, {"steps": 0}, {"steps": True}])
def test_profile_refuses_numbers_that_are_not_positive(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} must be a positive integer"):
        Profile(**settings)
