"""A recurrence whose backward pass computes chunks of steps again, and so saves little of each step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.recurrence.block_scan import in_blocks, near_divisor, out_of_blocks
from seqlab.types import Carry, Tree

Run = Callable[[Any, Carry], tuple[Carry, Tree]]
"""A recurrence, `(steps with T in front, carry before) -> (final carry, outputs with T in front)`."""


def chunk_length(num_steps: int) -> int:
    """Return the number of steps of a chunk: about √T, if possible a divisor of T."""
    return near_divisor(max(1, round(math.sqrt(num_steps))), num_steps)


def in_chunks(run: Run, steps: Tree, carry: Carry) -> tuple[Carry, Tree]:
    """Run a recurrence over T steps, in chunks of K ≈ √T.

    Saved for the backward pass are the carry before each chunk, T / K of them, and what `run` saves of the K
    steps of one chunk, which is computed again when the backward pass reaches it. The inputs and outputs of
    all steps exist as without chunks. Results and gradients differ by rounding alone.

    Args:
        run: the recurrence.
        steps: what the steps read.
        carry: the carry before the first step.

    Source: Chen et al. 2016, "Training deep nets with sublinear memory cost", arXiv:1604.06174, section 3.
    """
    num_steps = len(jax.tree.leaves(steps)[0])
    length = chunk_length(num_steps)
    whole = num_steps - num_steps % length
    if whole <= length:
        return run(steps, carry)
    again = jax.checkpoint(lambda carry, chunk: run(chunk, carry), prevent_cse=False)  # a scan has no CSE
    carry, outputs = jax.lax.scan(again, carry, in_blocks(_slice(steps, slice(whole)), length))
    outputs = out_of_blocks(outputs)
    if whole == num_steps:
        return carry, outputs
    carry, rest = run(_slice(steps, slice(whole, None)), carry)
    return carry, jax.tree.map(lambda *parts: jnp.concatenate(parts), outputs, rest)


def _slice(steps: Tree, part: slice) -> Tree:
    return jax.tree.map(lambda leaf: leaf[part], steps)
