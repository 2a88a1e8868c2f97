"""What is an example, and what counts as right? A file is a task; folders are families."""

from __future__ import annotations

import importlib
from typing import Any

import yaml

from seqlab.registry import CONF
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import SPLITS, Task
from seqlab.types import ConfigError

__all__ = ["SPLITS", "Lengths", "Task", "load_task", "task_names"]


def task_names() -> list[str]:
    """Return the names of all tasks, which are those of the files in `conf/task`."""
    return sorted(path.stem for path in (CONF / "task").glob("*.yaml"))


def load_task(name: str, **fields: Any) -> Task:
    """Return the task of `conf/task/<name>.yaml`.

    Args:
        name: of the file.
        fields: keys of the file with other values.

    Raises:
        ConfigError: an unknown name or key, or an illegal value; the message names the legal ones.
    """
    if name not in task_names():
        raise ConfigError(f"task={name}: legal values are {', '.join(task_names())}")
    config = yaml.safe_load((CONF / "task" / f"{name}.yaml").read_text(encoding="utf-8"))
    config.pop("defaults", None)  # the framing is chosen for a run, not for the task
    module, _, form = config.pop("_target_").rpartition(".")
    if unknown := sorted(fields.keys() - config.keys()):
        raise ConfigError(f"task.{unknown[0]} of task={name}: legal fields are {', '.join(config)}")
    try:
        return getattr(importlib.import_module(module), form)(**config | fields)
    except ValueError as error:
        raise ConfigError(f"task.{error}") from error
