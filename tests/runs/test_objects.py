"""Requests and the objects that are made of them."""

from __future__ import annotations

import pickle

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from tiny_runs import tiny

from seqlab.registry import CONF
from seqlab.runs import build, compose_config, compose_request
from seqlab.runs.hyperparameters import hyperparameters, traceable_keys
from seqlab.runs.request import resolve
from seqlab.tracking import Console
from seqlab.training import compiled_functions
from seqlab.types import ConfigError, IncompatibleError


@pytest.fixture
def own_configs(tmp_path):
    """A config folder with a variant of an architecture, under a name that is no framing."""
    (tmp_path / "architecture").mkdir()
    variant = "_target_: seqlab.architectures.ManyToOne\nnum_layers: 2\n"
    (tmp_path / "architecture" / "deep.yaml").write_text(variant)
    return tmp_path


def test_a_variant_of_an_architecture_fits_what_its_class_fits(own_configs):
    run = build(compose_request(["task=adding", "architecture=deep"], own_configs))
    assert (run.info.architecture, run.program.network.framing) == ("deep", "many_to_one")
    assert run.program.network.num_layers == 2
    with pytest.raises(IncompatibleError, match="many_to_one"):
        build(compose_request(["task=copy_memory", "architecture=deep"], own_configs))


def test_an_architecture_without_a_framing_is_refused():
    with pytest.raises(ConfigError, match=r"^architecture\._target_=seqlab\.cells\.GRU is not a network: "):
        build(compose_request(["task=adding", "architecture._target_=seqlab.cells.GRU"]))


def test_a_config_of_an_older_run_folder_names_the_classes_of_today():
    config = compose_request(tiny("adding", "many_to_one")).config
    today = resolve(config)
    config.gradients._target_ = "seqlab.diagnostics.Settings"
    del config.recurrence
    assert resolve(config)["gradients"] == today["gradients"]
    config.recurrence = {"_target_": "seqlab.recurrence.Settings", "memory": "full"}
    assert resolve(config)["recurrence"] == {"_target_": today["recurrence"]["_target_"], "memory": "full"}


@pytest.mark.parametrize(
    ("settings", "changed", "is_shared"),
    [
        (["task=adding"], ["training.steps=9", "training.log_every=3", "training.devices=1"], True),
        (["task=adding"], ["training.steps_per_call=9"], False),
        (["task=adding", "schedule=cosine"], ["training.steps=9"], False),  # it falls until the last step
        (["task=even_pairs", "task.curriculum=growing"], ["training.steps=9"], False),
    ],
    ids=str,
)
def test_runs_that_differ_in_what_the_host_does_share_compiled_functions(settings, changed, is_shared):
    settings = [*settings, "architecture=many_to_one", "training.steps=8"]
    one, other = (build(compose_request([*settings, *more])) for more in ([], changed))
    assert one.family != other.family
    first, second = (compiled_functions(run.family, one.plan) for run in (one, other))
    assert (first is second) == is_shared


@pytest.mark.parametrize(("key", "kind"), [("gradients", "GradientDiagnostics"), ("training", "Training")])
def test_a_class_of_another_kind_is_refused(key, kind):
    legal = rf"^{key}\._target_=seqlab\.cells\.LSTM is refused: legal are {kind} and its subclasses$"
    with pytest.raises(ConfigError, match=legal):
        build(compose_request(["task=adding", f"{key}._target_=seqlab.cells.LSTM"]))


def test_a_request_can_be_pickled():
    request = compose_request(tiny("adding", "many_to_one"))
    assert pickle.loads(pickle.dumps(request)) == request


def test_every_group_under_tracking_is_a_tracker():
    quiet = "+tracking.second={_target_: seqlab.tracking.Console, mode: plain}"
    trackers = build(compose_request([*tiny("adding", "many_to_one"), quiet])).trackers
    assert list(trackers) == ["console", "wandb", "second"]
    assert trackers["second"] == Console("plain", trackers["second"].screen)


def test_composition_leaves_another_hydra_as_it_was():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        outer = GlobalHydra.instance().hydra
        assert compose_config(["cell=gru"]).cell.reset_after
        assert GlobalHydra.instance().hydra is outer
        assert compose("train", ["seed=3"]).seed == 3


@pytest.mark.parametrize(
    ("overrides", "traced", "untraced"),
    [
        ([], {"optimizer.learning_rate", "training.clip_norm"}, {"training.clip_value"}),
        (["architecture.dropout=0"], set(), {"architecture.dropout"}),
        (["architecture.dropout=0.5"], {"architecture.dropout"}, set()),
        (["training.clip_value=1"], {"training.clip_value"}, set()),
        (["training.clip_norm=null"], set(), {"training.clip_norm"}),
        (["optimizer=sgd"], {"optimizer.momentum"}, {"optimizer.b1"}),
    ],
)
def test_hyperparameters_are_the_marked_fields_that_hold_numbers(overrides, traced, untraced):
    found, initial = hyperparameters(resolve(compose_request(overrides).config))
    assert traced <= found.keys()
    assert not untraced & found.keys()
    assert {"cell.recurrent_scale", "cell.forget_bias_init"} == initial
    assert found.keys() <= traceable_keys()
