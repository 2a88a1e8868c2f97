"""Cells compared with outputs and gradients of onnxruntime, PyTorch and Keras."""

from __future__ import annotations

import pytest
from vectors import DTYPES, ENGINES, LIMITS, cases, errors


@pytest.mark.parametrize(
    ("engine", "case", "dtype"),
    [(engine, case, dtype) for engine in ENGINES for case in cases(engine) for dtype in DTYPES[engine]],
)
def test_equals_the_engine(engine, case, dtype):
    for what, error in errors(engine, case, dtype).items():
        assert error < LIMITS[dtype, what], what


def test_every_combination_is_there():
    for engine in ENGINES:
        networks = {case.split("-")[0] for case in cases(engine)}
        assert networks >= {"rnn_tanh", "rnn_relu", "lstm", "gru_after"}
        assert ("gru_before" in networks) == (engine != "torch")
        assert len(cases(engine)) == len(networks) * 3 * 2
        assert all(arrays["h0"].any() for arrays in cases(engine).values())
