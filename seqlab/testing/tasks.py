"""Laws of a task: what training, evaluation and reproducibility rely on."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.metrics import METRICS
from seqlab.tasks import quick_options
from seqlab.tasks.task import SPLITS, Task
from seqlab.testing.laws import Laws, require, require_equal_by_value, same
from seqlab.types import Batch, IncompatibleError, Tokens, Transcript

MANY = 256
"""The examples of a batch in which padding and repetition show."""

TASK_LAWS = Laws("task")
"""The laws of a task; each takes a task and one of its framings."""


def check_task(task: Task, framings: Sequence[str] | None = None) -> None:
    """Check every law of a task, in each of its framings.

    Args:
        task: the task; short sequences are checked as well as long ones, and sooner.
        framings: the framings to check; all of the task's by default.

    Raises:
        BrokenLawError: the first law that does not hold.
    """
    for framing in framings or task.framings:
        TASK_LAWS.check(task, framing)


@functools.lru_cache(maxsize=32)
def _program(task: Task, framing: str, split: str) -> Callable[[jax.Array, Any], Batch]:
    """Return the jitted draw of `MANY` examples, which takes a key and the resident arrays."""

    def draw(key: jax.Array, data: Any) -> Batch:
        return task.batch(key, MANY, split, framing, data)

    return jax.jit(draw, compiler_options=quick_options())


@functools.lru_cache(maxsize=32)
def _drawn(task: Task, framing: str, split: str, seed: int = 0) -> Batch:
    """Return a batch of `MANY` examples; the laws share it, as most of their time is compilation."""
    return jax.device_get(_program(task, framing, split)(jax.random.key(seed), task.data))


@TASK_LAWS.add
def equality(task: Task, framing: str) -> None:
    """A task is hashable by value, and an equal task has the same fingerprint."""
    require_equal_by_value(dataclasses.replace(task))
    other = dataclasses.replace(task)
    require(
        other == task and hash(other) == hash(task), "a copy differs from the original or has another hash"
    )
    require(other.fingerprint() == task.fingerprint(), "a copy has another fingerprint")


@TASK_LAWS.add
def purity(task: Task, framing: str) -> None:
    """A batch is a pure function of its key, and another key draws another batch."""
    drawn = _drawn(task, framing, "train")
    traced_again = _program.__wrapped__(task, framing, "train")
    require(same(drawn, traced_again(jax.random.key(0), task.data)), "equal keys draw other batches")
    require(
        not same(drawn[:2], _drawn(task, framing, "train", seed=1)[:2]), "another key draws the same batch"
    )


@TASK_LAWS.add
def specs(task: Task, framing: str) -> None:
    """Inputs, targets and mask have the shapes, the types and the range of input_spec and output_spec."""
    form = "many_to_many" if framing == "encoder_decoder" else framing
    reads, _, writes = form.partition("_to_")
    for split in ("train", "test"):
        batch = _drawn(task, framing, split)
        named = (
            ("inputs", batch.inputs, task.input_spec(framing), reads),
            ("targets", batch.targets, task.output_spec(framing), writes),
        )
        for name, array, spec, steps in named:
            kind = jnp.int32 if isinstance(spec, Tokens | Transcript) else jnp.float32
            position = array.shape[1 + (steps == "many") :]
            require(len(array) == MANY, f"{name} of {MANY} examples have the shape {array.shape}")
            require(
                position == spec.shape, f"a position of {name} has the shape {position}, not {spec.shape}"
            )
            require(array.dtype == kind, f"{name} are {array.dtype}, not {jnp.dtype(kind)}")
            if kind == jnp.int32:
                require(array.min() >= 0 and array.max() < spec.size, f"{name} are not in [0, {spec.size})")
        expected = batch.targets.shape[: 1 + (writes == "many")]
        require(batch.mask.dtype == jnp.bool_, f"the mask is {batch.mask.dtype}, not bool")
        require(batch.mask.shape == expected, f"the mask has the shape {batch.mask.shape}, not {expected}")


@TASK_LAWS.add
def masks(task: Task, framing: str) -> None:
    """Steps after a sequence's end hold 0 and count in no metric, and every sequence counts somewhere."""
    batch = _drawn(task, framing, "train")
    end = task.end_symbol(framing)
    if framing == "one_to_many" and end is not None:
        ends = batch.mask.sum(axis=1)
        counted = np.arange(batch.mask.shape[1]) < ends[:, None]
        require(same(batch.mask, counted), "the mask is not True up to the end symbol")
        last = np.asarray(batch.targets)[np.arange(MANY), ends - 1]
        require((last == end).all(), "a counted output does not end in the end symbol")
    require(batch.mask.reshape(MANY, -1).any(axis=1).all(), "a sequence has no position that counts")
    if batch.lengths is None:
        hidden = ~np.asarray(batch.mask)
        if framing == "many_to_many" and hidden.any():
            after = np.logical_and.accumulate(hidden[:, ::-1], axis=1)[:, ::-1]
            padded = after.any() and not np.asarray(batch.inputs)[after].any()
            require(not padded, "sequences end in zeros that do not count, but there are no lengths")
        else:
            require(not hidden.any() or end is not None, "the mask hides positions, but there are no lengths")
        return
    real = np.arange(batch.inputs.shape[1]) < batch.lengths[:, None]
    require(not np.asarray(batch.inputs)[~real].any(), "inputs after the end are not 0")
    require(len(np.unique(batch.lengths)) > 1, "lengths are given, but all are the same: leave them None")
    if framing == "many_to_many" and not isinstance(task.output_spec(framing), Transcript):
        require(not (batch.mask & ~real).any(), "the mask counts positions after the end")


