"""Who is informed? Trackers: the run folder, the console, Weights & Biases, and any other.

Each receives the same rows, `{"step": int, "<key>": number or list}`.
"""

from seqlab.tracking.callback import Callback
from seqlab.tracking.console import Console
from seqlab.tracking.group_console import GroupConsole
from seqlab.tracking.profile import Profile
from seqlab.tracking.run_folder import (
    STATUSES,
    RunFolder,
    find_runs,
    read_rows,
    read_summary,
    write_atomically,
)
from seqlab.tracking.tensorboard import TensorBoard
from seqlab.tracking.tracker import RunInfo, Tracker, Trackers
from seqlab.tracking.weights_and_biases import WeightsAndBiases

__all__ = [
    "STATUSES",
    "Callback",
    "Console",
    "GroupConsole",
    "Profile",
    "RunFolder",
    "RunInfo",
    "TensorBoard",
    "Tracker",
    "Trackers",
    "WeightsAndBiases",
    "find_runs",
    "read_rows",
    "read_summary",
    "write_atomically",
]
