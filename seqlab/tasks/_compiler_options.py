"""Compiler options on CPUs, where compilation takes most of the time of a short run."""

from __future__ import annotations

import functools
import os
from typing import Any

import jax

CPU_OPTIONS: dict[str, Any] = {"xla_backend_optimization_level": 1}
"""With it XLA compiles in three quarters of the time, and the updates of recurrent networks run as fast
(experiments/recurrence_speed)."""

QUICK_CPU_OPTIONS: dict[str, Any] = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}
"""With these XLA compiles in a quarter of the time. The programs run several times slower."""


def compiler_options() -> dict[str, Any]:
    """Return the compiler options of functions that are called often; none except on CPUs."""
    return _without_chosen(CPU_OPTIONS)


def quick_options() -> dict[str, Any]:
    """Return the compiler options of functions that are called a few times only; none except on CPUs."""
    return _without_chosen(QUICK_CPU_OPTIONS)


def _without_chosen(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that XLA knows and `XLA_FLAGS` does not set."""
    flags = os.environ.get("XLA_FLAGS", "")
    return {name: value for name, value in options.items() if name in _known() and name not in flags}


@functools.cache
def _known() -> frozenset[str]:
    """Return the names of the options that XLA knows; none where it does not compile for a CPU."""
    if jax.default_backend() != "cpu":
        return frozenset()
    if _compiles(QUICK_CPU_OPTIONS):
        return frozenset(QUICK_CPU_OPTIONS)
    return frozenset(name for name, value in QUICK_CPU_OPTIONS.items() if _compiles({name: value}))


def _compiles(options: dict[str, Any]) -> bool:
    """Return whether XLA accepts options. The names are public, but some versions lack one."""
    try:
        jax.jit(lambda: 0).lower().compile({**options})
    except jax.errors.JaxRuntimeError:
        return False
    return True
