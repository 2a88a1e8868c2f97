"""Measured time of a cell's step, forward and backward."""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqlab.recurrence import Stack, unroll
from seqlab.types import Params

ROUNDS = 5


class Shape(NamedTuple):
    """The sizes at which a step is measured: B sequences of T steps with F inputs and H features."""

    B: int = 32
    T: int = 128
    F: int = 64
    H: int = 128

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Return the shape that `B,T,F,H` names.

        Raises:
            argparse.ArgumentTypeError: it is not four positive integers.
        """
        parts = text.split(",")
        if len(parts) != len(cls._fields) or not all(part.isdecimal() and int(part) for part in parts):
            raise argparse.ArgumentTypeError(f"must be four positive integers B,T,F,H, got {text!r}")
        return cls(*map(int, parts))

    def __str__(self) -> str:
        return f"({self.B}, {self.T}, {self.F}, {self.H})"


def seconds_per_step(cell: Any, shape: Shape) -> float:
    """Return the seconds of one of T steps, forward and backward: the median of a few passes, over T.

    Args:
        cell: the cell, with H features.
        shape: B, T, F and H.
    """
    key_params, key_inputs, key_weights = jax.random.split(jax.random.key(0), 3)
    params = jax.jit(lambda key: Stack(cell).init(key, shape.F))(key_params)["layer_0"]["forward"]
    inputs = jax.random.normal(key_inputs, (shape.B, shape.T, shape.F))
    weights = jax.random.normal(key_weights, (shape.B, shape.T, shape.H))

    @jax.jit
    def differentiate(params: Params, inputs: jax.Array) -> Params:
        return jax.grad(lambda params: jnp.vdot(weights, unroll(cell, params, inputs)[1]))(params)

    jax.block_until_ready(differentiate(params, inputs))
    seconds: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        jax.block_until_ready(differentiate(params, inputs))
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) / shape.T
