"""The kernel of an LSTM in C++: equal to the scan, and refused where it does not fit."""

from __future__ import annotations

import functools
import shutil

import jax
import numpy as np
import pytest
from problems import CELLS, LENGTHS, difference, loss, problem
from tiny_runs import tiny

from seqlab.cells import LSTM
from seqlab.recurrence import native
from seqlab.runs import build, compose_request
from seqlab.types import ConfigError, IncompatibleError

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, native.COMPILERS)), reason="there is no compiler of C++"
)


def gradients(backend, cell, arguments, **options):
    """Return the loss and its gradients with respect to parameters, inputs and the first carry."""
    of = functools.partial(loss, cell=cell, backend=backend, **options)
    return jax.jit(jax.value_and_grad(of, (0, 1, 2)))(*arguments)


@needs_compiler
@pytest.mark.parametrize(
    ("features", "repeats", "lengths", "reverse"),
    [
        (5, 1, None, False),  # less than a vector
        (70, 5, LENGTHS * 5, True),  # more than a panel, tiles of unequal heights, empty sequences
    ],
)
def test_it_is_the_scan(features, repeats, lengths, reverse):
    cell = LSTM(features)
    params, *rest = problem(cell)
    rows = jax.tree.map(lambda leaf: np.concatenate([leaf * 0.9**i for i in range(repeats)]), rest)
    options = {"lengths": lengths, "reverse": reverse}
    ours, scanned = (gradients(name, cell, (params, *rows), **options) for name in ("native", "scan"))
    assert difference(ours, scanned) < 1e-5


@needs_compiler
def test_nan_reaches_the_loss_and_every_gradient():
    params, inputs, carry = problem(CELLS["lstm"])
    broken = np.where(np.arange(inputs.shape[1])[:, None] == 2, np.nan, inputs)
    for leaf in jax.tree.leaves(gradients("native", CELLS["lstm"], (params, broken, carry))):
        assert np.isnan(leaf).any()


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (("cell=gru",), "backend=native does not fit GRU, only LSTM"),
        (("recurrence.memory=chunked",), "memory=chunked does not fit backend=native"),
        (("training.precision=bfloat16",), "precision=bfloat16 does not fit recurrence.backend=native"),
    ],
)
def test_what_it_cannot_do_is_refused(overrides, reason, monkeypatch):
    monkeypatch.setattr(native, "register_kernel", lambda: None)
    with pytest.raises(ConfigError, match=reason):
        build(
            compose_request(
                tiny("adding", "many_to_one", "recurrence.backend=native", "cell=lstm", *overrides)
            )
        )


@pytest.mark.parametrize(
    ("compiler", "reason"), [(None, "needs a compiler of C\\+\\+"), ("false", "false cannot compile")]
)
def test_a_machine_without_a_working_compiler_says_so(compiler, reason, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("CXX", raising=False)
    if compiler:
        monkeypatch.setenv("CXX", compiler)
    with pytest.raises(IncompatibleError, match=reason):
        native.register_kernel.__wrapped__()
