"""The persistent compilation cache: where it is, and who may choose otherwise."""

from __future__ import annotations

import os
import sys

import jax
import pytest

from seqlab.training.compilation_cache import LEAST_SECONDS, cache_folder, prune, use_compilation_cache


@pytest.fixture
def cacheless(tmp_path, monkeypatch):
    """A process in which nobody has chosen a cache, with its user's cache folder at `tmp_path`."""
    folder = jax.config.jax_compilation_cache_dir
    least = jax.config.jax_persistent_cache_min_compile_time_secs
    for name in ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    jax.config.update("jax_compilation_cache_dir", None)
    yield tmp_path
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", least)


def test_it_is_on_and_in_the_users_cache_folder(cacheless):
    use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir == str(cacheless / "seqlab" / "compiled")
    assert jax.config.jax_persistent_cache_min_compile_time_secs == LEAST_SECONDS
    use_compilation_cache(wanted=False)
    assert jax.config.jax_compilation_cache_dir is None


def test_the_programs_that_were_used_last_are_kept(tmp_path):
    for number in range(4):
        (tmp_path / str(number)).write_bytes(bytes(10))
        os.utime(tmp_path / str(number), (number, 0))
    prune(tmp_path, most_bytes=40)
    assert len([*tmp_path.iterdir()]) == 4
    os.utime(tmp_path / "0", (9, 0))
    prune(tmp_path, most_bytes=25)
    assert {path.name for path in tmp_path.iterdir()} == {"0", "3"}
    prune(tmp_path / "none")


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
