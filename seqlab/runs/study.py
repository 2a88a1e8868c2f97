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


@functools.lru_cache(maxsize=8)
def open_storage(storage: str | None, folder: Path) -> Any:
    """Return the storage of a study; it is opened once in a process.

    Args:
        storage: the URL of a database, such as `sqlite:///studies.db`, or the path of a journal file; None
            for a journal in the sweep's folder.
        folder: the sweep's folder.

    Raises:
        ConfigError: it cannot be opened.
    """
    storages = optuna().storages
    try:
        if storage is not None and "://" in storage:
            return storages.get_storage(storage)
        path = folder / JOURNAL if storage is None else Path(storage)
        path.parent.mkdir(parents=True, exist_ok=True)
        return storages.JournalStorage(storages.journal.JournalFileBackend(str(path)))
    except Exception as error:  # SQLAlchemy has errors of its own
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"hydra.sweeper.storage={storage} cannot be opened: {reason}: legal are null, the path of a "
            "journal file and the URL of a database, such as sqlite:///studies.db"
        ) from error


def note_study(folder: Path, storage: str | None, name: str) -> None:
    """Write into a sweep's folder which study its search has."""
    write_atomically(folder / FILE, json.dumps({"storage": storage, "study_name": name}) + "\n")


def noted_study(folder: Path) -> Any:
    """Return the study of a sweep; None for a sweep without a search, or where Optuna is not installed."""
    try:
        noted: Mapping[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        storage = open_storage(noted["storage"], folder.absolute())
        return optuna().load_study(study_name=noted["study_name"], storage=storage)
    except (OSError, ValueError, KeyError, ConfigError):
        return None
