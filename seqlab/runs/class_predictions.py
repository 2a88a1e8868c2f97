"""Predicted classes beside the true ones: confusions and calibration."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from seqlab.metrics.calibration import Calibration, calibration
from seqlab.metrics.classes import confusion
from seqlab.training import Program, evaluation
from seqlab.types import Params


@dataclasses.dataclass(frozen=True)
class ClassPredictions:
    """The true classes of some examples, and the predicted probabilities.

    Attributes:
        names: of the K classes.
        labels: int `(N,)`, the true classes.
        probabilities: float32 `(N, K)`.
    """

    names: list[str]
    labels: np.ndarray
    probabilities: np.ndarray

    @functools.cached_property
    def calibration(self) -> Calibration:
        """The predictions in bins of their confidence; `.error` is the expected calibration error."""
        right = self.probabilities.argmax(axis=-1) == self.labels
        return calibration(self.probabilities.max(axis=-1), right)

    def confusion(self) -> Any:
        """Return a `pandas.DataFrame`: how often each true class (rows) is predicted as each (columns)."""
        import pandas as pd

        counts = confusion(self.probabilities.argmax(axis=-1), self.labels, len(self.names))
        return pd.DataFrame(counts, pd.Index(self.names, name="label"), self.names)

    def reliability(self) -> Any:
        """Return a `pandas.DataFrame`, a row a bin: its bounds, `count`, mean `confidence` and `accuracy`."""
        import pandas as pd

        edges = np.linspace(0, 1, len(self.calibration.counts) + 1)
        columns = {"above": edges[:-1], "up_to": edges[1:], "count": self.calibration.counts}
        measured = {"confidence": self.calibration.confidence, "accuracy": self.calibration.accuracy}
        return pd.DataFrame(columns | measured)


def class_predictions(program: Program, params: Params, split: str) -> ClassPredictions:
    """Predict the classes of a split.

    Args:
        program: the run's program.
        params: the network's parameters.
        split: "train", "validation" or "test".

    Raises:
        ConfigError: the network predicts no class of an example.
    """
    task, network, size = program.task, program.network, program.training.evaluation_batch_size
    labels, probabilities = evaluation.class_probabilities(task, network, params, split, size)
    numbers = range(probabilities.shape[-1])
    names = [task.render(np.array(number), network.framing) for number in numbers]
    return ClassPredictions(names, labels, probabilities)
