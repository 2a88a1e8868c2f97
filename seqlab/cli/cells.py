"""Table of all cells: equations, sizes and cost.

Each number is derived from the cell itself: parameters and state from the shapes of its arrays, multiply-adds
from the matrix products of its traced step. All are polynomials in F and H with small coefficients. So one
evaluation at F = 10³ and H = 10⁶ shows the coefficients as decimal digits.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from seqlab.cli.arguments import Parser
from seqlab.cli.command import command
from seqlab.recurrence import Stack
from seqlab.registry import choices, make, settings_of
from seqlab.weights.export import LIBRARIES

PIPED_WIDTH = 200
TERMS = {"1": 1, "F": 10**3, "H": 10**6, "F·H": 10**9, "H²": 10**12}
"""The value of each term at F = 10³ and H = 10⁶; coefficients are below 10³."""


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


def count_state(cell: Any, num_inputs: int) -> int:
    """Return the number of elements of the carry of one sequence."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes(cell, num_inputs)[1]))


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
    """Return a number, counted at F = 10³ and H = 10⁶, as a polynomial in F and H."""
    terms = []
    for name, weight in reversed(TERMS.items()):
        coefficient, value = divmod(value, weight)
        if coefficient:
            factors = [str(coefficient)] * (coefficient > 1 or name == "1") + [name] * (name != "1")
            terms.append("·".join(factors))
    return " + ".join(terms) or "0"


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


def describe_cells() -> Table:
    """Return the table, one row per cell."""
    table = Table(title="seqlab cells with H features and F inputs", show_lines=True)
    columns = ("cell", "equation", "parameters", "state", "multiply-adds per step", "gates", "weights from")
    for column in columns:
        table.add_column(column, no_wrap=column == "equation")
    num_inputs, features = TERMS["F"], TERMS["H"]
    for name in choices("cell"):
        cell, small = make_cell(name, features), make_cell(name, 3)
        table.add_row(
            name,
            Text(equation(cell)),
            polynomial(count_parameters(cell, num_inputs)),
            polynomial(count_state(cell, num_inputs)),
            polynomial(count_multiply_adds(cell, num_inputs)),
            " ".join(getattr(cell, "gates", ())) or "—",
            libraries(small),
        )
    return table


@command
def main() -> None:
    """Print a table of all cells: equations, sizes and cost."""  # in a pipe its width is fixed
    Parser(prog="python -m seqlab.cells", description=main.__doc__).parse_args()
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(width=width).print(describe_cells())
