"""Batches of tasks as NumPy arrays, each drawn by one program.

Outside of a jitted function JAX compiles each operation of a task by itself.
"""

from __future__ import annotations

import functools

import jax

from seqlab.tasks import quick_options


def batch_of(task, key, size, split="train", framing=None, data=None):
    """Do the same as `task.batch`."""
    draw = functools.partial(task.batch, size=size, split=split, framing=framing)
    return _drawn(lambda key, data: draw(key, data=data), key, task.data if data is None else data)


def evaluation_of(task, index, size, split, framing, data):
    """Do the same as `task.evaluation_batch`."""
    return _drawn(lambda index, data: task.evaluation_batch(index, size, split, framing, data), index, data)


def _drawn(draw, *arguments):
    return jax.device_get(jax.jit(draw, compiler_options=quick_options())(*arguments))
