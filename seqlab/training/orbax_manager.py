"""Orbax's manager of a folder of checkpoints, and its writer of one; a process uses them alone."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from seqlab.training.processes import several
from seqlab.types import Tree

_PLAIN = re.compile(r"[\w./-]+", re.ASCII)
"""The paths that Orbax reads and writes. It takes brackets for patterns."""


@contextlib.contextmanager
def manager_of(folder: Path) -> Generator[ocp.CheckpointManager]:
    """Open a manager of a folder, to read its checkpoints."""
    options = ocp.CheckpointManagerOptions(
        create=False, enable_async_checkpointing=False, **_of_this_process()
    )
    handler = ocp.StandardCheckpointHandler(**_of_this_process())
    with (
        _plain(folder) as place,
        ocp.CheckpointManager(place, options=options, item_handlers=handler) as manager,
    ):
        yield manager


def write_checkpoint(path: Path, tree: Tree, metadata: Mapping[str, Any]) -> None:
    """Write one checkpoint as a manager of its folder would, without looking at the others.

    Args:
        path: the folder of the checkpoint, whose name is its step. Its parent exists.
        tree: the arrays.
        metadata: Orbax's custom metadata.
    """
    options = _of_this_process()
    handler = ocp.CompositeCheckpointHandler(
        composite_options=ocp.CompositeOptions(**options), default=ocp.StandardCheckpointHandler(**options)
    )
    arrays = ocp.args.Composite(default=ocp.args.StandardSave(tree))
    with _plain(path.parent) as folder, ocp.Checkpointer(handler, **options) as writer:
        writer.save(folder / path.name, args=arrays, custom_metadata=dict(metadata))


@contextlib.contextmanager
def _plain(folder: Path) -> Generator[Path]:
    """Give a folder, through a link where Orbax would misread its path."""
    if _PLAIN.fullmatch(str(folder)):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="seqlab-") as place:
        link = Path(place) / folder.name
        link.symlink_to(folder)
        yield link


def _of_this_process() -> dict[str, Any]:
    """Return Orbax's options by which a process saves and reads alone: all of them hold the whole state."""
    if not several():
        return {}
    index = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(primary_host=index, active_processes={index})
    return {"multiprocessing_options": alone}
