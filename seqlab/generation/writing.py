"""What does a trained network write? One sequence, or one answer to what it reads, also shown as text."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import EncoderDecoder, OneToMany, Recurrent
from seqlab.generation.decoding import AS_PREDICTED, Beam, Sampling, sample, search
from seqlab.generation.most_likely import likeliest
from seqlab.types import Batch, ConfigError, Params, Tokens

if TYPE_CHECKING:
    from seqlab.training.program import Program


def write_sample(program: Program, params: Params, length: int, seed: int) -> str:
    """Return what `write_sequence` does without a prompt, as the task shows it."""
    return program.task.render(write_sequence(program, params, length, seed=seed), program.architecture)


def write_sequence(
    program: Program,
    params: Params,
    length: int | None = None,
    prompt: str | None = None,
    decoding: Sampling | Beam = AS_PREDICTED,
    seed: int = 0,
) -> np.ndarray:
    """Let a network go on from a prompt and return it with the prompt, where the two are of one kind.

    Args:
        program: whose network and task.
        params: the network's parameters.
        length: how many outputs to write, fewer where the task's end symbol comes; None for a whole example
            where the task says how long that is, and 200 where it does not.
        prompt: what it goes on from; by default the first example of the validation split.
        decoding: how outputs are chosen.
        seed: of the samples.

    Returns:
        int32 tokens `(T,)`, or float32 vectors or labels `(T, O)`.

    Raises:
        ConfigError: the task's outputs cannot be read back as inputs, the prompt does not fit, or there are
            no tokens to search or to choose among.
    """
    require_writer(program)
    task, architecture, network = program.task, program.architecture, program.network
    if not isinstance(network.outputs, Tokens) and (option := _of_tokens(decoding)):
        raise ConfigError(f"{option} does not apply: task={task.name} with {architecture} writes no tokens")
    if prompt is None:
        batch = task.evaluation_batch(jnp.int32(0), 1, "validation", architecture, task.data)
        inputs, lengths = batch.inputs, batch.lengths
    else:
        inputs, lengths = jnp.asarray(task.read_prompt(prompt, architecture))[None], None
    if length is None:
        length = _natural_length(program, inputs.shape[1:2], lengths)
    end = task.end_symbol(architecture)
    if isinstance(decoding, Beam):
        found = jax.jit(functools.partial(search, network, length=length, beam=decoding, end=end))
        written = found(params, inputs, lengths=lengths)[0][0, 0]
    else:
        found = jax.jit(functools.partial(sample, network, length=length, sampling=decoding, end=end))
        written = found(params, inputs, key=jax.random.key(seed), lengths=lengths)[0][0]
    read = inputs[0] if lengths is None else inputs[0, : lengths[0]]
    return _joined(program, read, _until(end, np.asarray(written)))


def answer(program: Program, params: Params, prompt: str) -> str:
    """Let a network that does not go on read a prompt, and return its likeliest answer as the task shows it.

    Args:
        program: whose network and task.
        params: the network's parameters.
        prompt: what it reads.

    Raises:
        ConfigError: the prompt does not fit.
    """
    task, architecture, network = program.task, program.architecture, program.network
    inputs = jnp.asarray(task.read_prompt(prompt, architecture))[None]
    told = jax.jit(network.apply)(params, Batch(inputs, targets=None, mask=None))
    likely = likeliest(network.outputs, told)[0]
    return task.render_answer(np.asarray(likely), prompt, architecture)


def goes_on(program: Program) -> bool:
    """Say whether a program's network can read back what it writes."""
    task, network = program.task, program.network
    return _writes(network) or (isinstance(network, Recurrent) and task.autoregressive)


def require_writer(program: Program) -> None:
    """Raise ConfigError where a program's network cannot read back what it writes."""
    if not goes_on(program):
        raise ConfigError(
            f"task={program.task.name} with architecture={program.architecture} cannot generate: legal are "
            "architecture=one_to_many or encoder_decoder, and recurrent architectures on tasks that predict "
            "their own next input"
        )


def _of_tokens(decoding: Sampling | Beam) -> str | None:
    """Return the option that was given for tokens alone; None where none was."""
    if isinstance(decoding, Beam):
        return "--beam"
    if decoding.top_k is not None:
        return "--top-k"
    return "--top-p" if decoding.top_p < 1 else None


def _writes(network: Any) -> bool:
    """Say whether all that a network reads while it writes is what it wrote."""
    return isinstance(network, (OneToMany, EncoderDecoder))


def _natural_length(program: Program, num_steps: tuple[int, ...], lengths: jax.Array | None) -> int:
    """Return how many outputs make a whole example, whose inputs have so many steps, or lengths `(1,)`."""
    task, architecture, network = program.task, program.architecture, program.network
    if not _writes(network):
        return 200
    if isinstance(network, EncoderDecoder):
        (steps,) = num_steps if lengths is None else lengths.tolist()
        if (answer := task.num_written(steps, architecture)) is not None:
            return answer
    batch = functools.partial(task.batch, size=1, framing=architecture)
    return jax.eval_shape(batch, jax.random.key(0)).targets.shape[1]


def _until(end: int | None, written: np.ndarray) -> np.ndarray:
    """Return what was written up to the first end symbol, which is left out."""
    return written if end is None else written[: np.append(np.flatnonzero(written == end), len(written))[0]]


def _joined(program: Program, inputs: Any, written: np.ndarray) -> np.ndarray:
    """Put the prompt before the continuation where the two are of one kind."""
    if not program.task.autoregressive:
        return written
    first = inputs[None] if isinstance(program.network, OneToMany) else inputs
    return np.concatenate([np.asarray(first), written])
