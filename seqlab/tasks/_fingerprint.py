"""Fingerprint of a task: a digest of its examples rather than of its source code."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from seqlab.tasks._compiler_options import quick_options
from seqlab.tasks._host_rows import is_host_rows, on_host
from seqlab.types import Batch

SEED, SIZE = 0, 4
"""The PRNG seed and the number of examples of the batch that is digested."""
DECIMALS = 3


def fingerprint(task: Any) -> str:
    """Return a SHA-256 digest of a `Task`.

    Digested are its name, its version, its fields, its resident arrays, and a training batch of a fixed key
    with floats rounded to `DECIMALS`, as compilers round differently. Fields whose metadata say
    `fingerprint=False`, such as paths, are left out.
    """
    fields = {
        field.name: getattr(task, field.name)
        for field in dataclasses.fields(task)
        if field.metadata.get("fingerprint", True)
    }
    digest = hashlib.sha256(f"{task.name} {task.version} {fields}".encode())
    batch = jax.tree.map(_rounded, _program(task)(jax.random.key(SEED), task.data))
    for path, leaf in jax.tree_util.tree_leaves_with_path((batch, task.data), is_leaf=is_host_rows):
        array = np.asarray(on_host(leaf))
        digest.update(f"{jax.tree_util.keystr(path)}{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@functools.lru_cache(maxsize=1)
def _program(task: Any) -> Callable[[jax.Array, Any], Batch]:
    """Return the jitted draw of a task, which an equal task shares."""
    return jax.jit(lambda key, data: task.batch(key, SIZE, data=data), compiler_options=quick_options())


def _rounded(leaf: jax.Array) -> np.ndarray:
    """Round floats; adding 0 turns -0 into 0."""
    array = np.asarray(leaf)
    return np.round(array, DECIMALS) + 0 if np.issubdtype(array.dtype, np.floating) else array
