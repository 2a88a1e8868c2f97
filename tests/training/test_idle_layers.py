"""Layers that cannot learn are noticed once, and others are not."""

from __future__ import annotations

import pytest

from seqlab.training.idle_layers import IdleLayers


def row(step, **norms):
    return {"step": step, "train/loss": 1.0, **{f"grads/norm/{path}": norm for path, norm in norms.items()}}


def test_a_gradient_that_stays_zero_is_noticed_once_by_its_layer():
    layers = IdleLayers()
    dead = {"encoder": 0.0, "encoder/kernel": 0.0, "encoder/bias": 0.0, "readout": 1.0}
    assert layers.notice(row(1, **dead)) == []
    assert layers.notice({"step": 1, "eval/loss": 1.0}) == []
    [sentence] = layers.notice(row(2, **dead))
    assert sentence == "the gradient of encoder is 0 at step 2: it learns nothing"
    assert layers.notice(row(3, **dead)) == []
    assert layers.sentences == [sentence]


def test_a_network_without_a_gradient_is_noticed_as_a_whole():
    layers = IdleLayers()
    found = [layers.notice({**row(step, a=0.0, b=0.0), "grads/norm": 0.0}) for step in (1, 2)]
    assert found == [[], ["the gradient of the whole network is 0 at step 2: it learns nothing"]]


@pytest.mark.parametrize("norms", [[0.0, 1.0, 0.0], [1.0, 1e-30, 2.0], ["nan", 0.0, "nan"]])
def test_a_gradient_that_is_zero_in_a_single_row_is_not_noticed(norms):
    layers = IdleLayers()
    assert [layers.notice(row(step, layer=norm)) for step, norm in enumerate(norms)] == [[], [], []]


@pytest.mark.parametrize(("side", "share", "count"), [("open", 1.0, 1), ("closed", 1.0, 1), ("open", 0.9, 0)])
def test_units_that_are_all_saturated_are_noticed(side, share, count):
    sentences = IdleLayers().notice({"step": 5, f"gates/layer_1/state/{side}": share})
    assert sentences == [f"all units of layer_1/state are {side} at step 5: their gradient vanishes"][:count]
