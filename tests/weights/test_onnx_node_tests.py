"""Do our cells pass the ONNX project's own tests of its operators RNN, GRU and LSTM?

The vectors ship with the `onnx` package (extra `vectors`) and are not copied here.
"""

from __future__ import annotations

import warnings

import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.cells import GRU, LSTM, Elman
from seqlab.recurrence import Stack, unroll
from seqlab.weights import from_onnx

CELLS = {"RNN": Elman, "GRU": GRU, "LSTM": LSTM}
NAMES = [
    *("test_simple_rnn_defaults", "test_simple_rnn_with_initial_bias", "test_rnn_seq_length"),
    *("test_simple_rnn_batchwise", "test_simple_rnn_reverse", "test_simple_rnn_bidirectional"),
    *("test_gru_defaults", "test_gru_with_initial_bias", "test_gru_seq_length", "test_gru_batchwise"),
    *("test_gru_reverse", "test_gru_bidirectional", "test_lstm_defaults", "test_lstm_with_initial_bias"),
    *("test_lstm_with_peepholes", "test_lstm_batchwise", "test_lstm_reverse", "test_lstm_bidirectional"),
]


@pytest.fixture(scope="module")
def node_tests():
    """The package's recurrent test cases, by name."""
    pytest.importorskip(
        "onnx", reason="the ONNX project's vectors ship with onnx: pip install -e '.[vectors]'"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the other operators' cases divide by zero on purpose
        from onnx.backend.test.case.node import collect_testcases, gru, lstm, rnn  # noqa: F401

        found = collect_testcases("RNN")  # of the modules not yet imported, this operator's alone
    return {case.name: case for case in found if case.model.graph.node[0].op_type in CELLS}


def run(node, values):
    """Return the operator's outputs by name, computed by seqlab."""
    from onnx.helper import get_attribute_value

    attributes = {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}
    given = dict(zip(node.input, values, strict=True))
    hidden_size, layout = attributes.pop("hidden_size"), attributes.pop("layout", 0)
    direction = attributes.pop("direction", b"forward").decode()
    further = {"reset_after": bool(attributes.get("linear_before_reset", 0))} if node.op_type == "GRU" else {}
    cell = CELLS[node.op_type](hidden_size, **further)
    params = from_onnx(cell, given["W"], given["R"], given.get("B"), given.get("P"), **attributes)
    x = jnp.asarray(given["X"] if layout else given["X"].swapaxes(0, 1))
    lengths = given.get("sequence_lens")
    if direction == "bidirectional":
        finals, y = Stack(cell, bidirectional=True).apply({"layer_0": params}, x, lengths)
        finals = list(finals["layer_0"].values())
    else:
        final, y = unroll(cell, params, x, lengths, reverse=direction == "reverse")
        finals = [final]
    states = [leaf if isinstance(leaf, tuple) else (None, leaf) for leaf in finals]
    y = y.reshape(*y.shape[:2], len(finals), hidden_size)  # (B, T, D, H)
    Y_c, Y_h = ([state[i] for state in states] for i in (0, 1))
    axis = 1 if layout else 0
    outputs = {"Y": y if layout else y.transpose(1, 2, 0, 3), "Y_h": jnp.stack(Y_h, axis)}
    return outputs | ({"Y_c": jnp.stack(Y_c, axis)} if Y_c[0] is not None else {})


@pytest.mark.parametrize("name", NAMES)
def test_passes(name, node_tests):
    case = node_tests[name]
    node = case.model.graph.node[0]
    for values, expected in case.data_sets:
        if "P" in node.input:
            with pytest.raises(ValueError, match="peepholes"):
                run(node, values)
            continue
        found = run(node, values)
        for output, value in zip([name for name in node.output if name], expected, strict=True):
            np.testing.assert_allclose(found[output], value, atol=2e-6, rtol=0)


def test_no_case_is_left_out(node_tests):
    assert set(node_tests) == set(NAMES)
