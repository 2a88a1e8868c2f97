"""The table of cells, compared with the cells."""

from __future__ import annotations

import io

import jax
import pytest
from every_cell import CELLS
from rich.console import Console

from seqlab.cli.cells import (
    TERMS,
    count_multiply_adds,
    count_parameters,
    count_state,
    describe_cells,
    make_cell,
    polynomial,
)
from seqlab.recurrence import Stack
from seqlab.registry import choices


def value(text, F, H):
    """Evaluate a polynomial as printed."""
    total = 0
    for term in text.split(" + "):
        product = 1
        for factor in term.split("·"):
            product *= {"F": F, "H": H, "H²": H * H}.get(factor) or int(factor)
        total += product
    return total


@pytest.mark.parametrize("name", choices("cell"))
def test_polynomials_are_those_of_real_arrays(name):
    F, H = 3, 5
    cell, huge = make_cell(name, H), make_cell(name, TERMS["H"])
    params = jax.jit(lambda key: Stack(cell).init(key, F))(jax.random.key(0))
    counted = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert value(polynomial(count_parameters(huge, TERMS["F"])), F, H) == counted
    carry = cell.initialize_carry(jax.random.key(0), (1, F))
    assert value(polynomial(count_state(huge, TERMS["F"])), F, H) == sum(
        x.size for x in jax.tree.leaves(carry)
    )
    adds = value(polynomial(count_multiply_adds(huge, TERMS["F"])), F, H)
    assert adds == count_multiply_adds(cell, F)
    # Each element of a matrix is used once a step, and no vector is.
    matrices = sum(leaf.size for leaf in jax.tree.leaves(params) if leaf.ndim > 1)
    assert adds == matrices


def test_polynomial():
    assert polynomial(4 * 10**12 + 10**9 + 12 * 10**6) == "4·H² + F·H + 12·H"
    assert polynomial(2) == "2"


def test_every_cell_has_a_row():
    written = io.StringIO()
    Console(file=written, width=200).print(describe_cells())
    assert all(f"│ {name} " in written.getvalue() for name in CELLS if "-" not in name)
    assert "[i f g o] = x_t W" in written.getvalue()
    assert "4·H² + 4·F·H + 4·H" in written.getvalue()
    assert "onnx" in written.getvalue()
