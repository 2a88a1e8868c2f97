"""Layouts of weights: round trips, and refusals of what does not fit."""

from __future__ import annotations

import flax.linen as nn
import jax
import numpy as np
import pytest

from seqlab import weights
from seqlab.cells import GRU, LSTM, Elman
from seqlab.recurrence import Stack

F, H = 3, 4
CELLS = {
    "elman": Elman(H),
    "elman-relu": Elman(H, activation="relu"),
    "elman-identity": Elman(H, activation="identity"),
    "lstm": LSTM(H),
    "gru": GRU(H),
    "gru-reset-before": GRU(H, reset_after=False),
}
REFUSED = {("elman-identity", "torch"), ("gru-reset-before", "torch"), ("gru-reset-before", "flax")}


def drawn(cell, seed=0):
    """Return random parameters, no bias at zero."""
    random = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda key: Stack(cell).init(key, F), jax.random.key(0))["layer_0"]["forward"]
    return {name: random.standard_normal(leaf.shape, np.float32) for name, leaf in shapes.items()}


def there_and_back(cell, params, library):
    """Return the parameters after a round trip."""
    if library == "onnx":
        return weights.from_onnx(cell, **weights.to_onnx(cell, params), **attributes(cell))
    away = getattr(weights, f"to_{library}")(cell, params)
    return getattr(weights, f"from_{library}")(cell, away)


def attributes(cell, num_directions=1):
    """Return the operator's attributes that `from_onnx` checks."""
    given = dict(weights.onnx_attributes(cell, num_directions))
    given.pop("hidden_size")
    return given


@pytest.mark.parametrize("library", ["onnx", "torch", "keras", "flax"])
@pytest.mark.parametrize("name", CELLS)
def test_round_trip(name, library):
    cell, params = CELLS[name], drawn(CELLS[name])
    if (name, library) in REFUSED:
        with pytest.raises(ValueError, match=r"identity|reset"):
            there_and_back(cell, params, library)
        return
    back = there_and_back(cell, params, library)
    assert set(back) == set(params)
    for key, value in params.items():
        np.testing.assert_array_equal(back[key], value)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_stack_makes_the_round_trip_to_torch(bidirectional):
    stack = Stack(GRU(H), 2, bidirectional)
    params = jax.jit(lambda key: stack.init(key, F))(jax.random.key(0))
    state_dict = weights.stack_to_torch(stack, params)
    assert ("weight_hh_l1_reverse" in state_dict) == bidirectional
    back = weights.stack_from_torch(stack, state_dict)
    assert jax.tree.all(jax.tree.map(lambda one, other: bool((one == other).all()), back, dict(params)))
    with pytest.raises(ValueError, match="l1"):
        weights.stack_from_torch(Stack(GRU(H), 1, bidirectional), state_dict)
    if bidirectional:
        with pytest.raises(ValueError, match="reverse has no place"):
            weights.stack_from_torch(Stack(GRU(H), 2), state_dict)


def test_two_directions_make_the_round_trip_to_onnx():
    cell = LSTM(H)
    params = {"forward": drawn(cell), "backward": drawn(cell, seed=1)}
    arrays = weights.to_onnx(cell, params)
    assert (arrays["W"].shape, arrays["B"].shape) == ((2, 4 * H, F), (2, 8 * H))
    back = weights.from_onnx(cell, **arrays, **attributes(cell, 2))
    assert jax.tree.all(jax.tree.map(lambda one, other: bool((one == other).all()), back, params))


def test_redundant_biases_are_summed_and_the_candidates_kept_apart():
    state_dict = weights.to_torch(GRU(H), drawn(GRU(H)))
    state_dict["bias_ih_l0"] = np.arange(3.0 * H)
    state_dict["bias_hh_l0"] = 100 + np.arange(3.0 * H)
    params = weights.from_torch(GRU(H), state_dict)
    np.testing.assert_array_equal(params["bias"][: 2 * H], 100 + 2 * np.arange(2.0 * H))
    np.testing.assert_array_equal(params["bias"][2 * H :], 2 * H + np.arange(1.0 * H))
    np.testing.assert_array_equal(params["candidate_bias"], 100 + 2 * H + np.arange(1.0 * H))


def test_missing_biases_are_zeros():
    cell = LSTM(H)
    state_dict = {
        name: value for name, value in weights.to_torch(cell, drawn(cell)).items() if "bias" not in name
    }
    assert not weights.from_torch(cell, state_dict)["bias"].any()
    assert not weights.from_keras(cell, weights.to_keras(cell, drawn(cell))[:2])["bias"].any()
    arrays = weights.to_onnx(cell, drawn(cell))
    assert not weights.from_onnx(cell, arrays["W"], arrays["R"])["bias"].any()


