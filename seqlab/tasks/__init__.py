"""What is an example, and what counts as right? A file is a task; folders are families."""

from __future__ import annotations

from typing import Any

from seqlab.registry import choices, make, require_keys, settings_of
from seqlab.tasks._compiler_options import compiler_options, quick_options
from seqlab.tasks._host_rows import read_by_device
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import SPLITS, Task

__all__ = [
    "SPLITS",
    "Lengths",
    "Task",
    "compiler_options",
    "load_task",
    "quick_options",
    "read_by_device",
    "simple_reference",
    "task_names",
]


def task_names() -> list[str]:
    """Return the names of all tasks, which are those of the files in `conf/task`."""
    return choices("task")


def load_task(name: str, **fields: Any) -> Task:
    """Return the task of `conf/task/<name>.yaml`.

    Args:
        name: of the file.
        fields: keys of the file with other values.

    Raises:
        ConfigError: an unknown name or key, or an illegal value; the message names the legal ones.
    """
    settings = settings_of("task", name)
    require_keys(fields, [key for key in settings if key != "_target_"], "task")
    return make(settings | fields, "task")
