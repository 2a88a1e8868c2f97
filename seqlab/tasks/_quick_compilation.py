"""Compiler options for functions that run a few times only: XLA compiles them in a quarter of the time."""

from __future__ import annotations

import functools
from typing import Any

import jax

CPU_OPTIONS: dict[str, Any] = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}
"""Flags of XLA. Public names as they are, another version may lack one; a test then fails."""


@functools.cache
def quick_options() -> dict[str, Any]:
    """Return the options for the present platform: none except on CPUs, and none where XLA lacks one."""
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda: 0).lower().compile(compiler_options=dict(CPU_OPTIONS))
    except jax.errors.JaxRuntimeError:
        return {}
    return dict(CPU_OPTIONS)