@TASK_LAWS.add
def evaluation_pass(task: Task, framing: str) -> None:
    """The evaluation pass over validation and test is fixed, and ends after num_evaluation examples."""
    for split in ("validation", "test"):
        count = task.num_evaluation(split, framing)
        last = (count - 1) // MANY
        whole = functools.partial(task.evaluation_batch, size=MANY, split=split, framing=framing)
        draw = jax.jit(whole, compiler_options=quick_options())
        block, again = (draw(jnp.int32(last), data=task.data) for _ in range(2))
        require(same(block, again), f"two passes over {split} differ")
        rows = np.asarray(block.mask).reshape(MANY, -1).any(axis=1)
        expected = np.arange(MANY) < count - MANY * last
        require(
            same(rows, expected),
            f"{rows.sum()} examples of the last block of {split} count, not {expected.sum()}",
        )


@TASK_LAWS.add
def goal(task: Task, framing: str) -> None:
    """The goal's metric is reported, and its threshold is better than its baseline."""
    goal, reference, metrics = task.goal(framing), task.reference(framing), task.metrics(framing)
    reported = ("loss", *metrics, *task.scored)
    require(
        goal.metric.removeprefix("free_running/") in reported,
        f"{goal.metric} is none of {', '.join(reported)}",
    )
    unknown = {name.rpartition("/")[2] for name in metrics} - METRICS.keys()
    require(not unknown, f"no metrics of these names: {', '.join(sorted(unknown))}")
    numbers = f"the threshold is {reference.threshold}, the baseline {reference.baseline}"
    require(goal.improves(reference.threshold, reference.baseline), numbers)
    require(reference.is_solved(reference.threshold, goal.higher_is_better), numbers)
    require(not reference.is_solved(reference.baseline, goal.higher_is_better), numbers)


@TASK_LAWS.add
def disjoint_splits(task: Task, framing: str) -> None:
    """Validation and test draw other examples than training, and share none with it where none repeats."""
    train = _examples(_drawn(task, framing, "train"))
    known = set(train)
    repeats = any(example in known for example in _examples(_drawn(task, framing, "train", seed=1)))
    for split in ("validation", "test"):
        drawn = _examples(_drawn(task, framing, split))
        same_place = sum(one == other for one, other in zip(drawn, train, strict=True)) / MANY
        require(
            same_place < 0.5, f"equal keys draw {same_place:.0%} of the examples of {split} in training too"
        )
        shared = sum(example in known for example in drawn) / MANY
        require(repeats or shared <= 0.02, f"{shared:.0%} of the examples of {split} are training examples")
        count = task.num_examples("train", framing)
        if count is not None and count <= 8 * MANY:  # few enough to compare with all of them
            everything = set(_examples(task.gather(jnp.arange(count), "train", framing, task.data)))
            shared = sum(example in everything for example in drawn) / MANY
            require(shared < 0.9, f"{shared:.0%} of the examples of {split} are training examples")


def _examples(batch: Batch) -> list[bytes]:
    """Return the inputs and targets of each example."""
    arrays = [np.asarray(batch.inputs), np.asarray(batch.targets)]
    return [b"".join(array[index].tobytes() for array in arrays) for index in range(len(arrays[0]))]


@TASK_LAWS.add
def framings(task: Task, framing: str) -> None:
    """A framing that does not fit is refused by IncompatibleError, in one line that names the legal ones."""
    require(framing in task.framings, f"{framing} is none of {', '.join(task.framings)}")
    try:
        task.batch(jax.random.key(0), MANY, framing="sideways")
    except IncompatibleError as error:
        legal = all(name in str(error) for name in ("architecture=sideways", *task.framings))
        require("\n" not in str(error) and legal, str(error))
    else:
        require(False, "a batch in the framing sideways")


@TASK_LAWS.add
def concrete_data(task: Task, framing: str) -> None:
    """The resident arrays are concrete, even where a trace asks for them first."""
    fresh = dataclasses.replace(task)
    jax.eval_shape(lambda key: fresh.batch(key, MANY, "train", framing), jax.random.key(0))
    for leaf in jax.tree.leaves(fresh.data):
        np.asarray(leaf)  # which a tracer cannot become


@TASK_LAWS.add
def compiles_once(task: Task, framing: str) -> None:
    """One compiled program draws the batches of every step of training, whatever the curriculum."""

    def draw(key: jax.Array, progress: jax.Array, data: Any) -> Batch:
        return task.batch(key, MANY, "train", framing, task.at_stage(data, progress))

    # A trace knows neither the key nor the progress, so that its program serves all of them.
    shapes = jax.eval_shape(draw, jax.random.key(0), jnp.float32(0), task.data)
    drawn = {split: _drawn(task, framing, split) for split in SPLITS}
    alike = jax.tree.map(lambda one, other: one.shape == other.shape, shapes, drawn["train"])
    require(jax.tree.all(alike), "a batch has another shape in a stage of training")
    inputs = {batch.inputs.shape for batch in drawn.values()}
    require(len(inputs) == 1, f"the inputs of the splits have the shapes {inputs}")
