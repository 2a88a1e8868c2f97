"""Predictions for the rows of a file, by a trained run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.data.columns.classes import classes_of
from seqlab.data.media.files import COLUMN_OF_SUFFIX, is_hidden
from seqlab.runs.class_predictions import ClassPredictions
from seqlab.runs.new_data import table_of
from seqlab.runs.prediction import Predictions
from seqlab.runs.trained_run import TrainedRun
from seqlab.tasks.new_rows import ReadsRows
from seqlab.tasks.task import Task
from seqlab.types import ConfigError


@dataclasses.dataclass(frozen=True)
class FilePredictions:
    """What a network says of the rows of a file.

    Attributes:
        names: of the rows that were answered, such as "row 3".
        predictions: their answers.
        bad: why a row was skipped, by its name.
    """

    names: list[str]
    predictions: Predictions
    bad: Mapping[str, str]

    def frame(self) -> Any:
        """Return a `pandas.DataFrame`: `row`, `answer` and a column for each named probability."""
        frame = self.predictions.frame()
        frame.insert(0, "row", self.names, allow_duplicates=True)
        return frame


def predict_file(
    run: TrainedRun,
    path: Path,
    skip_bad: bool = False,
    advance: Callable[[int], None] | None = None,
) -> FilePredictions:
    """Predict the outputs of the rows of a file, which needs no labels; the data of the run are not needed.

    Args:
        run: the trained run.
        path: a file with the column that the run's task reads, an image or a sound, or a folder of them; of a
            folder with splits, the test split is read.
        skip_bad: whether rows that cannot be read are left out.
        advance: is told after each batch how many rows it had.

    Raises:
        ConfigError: the file cannot be read; a row cannot be, and `skip_bad` is false; or none can be.
    """
    values, bad = new_rows(run.task, path), {}
    for name, value in list(values.items()):
        try:
            run.task.read_input(value, run.network.framing)
        except ConfigError as error:
            complaint = str(error).removeprefix("prompt").lstrip(": ")
            if not skip_bad:
                raise ConfigError(f"{path}, {name}: {complaint}; skip_bad leaves such rows out") from error
            bad[name] = complaint
            del values[name]
    if not values:
        raise ConfigError(f"{path}: no row can be read, such as {next(iter(bad.items()))}")
    return FilePredictions(list(values), run.predict(list(values.values()), advance), bad)


@dataclasses.dataclass(frozen=True)
class LabelledPredictions:
    """What a network says of the rows of a file whose classes are known.

    Attributes:
        labels: the true class of each row.
        found: the predictions.
    """

    labels: list[str]
    found: FilePredictions

    def errors(self) -> Any:
        """Return a `pandas.DataFrame` of the rows that are answered wrong, with their `label`."""
        frame = self.found.frame()
        frame.insert(1, "label", self.labels, allow_duplicates=True)
        return frame[[a != b for a, b in zip(self.labels, self.found.predictions.answers, strict=True)]]

    @property
    def classes(self) -> ClassPredictions:
        """The true classes and the predicted probabilities.

        Raises:
            ConfigError: the network predicts no class of a row.
        """
        predictions = self.found.predictions
        if predictions.names is None or predictions.probabilities is None:
            raise ConfigError("the run predicts no class of a row")
        labels = np.array([predictions.names.index(name) for name in self.labels])
        return ClassPredictions(predictions.names, labels, np.stack(predictions.probabilities))


def predict_labelled(run: TrainedRun, path: Path) -> LabelledPredictions:
    """Predict the classes of the rows of a file that has them.

    Raises:
        ConfigError: the task has no column of classes, the file cannot be read, or has a class that the run
            does not know.
    """
    label = getattr(run.task, "label", None)
    if label is None:
        raise ConfigError(f"task {run.task.name} has no classes that can be compared")
    table = table_of(run.task, path)
    column = classes_of(label)
    column.require(table)
    labels, found = column.read(table), predict_file(run, path)
    known = found.predictions.names or labels
    for index, name in enumerate(labels):
        if name not in known:
            raise table.refusal(index, column.name, f"{name!r} is not a class of the run: {', '.join(known)}")
    return LabelledPredictions(labels, found)


def new_rows(task: Task, path: Path) -> dict[str, Any]:
    """Return what `Task.read_input` takes of each row of a file, by the name of the row.

    Raises:
        ConfigError: the task answers no rows, or the file cannot be read.
    """
    if not isinstance(task, ReadsRows):
        raise ConfigError(
            f"task {task.name} answers no rows of a file: use load_run(RUN_DIR).predict in Python"
        )
    if files := _media(path):
        return {str(file): file for file in files}
    return dict(task.new_inputs(table_of(task, path)))


def _media(path: Path) -> list[Path]:
    """Return an image, sound or score, or those that stand in a folder itself."""
    inside = [path] if path.is_file() else sorted(path.glob("*")) if path.is_dir() else []
    return [file for file in inside if file.suffix.lower() in COLUMN_OF_SUFFIX and not is_hidden(file)]
