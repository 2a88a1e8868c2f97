"""What is an example, and what counts as right? One task a file, grouped by family."""

from __future__ import annotations

import importlib
from typing import Any

import yaml

from seqlab.registry import CONF
from seqlab.tasks.task import SPLITS, GeneratedTask, Task
from seqlab.types import ConfigError

__all__ = ["SPLITS", "GeneratedTask", "Task", "load_task", "task_names"]


def task_names() -> list[str]:
    """List the names of all tasks: those of the files in `conf/task`."""
    return sorted(path.stem for path in (CONF / "task").glob("*.yaml"))


def load_task(name: str, **fields: Any) -> Task:
    """Build the task that `conf/task/<name>.yaml` describes, with some of its fields changed.

    Raises:
        ConfigError: an unknown name or field, or a value that does not fit; one line names the legal ones.
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