@pytest.mark.parametrize(
    ("cell", "further", "message"),
    [
        (LSTM(H), {"P": np.ones((1, 3 * H))}, "peepholes"),
        (LSTM(H), {"clip": 3.0}, "clip=3.0"),
        (LSTM(H), {"input_forget": 1}, "input_forget"),
        (
            LSTM(H),
            {"activations": ["Sigmoid", "Tanh", "Softsign"]},
            "activations of LSTM must be .*Softsign",
        ),
        (Elman(H), {"activations": ["Relu"]}, r"activations of Elman\(tanh\)"),
        (GRU(H), {"linear_before_reset": 0}, "needs reset_after=False"),
        (GRU(H, reset_after=False), {"linear_before_reset": 1}, "needs reset_after=True"),
    ],
)
def test_onnx_attributes_that_do_not_fit_are_refused(cell, further, message):
    with pytest.raises(ValueError, match=message):
        weights.from_onnx(cell, **weights.to_onnx(cell, drawn(cell)), **further)


def changed(arrays, name, shape):
    return {**arrays, name: np.zeros(shape, np.float32)}


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("W", (4 * H, F), r"W must be \(D, G·H, F\)"),
        ("W", (1, 3 * H, F), "input weights"),
        ("R", (2, 4 * H, H), "R must have 3 axes and 1 directions"),
        ("R", (1, 4 * H, H + 1), "recurrent weights"),
        ("B", (1, 4 * H), r"B must be \(D, 32\)"),
        ("B", (8 * H,), "B must have 2 axes"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, shape, message):
    with pytest.raises(ValueError, match=message):
        weights.from_onnx(LSTM(H), **changed(weights.to_onnx(LSTM(H), drawn(LSTM(H))), name, shape))


def test_other_misfits_are_refused():
    lstm, gru = LSTM(H), GRU(H)
    state_dict = weights.to_torch(lstm, drawn(lstm))
    with pytest.raises(ValueError, match="projection"):
        weights.from_torch(lstm, {**state_dict, "weight_hr_l0": np.zeros((2, H))})
    with pytest.raises(ValueError, match="weight_hh_l1 is not in the state dict"):
        weights.from_torch(lstm, state_dict, layer=1)
    with pytest.raises(ValueError, match="direction must be one of forward, backward"):
        weights.from_torch(lstm, state_dict, direction="reverse")
    with pytest.raises(ValueError, match="input weights"):
        weights.from_torch(gru, state_dict)
    with pytest.raises(ValueError, match="needs reset_after=False"):
        weights.from_keras(gru, weights.to_keras(GRU(H, reset_after=False), drawn(GRU(H, reset_after=False))))
    with pytest.raises(ValueError, match="needs reset_after=True"):
        weights.from_keras(GRU(H, reset_after=False), weights.to_keras(gru, drawn(gru)))
    with pytest.raises(ValueError, match="4 arrays"):
        weights.from_keras(lstm, [np.zeros((F, H))] * 4)
    with pytest.raises(ValueError, match="LSTM reads"):
        weights.from_flax(lstm, weights.to_flax(gru, drawn(gru)))
    with pytest.raises(ValueError, match="LSTM has parameters"):
        weights.to_torch(lstm, drawn(gru))
    with pytest.raises(ValueError, match="recurrent weights"):
        weights.to_torch(LSTM(H + 1), {**drawn(LSTM(H + 1)), "recurrent_kernel": np.zeros((H, 4 * H + 4))})


@pytest.mark.parametrize("library", ["onnx", "torch", "keras", "flax"])
def test_foreign_cells_are_refused(library):
    with pytest.raises(ValueError, match="GRUCell has no counterpart"):
        getattr(weights, f"to_{library}")(nn.GRUCell(H), {})


class Named(LSTM):
    """A cell that computes what the LSTM does, and says so."""

    counterpart = LSTM.counterpart


class Inheriting(LSTM):
    """A cell that says nothing of itself; it could compute something else."""


@pytest.mark.parametrize("library", ["onnx", "torch", "keras", "flax"])
def test_a_cell_of_a_plugin_has_the_counterpart_that_it_names(library):
    params = drawn(LSTM(H))
    back = there_and_back(Named(H), params, library)
    assert all((back[key] == value).all() for key, value in params.items())
    with pytest.raises(ValueError, match="Inheriting has no counterpart"):
        there_and_back(Inheriting(H), params, library)
