"""The persistent compilation cache: where it is, and who may choose otherwise."""

from __future__ import annotations

import sys

import jax
import pytest

from seqlab.training.compilation_cache import LEAST_SECONDS, MOST_BYTES, cache_folder, use_compilation_cache

SETTINGS = ("jax_compilation_cache_dir", "jax_compilation_cache_max_size")


@pytest.fixture
def cacheless(tmp_path, monkeypatch):
    """A process in which nobody has chosen a cache, with its user's cache folder at `tmp_path`."""
    before = {name: getattr(jax.config, name) for name in SETTINGS}
    least = jax.config.jax_persistent_cache_min_compile_time_secs
    for name in ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    jax.config.update("jax_compilation_cache_dir", None)
    yield tmp_path
    for name, value in before.items():
        jax.config.update(name, value)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", least)


def test_it_is_on_bounded_and_in_the_users_cache_folder(cacheless):
    use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir == str(cacheless / "seqlab" / "compiled")
    assert jax.config.jax_compilation_cache_max_size == MOST_BYTES
    assert jax.config.jax_persistent_cache_min_compile_time_secs == LEAST_SECONDS
    use_compilation_cache(wanted=False)
    assert jax.config.jax_compilation_cache_dir is None


@pytest.mark.parametrize("name", ["JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE"])
def test_the_environment_chooses_first(name, cacheless, monkeypatch):
    monkeypatch.setenv(name, "0")
    use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir is None
    assert not cache_folder().exists()


def test_another_configured_folder_is_left_alone(cacheless):
    jax.config.update("jax_compilation_cache_dir", str(cacheless / "mine"))
    use_compilation_cache(wanted=False)
    assert jax.config.jax_compilation_cache_dir == str(cacheless / "mine")


def test_without_a_writable_folder_there_is_none(cacheless, monkeypatch):
    (cacheless / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cacheless / "file"))
    use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir is None
