"""Chrono initialisation: units forget within the given range of steps."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from every_cell import F, from_conf

from seqlab.recurrence import Stack

GATED = ["lstm", "peephole_lstm", "cifg", "layer_norm_lstm", "gru", "layer_norm_gru", "mgu"]
H, LONGEST = 400, 50


def start(name, **fields):
    cell = from_conf(name, features=H, recurrent_init="identity", recurrent_scale=0.0, **fields)
    init = jax.jit(lambda key: Stack(cell).init(key, F)["layer_0"]["forward"])
    return cell, jax.device_get(init(jax.random.key(0)))


@pytest.mark.parametrize("name", GATED)
def test_units_forget_within_two_to_the_longest_steps(name):
    """What one step keeps of the state, with nothing read, says after how many steps it is forgotten."""
    cell, params = start(name, chrono=LONGEST)
    carry = jax.tree.map(np.ones_like, cell.initialize_carry(jax.random.key(0), (1, F)))
    after, _ = jax.jit(cell.apply)({"params": params}, carry, np.zeros((1, F), "float32"))
    kept = np.asarray(jax.tree.leaves(after)[0], np.float64)[0]
    steps = 1 / (1 - kept)
    assert 2 * (1 - 1e-4) <= steps.min() < 4
    assert LONGEST - 3 < steps.max() <= LONGEST * (1 + 1e-3)
    assert abs(steps.mean() - (2 + LONGEST) / 2) < 3  # uniform between them


@pytest.mark.parametrize("name", ["lstm", "peephole_lstm", "layer_norm_lstm"])
def test_the_input_gate_mirrors_the_forget_gate(name):
    _, params = start(name, chrono=LONGEST)
    i, f, g, o = np.split(params["bias"], 4)
    np.testing.assert_array_equal(i, -f)
    assert not g.any()
    assert not o.any()


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_nothing_but_the_bias_depends_on_chrono(name):
    usual, asked = start(name)[1], start(name, chrono=LONGEST)[1]
    for key in usual:
        assert (usual[key] == asked[key]).all() == (key != "bias")
    bias = {"lstm": [0, 1, 0, 0], "gru": [0, 0, 0]}[name]
    np.testing.assert_array_equal(usual["bias"], np.repeat(bias, H))


def test_a_time_too_short_is_refused():
    with pytest.raises(ValueError, match="chrono must be a finite number, at least 2, got 1"):
        from_conf("gru", chrono=1)
