"""The table of cells, compared with the cells."""

from __future__ import annotations

import argparse
import io

import jax
import pytest
from every_cell import CELLS
from rich.console import Console

from seqlab.cells import Cell
from seqlab.cli.cells import (
    TERMS,
    count_multiply_adds,
    count_parameters,
    describe_cells,
    make_cell,
    polynomial,
)
from seqlab.cli.step_time import Shape, seconds_per_step
from seqlab.recurrence import Stack, state_size
from seqlab.registry import choices


def value(text, F, H):
    """Evaluate a polynomial as printed."""
    python = text.replace("·", "*").replace("−", "-").replace("H²", "H**2")
    return eval(python, {"F": F, "H": H})


@pytest.mark.parametrize("name", choices("cell"))
def test_polynomials_are_those_of_real_arrays(name):
    F, H = 3, 16
    cell, huge = make_cell(name, H), make_cell(name, TERMS["H"])
    params = jax.eval_shape(lambda: Stack(cell).init(jax.random.key(0), F))
    counted = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert value(polynomial(count_parameters(huge, TERMS["F"])), F, H) == counted
    carry = jax.eval_shape(lambda: cell.initialize_carry(jax.random.key(0), (1, F)))
    assert value(polynomial(state_size(huge, TERMS["F"])), F, H) == sum(
        x.size for x in jax.tree.leaves(carry)
    )
    adds = value(polynomial(count_multiply_adds(huge, TERMS["F"])), F, H)
    assert adds == count_multiply_adds(cell, F)
    if isinstance(cell, Cell):  # each element of a matrix is used once a step, and no vector is
        assert adds == sum(leaf.size for leaf in jax.tree.leaves(params) if leaf.ndim > 1)


def test_polynomial():
    F, H = TERMS["F"], TERMS["H"]
    assert polynomial(4 * H**2 + F * H + 12 * H) == "4·H² + F·H + 12·H"
    assert polynomial((H * (H - 1)) // 2 + 3 * H * F // 16) == "H²/2 + 3·F·H/16 − H/2"
    assert polynomial(2) == "2"
    assert polynomial(0) == "0"


def test_the_time_of_a_step_is_measured_on_request():
    shape = Shape.parse("2,3,1,4")
    assert str(shape) == "(2, 3, 1, 4)"
    assert seconds_per_step(make_cell("lru", shape.H), shape) > 0
    with pytest.raises(argparse.ArgumentTypeError, match="must be four positive integers B,T,F,H"):
        Shape.parse("2,0,1,4")


def test_every_cell_has_a_row():
    written = io.StringIO()
    Console(file=written, width=300).print(describe_cells())
    assert all(f"│ {name} " in written.getvalue() for name in CELLS if "-" not in name)
    assert "[i f g o] = x_t W" in written.getvalue()
    assert "4·H² + 4·F·H + 4·H" in written.getvalue()
    assert "onnx" in written.getvalue()
