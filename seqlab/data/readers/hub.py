"""Data sets of the hub by their id, or one line that says what to do where it cannot be reached."""

from __future__ import annotations

import os
import queue
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from seqlab.data.readers.datasets import table_of
from seqlab.data.readers.files import suffixes
from seqlab.data.splits import split_name
from seqlab.data.table import Table
from seqlab.types import ConfigError

PATIENCE = 1.0
"""The seconds within which the hub must answer."""
PARQUET = "refs/convert/parquet"
"""The branch on which the hub keeps, as parquet files, the rows that a loading script would produce."""


def read_hub(name: str, config: str | None, alternatives: str) -> dict[str, Table]:
    """Read every split of a data set from the hub, or from the local cache of an earlier download.

    Args:
        name: `owner/name`.
        config: the configuration of the data set; None for its only one.
        alternatives: tasks that need no hub, for the message.

    Raises:
        ConfigError: the data set is not cached and the hub cannot be reached (or HF_HUB_OFFLINE is set); or
            the hub has no data set of that name and configuration.
    """
    import huggingface_hub.constants as hub

    status = None if hub.HF_HUB_OFFLINE else _status(f"{hub.ENDPOINT}/api/datasets/{name}")
    if status is None and not _cached(name):
        reason = "HF_HUB_OFFLINE is set" if hub.HF_HUB_OFFLINE else "the hub does not answer"
        raise ConfigError(
            f"task.source={name} cannot be fetched, {reason}: save its rows as a file "
            f"({' '.join(suffixes())}) and set task.source=FILE, or choose {alternatives}, which needs no hub"
        )
    if status in (401, 404):
        raise ConfigError(f"task.source={name} is not on the hub, or is not public")
    try:
        splits = _load(name, config, offline=status is None)
    except Exception as error:  # from the client, the builder, or the network
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(f"task.source={name} cannot be read: {reason}") from error
    tables: dict[str, Table] = {}
    for split, rows in splits.items():
        if split_name(split) in tables:
            raise ConfigError(f"task.source={name} has two splits {split_name(split)}: {', '.join(splits)}")
        tables[split_name(split)] = table_of(f"{name} ({split})", rows)
    return tables


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
    """Say whether `datasets` may hold a copy of an earlier download."""
    from huggingface_hub.constants import HF_HOME  # importing `datasets` instead takes a second

    folder = Path(os.environ.get("HF_DATASETS_CACHE", f"{HF_HOME}/datasets"))
    return (folder / name.replace("/", "___")).is_dir()


def _status(address: str) -> int | None:
    """Return the HTTP status of an address; None where nothing answers in time, even if a look-up hangs."""
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
