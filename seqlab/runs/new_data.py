"""Data that a trained run has not seen, as the reader of its task reads them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from seqlab.data.memory import hold
from seqlab.data.table import Table
from seqlab.tasks.task import Task
from seqlab.types import ConfigError


def table_of(task: Task, data: Any) -> Table:
    """Return the rows of new data; of data with splits those of the test split.

    Args:
        task: the task of the run.
        data: the path of a file or a folder, or columns by name as `seqlab.run` takes them.

    Raises:
        ConfigError: the task reads no source, or the data cannot be read.
    """
    if task.reader is None:
        raise ConfigError(f"task {task.name} reads no file")
    if isinstance(data, (str, Path)) and not Path(data).exists():
        raise ConfigError(f"{data} does not exist")
    source = str(data) if isinstance(data, (str, Path)) else hold(data)
    tables = dataclasses.replace(task.reader, source=source, config=None).tables()
    return tables.get("test") or tables["train"]
