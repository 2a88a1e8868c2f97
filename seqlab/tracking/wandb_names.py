"""Names of a W&B run: how it is called, grouped and tagged, and its config as W&B shows it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import Any

from seqlab.tracking.encoding import to_plain
from seqlab.tracking.lines import number
from seqlab.tracking.tracker import RunInfo

MAX_TAG = 64
"""The longest tag that W&B accepts, in characters."""

NAMED = ("cell", "architecture", "task")
"""The groups of the config that get a key `name`, because a `_target_` is hard to read and to group by."""


def run_name(info: RunInfo) -> str:
    """Return the name of a run, such as `gru-adding-learning_rate=0.001-seed3`.

    It is the name of the config, or that of `WANDB_NAME`; in a sweep, whose runs all have it, followed by
    what tells the run apart. By default it is cell and task, what tells the run apart, and the seed.
    """
    name = given(info, "name")
    if name is not None:
        return "-".join([name, *map(_short, info.axes)])
    others = [
        axis for axis in info.axes if axis.partition("=")[0].lstrip("+") not in ("cell", "task", "seed")
    ]
    return "-".join([info.cell, info.task, *map(_short, others), f"seed{info.seed}"])


def given(info: RunInfo, key: str) -> str | None:
    """Return a text of the config, or else of W&B's variable of that name; None where neither is given."""
    chosen = info.config.get(key)
    return os.environ.get(f"WANDB_{key.upper()}") if chosen is None else str(chosen)


def _short(axis: str) -> str:
    """Return an override with the last part of its key and few digits, such as `learning_rate=0.001`."""
    key, _, value = axis.partition("=")
    with contextlib.suppress(ValueError):
        value = number(float(value), 3) if "." in value or "e" in value else value
    return f"{key.rpartition('.')[2].rpartition('/')[2].lstrip('+')}={value}"


def group_name(group: str | None, default: str | None) -> str | None:
    """Return the group of the config, of `WANDB_RUN_GROUP`, or by default."""
    return group or os.environ.get("WANDB_RUN_GROUP") or default


def job_type(info: RunInfo) -> str:
    """Return the overrides of a run on the axes of its sweep without the seed, or the architecture."""
    axes = [axis for axis in info.axes if not axis.startswith("seed=")]
    return " ".join(axes)[:MAX_TAG] or info.architecture


def all_tags(info: RunInfo, tags: Sequence[str]) -> list[str]:
    """Return cell, architecture, task, the overrides on the axes, and the tags that the user names."""
    of_environment = [tag for tag in os.environ.get("WANDB_TAGS", "").split(",") if tag]
    own = [info.cell, info.architecture, info.task, *info.axes]
    return list(dict.fromkeys(tag[:MAX_TAG] for tag in (*own, *tags, *of_environment)))


def readable_config(info: RunInfo) -> dict[str, Any]:
    """Return the config of a run, in which cell, architecture and task have their names beside `_target_`."""
    config = to_plain(info.config)
    names = {key: getattr(info, key) for key in NAMED if isinstance(config.get(key), Mapping)}
    return {**config, **{key: {**config[key], "name": name} for key, name in names.items()}}
