"""Details of W&B that its documentation does not promise; `tests/tracking` fails loudly where they change."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from seqlab.tracking.wandb_server import FINISH_SECONDS, INIT_SECONDS

_QUIET: dict[str, Any] = {
    "silent": True,
    "console": "off",
    "symlink": False,
    "disable_git": True,
    "disable_code": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
"""Settings that print nothing and start fast. What they would record is in `summary.json`.

W&B calls the settings that start with `x_` experimental. Without them a run starts about a second later.
"""

_ID = "id.txt"
"""The file beside W&B's own folders that holds the id of the run."""

_APPLY_INPUTS = "_detect_and_apply_job_inputs"
"""The method of `wandb.Run` that imports W&B Launch."""


def quiet_settings() -> Any:
    """Return `wandb.Settings` that print nothing, start fast, and do not wait for long for a server."""
    import wandb

    return wandb.Settings(
        init_timeout=INIT_SECONDS, finish_timeout=FINISH_SECONDS, finish_timeout_raises=True, **_QUIET
    )


@contextlib.contextmanager
def without_launch() -> Generator[None]:
    """Let `wandb.init` not import W&B Launch, which takes as long as the rest of it.

    W&B imports it to apply inputs of a job that were staged before. There are none where nobody has imported
    it yet. The alternative is to wait.
    """
    import wandb

    apply_inputs = getattr(wandb.Run, _APPLY_INPUTS, None)
    if apply_inputs is None or "wandb.sdk.launch" in sys.modules:
        yield
        return
    setattr(wandb.Run, _APPLY_INPUTS, lambda run: None)
    try:
        yield
    finally:
        setattr(wandb.Run, _APPLY_INPUTS, apply_inputs)


def fill_table(table: Any, rows: Sequence[Sequence[Any]]) -> Any:
    """Append rows to a `wandb.Table` and return it.

    The alternative is `table.add_data`, which checks the type of every entry and takes longer than the rest
    of the picture.
    """
    table.data.extend(rows)
    return table


def note_id(folder: Path, identity: str) -> None:
    """Keep the id of a W&B run in a run folder, where W&B has its own folder in another place."""
    if identity != earlier_id(folder):
        (folder / "wandb").mkdir(exist_ok=True)
        (folder / "wandb" / _ID).write_text(identity)


def earlier_id(folder: Path) -> str | None:
    """Return the id of the last W&B run in a run folder; None where there is none.

    It was kept by `note_id`, or is read from the name of W&B's own folder,
    `[offline-]run-<date>_<time>-<id>[-<count>]`. The alternative is to choose the id and to record it.
    """
    if (kept := folder / "wandb" / _ID).is_file():
        return kept.read_text()
    names = [path.name.removeprefix("offline-") for path in Path(folder, "wandb").glob("*run-*_*-*")]
    return max(names).split("-")[2] if names else None
