"""Who hears of it?

One stream of rows, `{"step": int, "<key>": number or list}`, feeds three listeners: the run folder, the
console and Weights & Biases.
"""

from seqlab.tracking.chorus import Chorus
from seqlab.tracking.console import Console
from seqlab.tracking.run_folder import STATUSES, RunFolder, find_runs, read_rows, read_summary
from seqlab.tracking.tracker import RunInfo, Tracker, Trackers
from seqlab.tracking.weights_and_biases import WeightsAndBiases

__all__ = [
    "STATUSES",
    "Chorus",
    "Console",
    "RunFolder",
    "RunInfo",
    "Tracker",
    "Trackers",
    "WeightsAndBiases",
    "find_runs",
    "read_rows",
    "read_summary",
]
