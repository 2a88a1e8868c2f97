"""JAX's persistent compilation cache in the user's cache folder."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path

import jax
from jax.experimental.compilation_cache.compilation_cache import reset_cache

MOST_BYTES = 2**30
"""The size of the cache. Beyond it the programs that were not used for the longest time are removed."""

LEAST_SECONDS = 0.05
"""How long a program has to compile to be saved."""

_FOLDER_FLAG = "jax_compilation_cache_dir"


def use_compilation_cache(wanted: bool = True) -> None:
    """Let JAX save compiled programs and reuse those of earlier processes.

    Nothing is changed where `JAX_COMPILATION_CACHE_DIR` or `JAX_ENABLE_COMPILATION_CACHE` is set, or another
    folder is configured: there the user has chosen.

    Args:
        wanted: False for no cache.
    """
    folder = cache_folder()
    before, after = getattr(jax.config, _FOLDER_FLAG), str(folder) if wanted else None
    chosen = {"JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE"} & os.environ.keys()
    if chosen or before not in (None, str(folder)) or before == after:
        return
    if wanted:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # there is no folder that could be written
            return
        jax.config.update("jax_persistent_cache_min_compile_time_secs", LEAST_SECONDS)
        threading.Thread(target=prune, args=(folder,), daemon=True).start()
    jax.config.update(_FOLDER_FLAG, after)
    reset_cache()  # JAX looks at the settings once, when it first compiles


def prune(folder: Path, most_bytes: int = MOST_BYTES) -> None:
    """Remove the files that were not used for the longest time, where a folder holds too many bytes.

    A process calls this once. `jax_compilation_cache_max_size` would make JAX read the access times of all
    files whenever it saves a program. That takes half a second if there are some thousands of files.
    """
    with contextlib.suppress(OSError):  # another process removes some too
        files = [(entry.path, entry.stat()) for entry in os.scandir(folder)]
        excess = sum(stat.st_size for _, stat in files) - most_bytes
        for path, stat in sorted(files, key=lambda file: max(file[1].st_atime, file[1].st_mtime)):
            if excess <= 0:
                break
            Path(path).unlink(missing_ok=True)
            excess -= stat.st_size


def cache_folder() -> Path:
    """Return the folder of compiled programs in the user's cache folder, by the platform's convention."""
    if sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "seqlab" / "compiled"
