"""Is the hub in reach? Datasets by their id, or one line that says what to do instead."""

from __future__ import annotations

import os
import queue
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from seqlab.data.files import SUFFIXES, table_of
from seqlab.data.table import Table
from seqlab.types import ConfigError

PATIENCE = 1.0
"""How many seconds the hub has to answer."""
PARQUET = "refs/convert/parquet"
"""The branch on which the hub itself holds, as parquet files, what a script of the dataset's would read."""


def read_hub(name: str, config: str | None, instead: str) -> dict[str, Table]:
    """Read every split of a dataset from the hub, or from where an earlier run left it.

    Args:
        name: `owner/name`.
        config: which of the dataset's configurations; None for its only one.
        instead: what needs no hub, for the message.

    Raises:
        ConfigError: the hub is out of reach, or was told to be, and the dataset was never fetched; or it has
            none of that name and configuration.
    """
    import huggingface_hub.constants as hub

    status = None if hub.HF_HUB_OFFLINE else _status(f"{hub.ENDPOINT}/api/datasets/{name}")
    if status is None and not _cached(name):
        reason = "HF_HUB_OFFLINE is set" if hub.HF_HUB_OFFLINE else "the hub does not answer"
        raise ConfigError(
            f"task.source={name} cannot be fetched, {reason}: save its rows as a file "
            f"({' '.join(SUFFIXES)}) and set task.source=FILE, or choose {instead}, which needs no hub"
        )
    if status in (401, 404):
        raise ConfigError(f"task.source={name} is not on the hub, or is not public")
    try:
        splits = _load(name, config, offline=status is None)
    except Exception as error:  # of the client, the builder, or the network half-way
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"task.source={name} cannot be read: {reason}") from error
    return {split: table_of(f"{name} ({split})", rows) for split, rows in splits.items()}


def _load(name: str, config: str | None, offline: bool) -> Any:
    import datasets

    datasets.disable_progress_bars()
    once = datasets.DownloadConfig(max_retries=0, local_files_only=offline)
    try:
        return datasets.load_dataset(name, config, download_config=once)
    except RuntimeError as error:
        if "scripts are no longer supported" not in str(error):
            raise
        return datasets.load_dataset(name, config, revision=PARQUET, download_config=once)


def _cached(name: str) -> bool:
    """Say whether `datasets` may hold a copy of what it fetched before."""
    from huggingface_hub.constants import HF_HOME  # importing `datasets` to ask it takes a second

    folder = Path(os.environ.get("HF_DATASETS_CACHE", f"{HF_HOME}/datasets"))
    return (folder / name.replace("/", "___")).is_dir()


def _status(address: str) -> int | None:
    """Return the HTTP status of an address, None where nothing answers in time, however a look-up hangs."""
    answers: queue.Queue[int | None] = queue.Queue()
    threading.Thread(target=lambda: answers.put(_ask(address)), daemon=True).start()
    try:
        return answers.get(timeout=PATIENCE)
    except queue.Empty:
        return None


def _ask(address: str) -> int | None:
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
