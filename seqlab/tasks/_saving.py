"""Tasks whose generated sequences can be saved as files."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Saving(Protocol):
    """A task whose generated sequences can be saved as files.

    Attributes:
        file_ending: the ending of the files.
    """

    file_ending: str

    def save(self, sequence: np.ndarray, path: Path) -> None:
        """Write a generated sequence as a file.

        Raises:
            OSError: the file cannot be written.
        """
