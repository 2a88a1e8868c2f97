"""A trained run as an object: what it was, what it logged, and what its network says of new data."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import jax.numpy as jnp
import numpy as np

from seqlab.architectures import Network
from seqlab.data.memory import hold_tables
from seqlab.data.padding import pad
from seqlab.generation.decoding import AS_PREDICTED, Beam, Sampling
from seqlab.generation.generate import answer, can_generate, generate
from seqlab.runs.by_length import ByLength, evaluate_lengths
from seqlab.runs.class_predictions import ClassPredictions, class_predictions
from seqlab.runs.evaluation import evaluate
from seqlab.runs.files import read_request
from seqlab.runs.folder import Trained, load
from seqlab.runs.forecast import forecast
from seqlab.runs.new_data import table_of
from seqlab.runs.prediction import Predictions, batches, predict, read_inputs
from seqlab.runs.request import resolve
from seqlab.runs.states import LayerStates, reads_targets, states
from seqlab.tasks.task import SPLITS, Task
from seqlab.tracking import read_rows, read_summary
from seqlab.tracking.run_folder import UNFINISHED
from seqlab.training import Program
from seqlab.types import Batch, ConfigError, Params


class TrainedRun:
    """A run that was trained, with the parameters of its best evaluation.

    Its network and its parameters are loaded when they are first used, so the config, the summary and the
    metrics of a run without a checkpoint can be read too.

    Attributes:
        config: the resolved config, as plain dicts and lists; empty for a run that `fit` trained.
        summary: the content of `summary.json`; `status` is "unfinished" where there is none.
        rows: the rows of `metrics.jsonl`.
        folder: the run folder; None where there is none.
    """

    def __init__(
        self,
        trained: Callable[[], Trained],
        config: Mapping[str, Any],
        summary: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
        folder: Path | None = None,
    ) -> None:
        """Take the function that loads program and parameters, and what was logged."""
        self._load, self.config, self.summary, self.rows = trained, config, summary, rows
        self.folder = folder

    def __repr__(self) -> str:
        names = " ".join(f"{key}={self.summary.get(key)}" for key in ("cell", "architecture", "task", "seed"))
        return f"<TrainedRun {names} status={self.summary.get('status')} folder={self.folder}>"

    @functools.cached_property
    def _trained(self) -> Trained:
        return self._load()

    @property
    def program(self) -> Program:
        """The run as pure functions: `init`, `batch`, `step`, `diagnose`."""
        return self._trained.program

    @property
    def params(self) -> Params:
        """The parameters of the best evaluation on the validation split."""
        return self._trained.params

    @property
    def task(self) -> Task:
        """The task, with the vocabulary, classes and scaling of the run."""
        return self.program.task

    @property
    def network(self) -> Network:
        """The network."""
        return self.program.network

    @functools.cached_property
    def metrics(self) -> Any:
        """All rows as a `pandas.DataFrame` by step; arrays are lists, and NaN is what a step did not log."""
        import pandas as pd

        by_step: dict[int, dict[str, Any]] = {}
        for row in self.rows:
            by_step.setdefault(row["step"], {}).update(row)
        if not by_step:
            return pd.DataFrame(index=pd.Index([], name="step"))
        return pd.DataFrame([by_step[step] for step in sorted(by_step)]).set_index("step")

    def predict(self, inputs: Sequence[Any], advance: Callable[[int], None] | None = None) -> Predictions:
        """Predict the outputs of new examples; the data of the run are not needed.

        Args:
            inputs: a list of texts, of lists of tokens, of paths or of arrays, whatever a row of the task's
                data holds; or one array with a leading axis of examples.
            advance: is told after each batch how many examples it had.

        Raises:
            ConfigError: an example does not fit; the message names its place.
        """
        return predict(self.task, self.network, self.params, inputs, self._batch_size, advance)

    def forecast(self, data: Any = None, steps: int | None = None, seed: int = 0) -> Any:
        """Forecast what follows the end of each series, step by step, also beyond the trained horizon.

        Args:
            data: the path of a file, or columns by name, in the form of the run's data; None for the run's
                own series.
            steps: the number of steps; None for the horizon of the task.
            seed: of the paths that are sampled where the run predicts a distribution.

        Returns:
            A `pandas.DataFrame`, a row a step of each series: its name where there are several, `step`, the
            time where the data have times, and the forecast of each column; with a distribution also the
            quantiles .1, .5 and .9 as `<column>_q10` and so on.

        Raises:
            ConfigError: the run forecasts no series, or one is too short.
        """
        return forecast(self.task, self.network, self.params, data, steps, seed)

    def generate(
        self,
        prompt: str | None = None,
        length: int | None = None,
        decoding: Sampling | Beam = AS_PREDICTED,
        seed: int = 0,
    ) -> str:
        """Return a generated sequence, or the network's answer to a prompt, as the task shows it.

        Args:
            prompt: what the network reads first; None for an example of the validation split.
            length: the number of outputs; None for a whole example, or 200.
            decoding: how outputs are chosen.
            seed: the seed of the samples.

        Raises:
            ConfigError: the prompt does not fit, or the network gives one answer and there is no prompt.
        """
        if can_generate(self.task, self.network):
            sequence = self.generate_sequence(prompt, length, decoding, seed)
            return self.task.render(sequence, self.network.framing)
        if prompt is None:
            raise ConfigError(f"prompt is missing: {self._one_answer}")
        return answer(self.task, self.network, self.params, prompt)

    def generate_sequence(
        self,
        prompt: str | None = None,
        length: int | None = None,
        decoding: Sampling | Beam = AS_PREDICTED,
        seed: int = 0,
    ) -> np.ndarray:
        """Return a generated sequence as an array: int32 tokens `(T,)`, or float32 `(T, O)`.

        Args:
            prompt: as in `generate`, like the other arguments.
            length: the number of outputs.
            decoding: how outputs are chosen.
            seed: the seed of the samples.
        """
        return generate(self.task, self.network, self.params, length, prompt, decoding, seed)

    @property
    def _one_answer(self) -> str:
        return f"task={self.task.name} with architecture={self.network.framing} gives one answer to a prompt"

    @overload
    def evaluate(self, data: Any = "test", lengths: None = None) -> dict[str, float]: ...

    @overload
    def evaluate(self, data: Any, lengths: Sequence[int]) -> ByLength: ...

    @overload
    def evaluate(self, *, lengths: Sequence[int]) -> ByLength: ...

    def evaluate(
        self, data: Any = "test", lengths: Sequence[int] | None = None
    ) -> dict[str, float] | ByLength:
        """Return the loss, the metrics and the scores on a split, or on other labelled data.

        Args:
            data: "train", "validation" or "test"; or the path of a file or a folder, or columns by name as
                `seqlab.run` takes them, with the columns of the run's data. Of data with splits the test
                split is taken, otherwise every row.
            lengths: the sequence lengths to evaluate at; None for those of the task.

        Returns:
            The values by `<split>/<metric>`; with `lengths` a table of them.

        Raises:
            ConfigError: there is no such split or file, it does not fit, or the task has no lengths.
        """
        split, program = "test", self.program
        if isinstance(data, str) and data in SPLITS:
            split = data
        elif lengths is not None:
            raise ConfigError(f"lengths needs one of the splits {', '.join(SPLITS)}, got other data")
        else:
            program = dataclasses.replace(program, task=self._task_on(data))
        if lengths is not None:
            return evaluate_lengths(program, self.params, lengths, split)
        return evaluate(program, self.params, split)

    def class_predictions(self, split: str = "test") -> ClassPredictions:
        """Return the true classes and the predicted probabilities of a split, and tables of them.

        Raises:
            ConfigError: the run predicts no class of an example.
        """
        return class_predictions(self.program, self.params, split)

    def states(self, inputs: Sequence[Any]) -> dict[str, LayerStates]:
        """Return hidden states, carries and gates of every layer over time, without the data of the run.

        A network that writes its outputs one by one reads here those of `predict`.

        Args:
            inputs: as in `predict`.

        Raises:
            ConfigError: an example does not fit, or the network has no recurrence.
        """
        read = read_inputs(self.task, self.network, inputs)
        [(_, batch)] = batches(self.network, read, len(read))
        if reads_targets(self.network):
            outputs = self.predict(inputs).outputs
            targets, lengths = pad(outputs, max(map(len, outputs)))
            mask = jnp.arange(targets.shape[1]) < lengths[:, None]
            batch = Batch(batch.inputs, jnp.asarray(targets), mask, batch.lengths)
        return states(self.network, self.params, batch)

    @property
    def _batch_size(self) -> int:
        return self.program.training.evaluation_batch_size

    def _task_on(self, data: Any) -> Task:
        """Return the task with other data as its test split, and the vocabulary of the run."""
        fields = {field.name for field in dataclasses.fields(self.task)}
        if self.task.reader is None or "vocabulary" not in fields:
            raise ConfigError(f"task={self.task.name} has no other data: legal are {', '.join(SPLITS)}")
        if isinstance(data, (str, Path)) and not Path(data).exists():
            raise ConfigError(f"{data} is no file, and none of {', '.join(SPLITS)}")
        test = {"test": table_of(self.task, data)}
        return dataclasses.replace(self.task, source=hold_tables(test), config=None)


def load_run(folder: str | Path) -> TrainedRun:
    """Load a trained run from its folder alone; its training data are not needed.

    Args:
        folder: the run folder.

    Returns:
        The run: `.config`, `.summary`, `.metrics`, `.task`, `.network`, `.params`, `.predict(inputs)`,
        `.generate(prompt)`, `.evaluate("test")`, `.states(inputs)`.

    Raises:
        ConfigError: the folder is not one of a run.
    """
    folder = Path(folder)
    config = resolve(read_request(folder).config)
    try:
        summary = read_summary(folder)
    except FileNotFoundError:
        summary = {**read_request(folder).identity, "status": UNFINISHED}
    summary["folder"] = str(folder.absolute())  # it may have moved
    return TrainedRun(lambda: load(folder), config, summary, read_rows(folder), folder)
