"""Layers that a kernel in C++ computes, on a CPU.

The kernel is `lstm.cc`. It copies R once into an order that suits the processor, multiplies by it in all
steps, and finishes the gates of a few rows while they are in the cache. The products over all steps, x W and
the weights' gradients, are left to XLA. The kernel of a device uses one core; more devices use more.
"""

from __future__ import annotations

import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp

from seqlab.checks import own_attribute
from seqlab.recurrence.protocols import Linearised, RecurrentCell
from seqlab.recurrence.steps import time_major
from seqlab.types import Carry, IncompatibleError, Params

SOURCE = Path(__file__).with_name("lstm.cc")
COMPILERS = ("c++", "g++", "clang++")
OPTIONS = (
    "-std=c++17",
    "-O3",
    "-march=native",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-w",
    "-shared",
    "-fPIC",
)

_FORWARD, _BACKWARD = "lstm_forward", "lstm_backward"


def require_native(cell: RecurrentCell) -> None:
    """Raise IncompatibleError where the kernel does not fit the cell or the device, or does not compile."""
    legal = "legal are auto, scan"
    if getattr(own_attribute(cell, "counterpart"), "kind", None) != "LSTM":
        raise IncompatibleError(
            f"recurrence.backend=native does not fit {type(cell).__name__}, only LSTM: {legal}"
        )
    if (device := jax.default_backend()) != "cpu":
        raise IncompatibleError(f"recurrence.backend=native needs a CPU, got {device}: {legal}")
    if jax.config.read("jax_enable_x64"):
        raise IncompatibleError(f"recurrence.backend=native needs float32, got JAX_ENABLE_X64=1: {legal}")
    register_kernel()


@functools.cache
def register_kernel() -> None:
    """Compile the kernel for this machine, in about 3 s, and let XLA call it.

    Raises:
        IncompatibleError: there is no compiler, or it fails.
    """
    compiler = os.environ.get("CXX") or next(filter(shutil.which, COMPILERS), None)
    if compiler is None:
        raise IncompatibleError(
            f"recurrence.backend=native needs a compiler of C++, CXX= or one of {', '.join(COMPILERS)}: "
            "legal are auto, scan"
        )
    with tempfile.TemporaryDirectory() as folder:  # a library that is loaded outlives its file
        path = Path(folder, "lstm.so")
        command = [*compiler.split(), *OPTIONS, f"-I{jax.ffi.include_dir()}", str(SOURCE), "-o", str(path)]
        try:
            subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            message = str(getattr(error, "stderr", "") or error).strip().splitlines()[0]
            raise IncompatibleError(
                f"recurrence.backend=native: {compiler} cannot compile the kernel ({message}): "
                "legal are auto, scan"
            ) from error
        library = ctypes.CDLL(str(path))
    for name in (_FORWARD, _BACKWARD):
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(getattr(library, name)), platform="cpu")


def native_layer(
    cell: RecurrentCell, params: Params, inputs: jax.Array, lengths: jax.Array | None, carry: Carry
) -> tuple[Carry, jax.Array]:
    """Run an LSTM over inputs `(B, T, F)`, as `unroll` does; outputs after a sequence's end have no meaning.

    Args:
        cell: the LSTM.
        params: its parameters.
        inputs: float32 `(B, T, F)`.
        lengths: int32 `(B,)`; None for T each.
        carry: the carry before the first step, `(c, h)`, `(B, H)` each.

    Raises:
        IncompatibleError: as of `require_native`.
    """
    require_native(cell)
    lstm = cast(Linearised, cell)
    B, T, _ = inputs.shape
    if not T:
        return carry, carry[1][:, None][:, :0]
    ends = jnp.full(B, T, jnp.int32) if lengths is None else lengths.astype(jnp.int32)
    carry, outputs = _run(lstm, lstm.fold(params, inputs.dtype), time_major(inputs), ends, carry)
    return carry, time_major(outputs)


def _run_layer(
    cell: Linearised, weights: Params, x: jax.Array, ends: jax.Array, carry: Carry
) -> tuple[Carry, jax.Array]:
    """Return the final carry, and h_t `(T, B, H)`."""
    return _run_forward(cell, weights, x, ends, carry)[0]


def _run_forward(
    cell: Linearised, weights: Params, x: jax.Array, ends: jax.Array, carry: Carry
) -> tuple[tuple[Carry, jax.Array], tuple[Any, ...]]:
    z = cell.project(weights, x)
    shapes = [
        jax.ShapeDtypeStruct((*x.shape[:2], size), x.dtype)
        for size in (z.shape[-1], *2 * [carry[0].shape[-1]])
    ]
    call = jax.ffi.ffi_call(_FORWARD, shapes, input_output_aliases={0: 0}, vmap_method="sequential")
    gates, c, h = call(z, weights["recurrent_kernel"], *carry, ends)
    return ((c[-1], h[-1]), h), (weights, x, ends, carry, gates, c, h)


def _run_backward(
    cell: Linearised, saved: tuple[Any, ...], cotangents: tuple[Carry, jax.Array]
) -> tuple[Params, jax.Array, None, Carry]:
    weights, x, ends, first, gates, c, h = saved
    dfinal, dy = cotangents
    shapes = [jax.ShapeDtypeStruct(like.shape, like.dtype) for like in (gates, *first)]
    call = jax.ffi.ffi_call(_BACKWARD, shapes, input_output_aliases={0: 0, 6: 1}, vmap_method="sequential")
    da, *dfirst = call(gates, c, weights["recurrent_kernel"], first[0], ends, dy, *dfinal)
    before = jnp.concatenate([first[1][None], h[:-1]])
    dweights, dx = cell.collect(weights, x, before, None, da)
    return dweights, dx, None, (dfirst[0], dfirst[1])


_run = jax.custom_vjp(_run_layer, nondiff_argnums=(0,))
_run.defvjp(_run_forward, _run_backward)
