"""Rows of the table of tasks that earlier calls computed, in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from seqlab import tasks
from seqlab.registry import CONF, files_of
from seqlab.tasks import Task
from seqlab.tracking.run_folder import write_atomically
from seqlab.training.compilation_cache import cache_folder

Row = tuple[str, ...]


class RememberedBaselines:
    """Rows by task, which are computed again where the task or the code of any task has changed.

    Only tasks of this package whose examples are generated are remembered: those of others, and data, can
    change without notice. A file that cannot be read or written is as good as none.
    """

    def __init__(self) -> None:
        """Read the file."""
        self._file = cache_folder().parent / "baselines.json"
        self._code = _digest_of_code()
        self._known: dict[str, list[Row]] = {}
        self._used: dict[str, list[Row]] = {}
        try:
            found = json.loads(self._file.read_text())
            self._known = {str(key): [tuple(map(str, row)) for row in rows] for key, rows in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            pass

    def rows(self, name: str, task: Task, compute: Callable[[Task], Iterable[Row]]) -> list[Row]:
        """Return the rows of a task of `conf/task/<name>.yaml`."""
        if files_of("task")[name].parent != CONF / "task" or task.provenance().licence != "generated":
            return [*compute(task)]
        key = hashlib.sha256(f"{self._code} {name} {task}".encode()).hexdigest()
        self._used[key] = self._known[key] if key in self._known else [*compute(task)]
        return self._used[key]

    def save(self) -> None:
        """Write the rows that were asked for, unless the file has them."""
        if self._used == self._known:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, json.dumps(self._used) + "\n")
        except OSError:  # there is no folder that could be written
            pass


def _digest_of_code() -> str:
    """Return a digest of what the baselines depend on: the files of `seqlab.tasks` and the version of JAX."""
    digest = hashlib.sha256(version("jax").encode())
    for path in sorted(Path(tasks.__path__[0]).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
