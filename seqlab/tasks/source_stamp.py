"""Stamp of the source of a task's data."""

from __future__ import annotations

from collections.abc import Hashable

from seqlab.data.reader import stamp
from seqlab.tasks.task import Task


def source_stamp(task: Task) -> Hashable:
    """Return a value that changes when the files that a task reads are written again.

    What is stored of a task's data between runs of one process is stored under the task and this value.
    """
    vocabulary = stamp(getattr(task, "vocabulary", None))
    return vocabulary if task.reader is None else (task.reader.stamp(), vocabulary)
