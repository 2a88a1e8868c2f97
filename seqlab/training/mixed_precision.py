"""Matrix products in bfloat16, in a function whose other arithmetic stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun

PRODUCTS = ("dot_general", "conv_general_dilated")
"""JAX's primitives that multiply and add up."""

INLINED = ("custom_jvp_call", "custom_vjp_call", "closed_call")
"""The primitives whose own computation, `call_jaxpr`, stands for them: calls, and functions with rules for
derivatives, which a differentiated function does not need any more."""


def in_bfloat16(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose float32 matrix products and convolutions have operands rounded to bfloat16.

    Their sums, and everything else, stay in float32: parameters, carries, losses, gradients. The function is
    to be differentiated before, so that the products of its backward pass are rounded too.

    Args:
        function: a function of trees of arrays that JAX can trace.
    """

    def rounded(*arguments: Any) -> Any:
        traced, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        leaves = jaxpr_as_fun(_rounded(traced))(*jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shapes), leaves)

    return rounded


def _rounded(closed: ClosedJaxpr) -> ClosedJaxpr:
    """Return a computation with rounded operands."""
    shapes = [jax.ShapeDtypeStruct(var.aval.shape, var.aval.dtype) for var in closed.jaxpr.invars]
    return jax.make_jaxpr(lambda *values: _computed(closed.jaxpr, closed.consts, values))(*shapes)


def _computed(jaxpr: Jaxpr, consts: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    """Compute what a computation does with its arguments, product by product."""
    known: dict[Any, Any] = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *arguments), strict=True))

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else known[atom]

    for equation in jaxpr.eqns:
        results = _result(equation, [read(atom) for atom in equation.invars])
        known |= zip(equation.outvars, results, strict=True)
    return [read(atom) for atom in jaxpr.outvars]


def _result(equation: JaxprEqn, values: list[Any]) -> Sequence[Any]:
    """Return the results of one operation."""
    name, params = equation.primitive.name, equation.params
    if name in INLINED:
        inner = params["call_jaxpr"]
        return _computed(inner.jaxpr, inner.consts, values)
    if name in PRODUCTS and all(value.dtype == jnp.float32 for value in values):
        values = [_operand(value) for value in values]
        params = {**params, "preferred_element_type": jnp.dtype("float32")}
    found = equation.primitive.bind(*values, **{key: _param(value) for key, value in params.items()})
    return found if equation.primitive.multiple_results else [found]


def _operand(value: jax.Array) -> jax.Array:
    """Return an operand in bfloat16, or rounded so in float32 on a CPU, where XLA lacks the mixed product.

    The products of rounded numbers are exact in float32, so both have the same sums but for their order.
    """
    if jax.default_backend() == "cpu":
        return jax.lax.reduce_precision(value, exponent_bits=8, mantissa_bits=7)
    return value.astype(jnp.bfloat16)


def _param(value: Any) -> Any:
    """Return a parameter of an operation, with rounded operands where it is a computation, as of a loop."""
    if isinstance(value, ClosedJaxpr):
        return _rounded(value)
    if isinstance(value, Jaxpr) and not value.constvars:
        found = _rounded(ClosedJaxpr(value, ()))
        return value if found.consts else found.jaxpr
    if type(value) is tuple:
        return tuple(_param(one) for one in value)
    return value
