"""What is an example, and what counts as right? One task a file, grouped by family."""

from __future__ import annotations

from typing import Any

from seqlab.registry import choices, make, require_keys, settings_of
from seqlab.tasks.task import SPLITS, GeneratedTask, Task

__all__ = ["SPLITS", "GeneratedTask", "Task", "load_task", "task_names"]


def task_names() -> list[str]:
    """Return the names of all tasks: those of the files in `conf/task`."""
    return choices("task")


def load_task(name: str, **fields: Any) -> Task:
    """Make the task that `conf/task/<name>.yaml` describes, with some of its fields replaced.

    Raises:
        ConfigError: an unknown name or field, or a value that is not legal; the message names the legal ones.
    """
    settings = settings_of("task", name)
    require_keys(fields, [key for key in settings if key != "_target_"], "task")
    return make(settings | fields, "task")
