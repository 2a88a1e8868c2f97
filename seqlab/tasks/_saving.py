"""Which tasks show more than text? Those that save what a network writes as a file."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import ClassVar

import numpy as np


class Saving(abc.ABC):
    """What a task is besides, whose generated sequences can be saved.

    Class attributes:
        file_ending: of the file.
    """

    file_ending: ClassVar[str]

    @abc.abstractmethod
    def save(self, sequence: np.ndarray, path: Path) -> None:
        """Write one generated sequence as a file.

        Raises:
            OSError: it cannot be written.
        """
