"""Study of a search: where Optuna keeps its trials, and how a run and a report find them again."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from seqlab.tracking import write_atomically
from seqlab.types import ConfigError

FILE = "study.json"
"""The file in a sweep's folder that names the storage and the study of its search."""

JOURNAL = "study.log"
"""The journal file of a search in its sweep's folder, where no other storage is asked for."""

ENDS = ("finished", "pruned", "diverged", "failed")
"""The statuses of a search's trials that are always counted."""

LEGAL = "legal are null, the path of a journal file and the URL of a database, such as sqlite:///studies.db"

WAIT_SECONDS = 60
"""How long a process waits for the others that write to an SQLite database."""


def optuna() -> ModuleType:
    """Return the package Optuna.

    Raises:
        ConfigError: it is not installed, or older than version 5.
    """
    try:
        import optuna as package
    except ImportError as error:
        raise ConfigError("hydra/sweeper=optuna is not installed: pip install 'seqlab[optuna]'") from error
    if int(package.__version__.partition(".")[0]) < 5:
        raise ConfigError(
            f"hydra/sweeper=optuna needs Optuna 5 or later, got {package.__version__}: "
            "pip install 'seqlab[optuna]'"
        )
    package.logging.set_verbosity(logging.ERROR)  # it tells of every trial that is asked for
    return package


def absolute_storage(storage: str | None) -> str | None:
    """Return a storage with an absolute path, so that it is found from any working directory.

    Args:
        storage: the URL of a database, such as `sqlite:///studies.db`, or the path of a journal file; None
            for a journal in the sweep's folder.

    Raises:
        ConfigError: an SQLite database in memory, which a resumed search and the runs of other processes
            would not find.
    """
    if storage is None:
        return None
    if "://" not in storage:
        return str(Path(storage).absolute())
    if not storage.startswith("sqlite"):
        return storage
    url = _url(storage)
    if url.database in (None, "", ":memory:"):
        raise ConfigError(
            f"hydra.sweeper.storage={storage} is in memory, where nobody else finds it: {LEGAL}"
        )
    if url.database.startswith("file:"):
        return storage
    return url.set(database=str(Path(url.database).absolute())).render_as_string(hide_password=False)


def is_missing(storage: str | None, folder: Path) -> bool:
    """Return whether a storage is a file that does not exist. To open it would make an empty one."""
    if storage is None:
        return not (folder / JOURNAL).exists()
    if "://" not in storage:
        return not Path(storage).exists()
    database = _url(storage).database if storage.startswith("sqlite") else None
    return database is not None and not database.startswith("file:") and not Path(database).exists()


@functools.lru_cache(maxsize=8)
def open_storage(storage: str | None, folder: Path) -> Any:
    """Return the storage of a study; it is opened once in a process.

    Args:
        storage: see `absolute_storage`.
        folder: the sweep's folder.

    Raises:
        ConfigError: it cannot be opened.
    """
    storages, given = optuna().storages, storage
    storage = absolute_storage(storage)
    try:
        if storage is not None and "://" in storage:
            if not storage.startswith("sqlite"):
                return storages.get_storage(storage)
            waiting = {"connect_args": {"timeout": WAIT_SECONDS}}
            return storages.get_storage(storages.RDBStorage(storage, engine_kwargs=waiting))
        path = folder / JOURNAL if storage is None else Path(storage)
        path.parent.mkdir(parents=True, exist_ok=True)
        return storages.JournalStorage(storages.journal.JournalFileBackend(str(path)))
    except Exception as error:  # SQLAlchemy has errors of its own
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(f"hydra.sweeper.storage={given} cannot be opened: {reason}: {LEGAL}") from error


def note_study(folder: Path, storage: str | None, name: str) -> str:
    """Write into a sweep's folder which study its search has, and return the name of the sweep in it.

    The name is the path of the folder when the search began. It stays where the folder is moved.
    """
    first = _noted(folder).get("sweep") or str(folder.resolve())
    noted = {"storage": absolute_storage(storage), "study_name": name, "sweep": first}
    write_atomically(folder / FILE, json.dumps(noted) + "\n")
    return first


def storage_of(folder: Path) -> str | None:
    """Return the storage that is noted in a sweep's folder; None for its journal, or for no search."""
    return _noted(folder).get("storage")


def noted_study(folder: Path) -> Any:
    """Return the study of a sweep; None for a sweep without a search, or where Optuna is not installed."""
    noted = _noted(folder)
    try:
        if is_missing(noted["storage"], folder):
            return None
        storage = open_storage(noted["storage"], folder.absolute())
        return optuna().load_study(study_name=noted["study_name"], storage=storage)
    except (OSError, ValueError, KeyError, ConfigError):
        return None


def drop_torn_line(folder: Path) -> None:
    """Remove the end of a sweep's own journal that a full disk has cut off; Optuna would append to it."""
    path = folder / JOURNAL
    if path.exists() and not (content := path.read_bytes()).endswith(b"\n"):
        write_atomically(path, content[: content.rfind(b"\n") + 1].decode())


def _noted(folder: Path) -> Mapping[str, Any]:
    """Return what `note_study` has written; empty where it has not."""
    try:
        return json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _url(storage: str) -> Any:
    """Return a URL of SQLAlchemy.

    Raises:
        ConfigError: it is none.
    """
    try:
        from sqlalchemy.engine import make_url

        return make_url(storage)
    except Exception as error:  # of SQLAlchemy, or as it is not installed
        raise ConfigError(f"hydra.sweeper.storage={storage} is no URL: {error}: {LEGAL}") from error
