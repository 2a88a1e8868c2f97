"""Compiler options: XLA accepts them, whatever its version, and they change no random number."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.tasks import _compiler_options as module


def test_xla_accepts_the_options_and_computes_the_same(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert module.compiler_options() == module.CPU_OPTIONS
    assert module.quick_options().items() >= {("xla_backend_optimization_level", 0)}
    expected = jax.jit(jax.random.bits, static_argnums=1)(jax.random.key(0), (100,))
    for options in (module.compiler_options(), module.quick_options()):
        bits = jax.jit(jax.random.bits, static_argnums=1, compiler_options=options)
        assert jnp.array_equal(bits(jax.random.key(0), (100,)), expected)


def test_the_users_flags_come_first(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=3")
    assert module.compiler_options() == {}
    assert "xla_backend_optimization_level" not in module.quick_options()


def test_an_option_that_xla_lacks_is_left_out(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.setitem(module.QUICK_CPU_OPTIONS, "xla_no_such_flag", True)
    module._known.cache_clear()
    assert module.quick_options().items() >= {("xla_backend_optimization_level", 0)}
    assert "xla_no_such_flag" not in module.quick_options()
    module._known.cache_clear()
