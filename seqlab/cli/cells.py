"""Table of all cells: equations, sizes and cost.

Each number is derived from the cell itself: parameters and state from the shapes of its arrays, multiply-adds
from the matrix products of its traced step. All are polynomials in F and H, whose coefficients are small
multiples of 1/16. So one evaluation at F = 2¹⁵ and H = 2³⁰ shows the coefficients as digits.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqlab.cli.arguments import Parser
from seqlab.cli.command import command
from seqlab.cli.step_time import Shape, seconds_per_step
from seqlab.recurrence import Stack, state_size
from seqlab.registry import choices, make, settings_of
from seqlab.weights.export import LIBRARIES

PIPED_WIDTH = 240
RADIX = 2**15
TERMS = {"1": 1, "F": RADIX, "H": RADIX**2, "F·H": RADIX**3, "H²": RADIX**4}
"""The value of each term at F = 2¹⁵ and H = 2³⁰; coefficients are below 2¹⁰ in magnitude."""
PARTS = 16
"""The largest denominator of a coefficient."""


def make_cell(name: str, features: int) -> Any:
    """Return the cell of `conf/cell/<name>.yaml` with H = `features`."""
    return make(settings_of("cell", name) | {"features": features}, "cell")


def shapes(cell: Any, num_inputs: int) -> tuple[Any, Any]:
    """Return the shapes of a cell's parameters and of one sequence's carry."""
    params = jax.eval_shape(lambda key: Stack(cell).init(key, num_inputs), jax.random.key(0))
    carry = jax.eval_shape(lambda key: cell.initialize_carry(key, (1, num_inputs)), jax.random.key(0))
    return params["layer_0"]["forward"], carry


def count_parameters(cell: Any, num_inputs: int) -> int:
    """Return the number of a cell's parameters for inputs of F features."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes(cell, num_inputs)[0]))


def count_multiply_adds(cell: Any, num_inputs: int) -> int:
    """Return the multiply-adds of the matrix products of one step of one sequence."""
    params, carry = shapes(cell, num_inputs)
    x = jax.ShapeDtypeStruct((1, num_inputs), jnp.float32)
    step = jax.make_jaxpr(lambda params, carry, x: cell.apply({"params": params}, carry, x))
    return sum(_products(step(params, carry, x).jaxpr))


def _products(jaxpr: Any) -> Iterator[int]:
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left = equation.invars[0].aval.shape
            summed = math.prod(left[axis] for axis in contracted)
            yield summed * math.prod(equation.outvars[0].aval.shape)
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from _products(inner)


def polynomial(value: int) -> str:
    """Return a number, counted at F = 2¹⁵ and H = 2³⁰, as a polynomial in F and H."""
    value, text = value * PARTS, ""
    terms = list[tuple[str, Fraction]]()
    for name in TERMS:
        value, digit = divmod(value + RADIX // 2, RADIX)  # digits from −2¹⁴, for negative coefficients
        terms.append((name, Fraction(digit - RADIX // 2, PARTS)))
    for name, coefficient in reversed(terms):
        if coefficient:
            text += (" − " if text else "−") if coefficient < 0 else (" + " if text else "")
            text += _term(name, abs(coefficient))
    return text or "0"


def _term(name: str, coefficient: Fraction) -> str:
    top, bottom = coefficient.as_integer_ratio()
    factors = [str(top)] * (top > 1 or name == "1") + [name] * (name != "1")
    return "·".join(factors) + (f"/{bottom}" if bottom > 1 else "")


def equation(cell: Any) -> str:
    """Return the equations in a cell's docstring; of a Flax cell, its name in Flax."""
    kind = type(cell)
    if not kind.__module__.startswith("seqlab."):
        return f"see {kind.__module__.partition('.')[0]}.linen.{kind.__name__}"
    paragraphs = (inspect.getdoc(kind) or "").split("\n\n")
    return inspect.cleandoc(next(text for text in paragraphs if text.startswith("    ")))


def libraries(cell: Any) -> str:
    """Return the libraries whose weights can be converted to and from the cell's."""
    stack = Stack(cell)
    params = jax.tree.map(lambda leaf: np.zeros(leaf.shape), shapes(cell, 2)[0])
    found = []
    for library, (convert, *_) in LIBRARIES.items():
        try:
            convert(stack, {"layer_0": {"forward": params}})
        except ValueError:
            continue
        found.append(library)
    return " ".join(found) or "—"


def describe_cells(shape: Shape | None = None) -> Table:
    """Return the table, one row per cell.

    Args:
        shape: where the time of a step is measured; None for no measurement.
    """
    table = Table(title="seqlab cells with H features and F inputs", show_lines=True)
    columns = ["cell", "equation", "parameters", "state", "multiply-adds per step", "gates", "weights from"]
    if shape:
        columns += [f"µs per step at {shape}", f"state at H={shape.H}"]
    for column in columns:
        table.add_column(column, no_wrap=column == "equation")
    num_inputs, features = TERMS["F"], TERMS["H"]
    for name in choices("cell"):
        cell, small = make_cell(name, features), make_cell(name, 8)
        table.add_row(
            name,
            Text(equation(cell)),
            polynomial(count_parameters(cell, num_inputs)),
            polynomial(state_size(cell, num_inputs)),
            polynomial(count_multiply_adds(cell, num_inputs)),
            " ".join(getattr(cell, "gates", ())) or "—",
            libraries(small),
            *(_measured(make_cell(name, shape.H), shape) if shape else ()),
        )
    return table


def _measured(cell: Any, shape: Shape) -> tuple[str, str]:
    """Return the columns of what is measured at a shape."""
    return f"{1e6 * seconds_per_step(cell, shape):.0f}", f"{state_size(cell, shape.F):,}"


@command
def main() -> None:
    """Print a table of all cells: equations, sizes and cost."""  # in a pipe its width is fixed
    parser = Parser(prog="python -m seqlab.cells", description=main.__doc__)
    parser.add_argument(
        "--time",
        nargs="?",
        type=Shape.parse,
        const=Shape(),
        metavar="B,T,F,H",
        help="also measure the time of a step, forward and backward, of B sequences of T steps with F inputs "
        "and H features (default 32,128,64,128); it takes seconds for each cell",
    )
    shape = parser.parse_args().time
    width = None if sys.stdout.isatty() else PIPED_WIDTH + 30 * (shape is not None)
    Console(width=width).print(describe_cells(shape))
