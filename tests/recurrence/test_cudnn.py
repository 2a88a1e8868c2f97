"""cuDNN's layer of an LSTM, by its form: JAX's own reference of it stands in for the GPU."""

from __future__ import annotations

import functools
import types

import jax
import pytest
from jax.experimental import rnn
from problems import CELLS, LENGTHS, difference, loss, problem
from tiny_runs import tiny

from seqlab.recurrence import cudnn, stack
from seqlab.runs import build, compose_request
from seqlab.types import ConfigError, IncompatibleError


def reference(x, h, c, weights, lengths, *, input_size, hidden_size, num_layers, dropout, bidirectional):
    """Compute what cuDNN does, by JAX's reference of its layout of weights."""
    sizes = input_size, hidden_size, num_layers
    unpacked = rnn.unpack_lstm_weights(weights, *sizes, bidirectional)
    return rnn.lstm_ref(x, h, c, *unpacked, lengths, *sizes, dropout, bidirectional)


@pytest.mark.parametrize(("lengths", "reverse"), [(None, False), (LENGTHS, True)])
def test_it_is_the_scan(lengths, reverse, monkeypatch):
    monkeypatch.setattr(rnn, "lstm", reference)
    cell = CELLS["lstm"]
    arguments = problem(cell)

    @jax.jit
    def both(*arguments):
        options = {"cell": cell, "lengths": lengths, "reverse": reverse}
        return [
            jax.value_and_grad(functools.partial(loss, **options, backend=backend), (0, 1, 2))(*arguments)
            for backend in ("cudnn", "scan")
        ]

    assert difference(*both(*arguments)) < 1e-5


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("recurrence.memory=chunked", "memory=chunked does not fit backend=cudnn"),
        ("training.precision=bfloat16", "training.precision=bfloat16 does not fit"),
    ],
)
def test_what_it_cannot_do_is_refused(override, reason, monkeypatch):
    monkeypatch.setattr(stack, "require_cudnn", lambda cell: None)
    overrides = ["recurrence.backend=cudnn", "cell=lstm", override]
    with pytest.raises(ConfigError, match=reason):
        build(compose_request(tiny("adding", "many_to_one", *overrides)))


def test_a_gpu_of_amd_is_none_of_nvidia(monkeypatch):
    amd = types.SimpleNamespace(platform="gpu", platform_version="PJRT C API rocm 60300")
    monkeypatch.setattr(cudnn, "get_backend", lambda: amd)
    with pytest.raises(IncompatibleError, match="needs a GPU of NVIDIA, got PJRT C API rocm"):
        cudnn.require_cudnn(CELLS["lstm"])


@pytest.mark.parametrize(
    ("cell", "reason"), [("gru", "does not fit GRU"), ("lstm", "needs a GPU of NVIDIA, got cpu")]
)
def test_it_is_refused_where_there_is_none(cell, reason):
    with pytest.raises(IncompatibleError, match=rf"^recurrence\.backend=cudnn {reason}"):
        build(compose_request(tiny("adding", "many_to_one", "recurrence.backend=cudnn", f"cell={cell}")))
