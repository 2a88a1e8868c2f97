"""Sequences and answers of a trained network, shown as its task shows them."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import EncoderDecoder, Network, OneToMany, Recurrent
from seqlab.generation.decoding import AS_PREDICTED, Beam, Sampling, beam_search, sample
from seqlab.generation.most_likely import likeliest
from seqlab.tasks.task import Task
from seqlab.types import Batch, ConfigError, Params, Tokens

DEFAULT_LENGTH = 200
"""How many outputs continue a prompt where no length is given."""


def generate_text(task: Task, network: Network, params: Params, length: int, seed: int) -> str:
    """Return what `generate` does without a prompt, as the task shows it."""
    return task.render(generate(task, network, params, length, seed=seed), network.framing)


def generate(
    task: Task,
    network: Network,
    params: Params,
    length: int | None = None,
    prompt: str | None = None,
    decoding: Sampling | Beam = AS_PREDICTED,
    seed: int = 0,
) -> np.ndarray:
    """Generate outputs one by one, each read back as the next input.

    Args:
        task: the task that the network is trained on.
        network: the network.
        params: its parameters.
        length: the number of outputs, or fewer where the task's end symbol comes first. None for a whole
            example where the architecture writes one, and for `DEFAULT_LENGTH` otherwise.
        prompt: what the network reads first; None for the first example of the validation split.
        decoding: how outputs are chosen.
        seed: the seed of the samples.

    Returns:
        int32 tokens `(T,)`, or float32 vectors or labels `(T, O)`. The prompt comes first where prompt and
        outputs are one sequence.

    Raises:
        ConfigError: the network cannot read its outputs, the prompt does not fit, or a decoding option needs
            tokens and the network writes none.
    """
    generator = require_can_generate(task, network)
    framing = network.framing
    if not isinstance(network.outputs, Tokens) and (option := _token_option(decoding)):
        raise ConfigError(f"{option} does not apply: task={task.name} with {framing} writes no tokens")
    if prompt is None:
        batch = task.evaluation_batch(jnp.int32(0), 1, "validation", framing, task.data)
        inputs, lengths = batch.inputs, batch.lengths
    else:
        inputs, lengths = jnp.asarray(task.read_prompt(prompt, framing))[None], None
    if length is None:
        length = _example_length(task, network, inputs.shape[1:2], lengths)
    end = task.end_symbol(framing)
    if isinstance(decoding, Beam):
        decode = jax.jit(functools.partial(beam_search, generator, length=length, beam=decoding, end=end))
        outputs = decode(params, inputs, lengths=lengths)[0][0, 0]
    else:
        decode = jax.jit(functools.partial(sample, generator, length=length, sampling=decoding, end=end))
        outputs = decode(params, inputs, key=jax.random.key(seed), lengths=lengths)[0][0]
    read = inputs[0] if lengths is None else inputs[0, : lengths[0]]
    return _with_prompt(task, network, read, _until_end(end, np.asarray(outputs)))


def answer(task: Task, network: Network, params: Params, prompt: str) -> str:
    """Return the most probable output for a prompt, as the task shows it.

    This is for networks that cannot generate: their one output is a class, tags or a forecast.

    Raises:
        ConfigError: the prompt does not fit.
    """
    inputs = jnp.asarray(task.read_prompt(prompt, network.framing))[None]
    unknown = jnp.zeros((1, 0))
    predictions = jax.jit(network.apply)(params, Batch(inputs, targets=unknown, mask=unknown))
    output = likeliest(network.outputs, predictions)[0]
    return task.render_answer(np.asarray(output), prompt, network.framing)


def can_generate(task: Task, network: Network) -> bool:
    """Say whether a network can read its own outputs back as inputs."""
    return isinstance(network, Recurrent) and (_reads_only_outputs(network) or task.autoregressive)


def require_can_generate(task: Task, network: Network) -> Recurrent:
    """Return the network; raise ConfigError where `can_generate` is False."""
    if not isinstance(network, Recurrent) or not can_generate(task, network):
        raise ConfigError(
            f"task={task.name} with architecture={network.framing} cannot generate: legal are "
            "architecture=one_to_many or encoder_decoder, and recurrent architectures on tasks that predict "
            "their own next input"
        )
    return network


def _token_option(decoding: Sampling | Beam) -> str | None:
    """Return the given option that applies to tokens only; None where there is none."""
    if isinstance(decoding, Beam):
        return "beam"
    if decoding.top_k is not None:
        return "top_k"
    return "top_p" if decoding.top_p < 1 else None


def _reads_only_outputs(network: Network) -> bool:
    """Say whether a network reads nothing but its own outputs while it generates."""
    return isinstance(network, (OneToMany, EncoderDecoder))


def _example_length(
    task: Task, network: Network, num_steps: tuple[int, ...], lengths: jax.Array | None
) -> int:
    """Return the number of outputs of a whole example.

    Args:
        task: the task.
        network: the network.
        num_steps: the number of steps of the inputs, `(T,)`; empty where the input is no sequence.
        lengths: int32 `(1,)`, the real steps; None where all T are.
    """
    if not _reads_only_outputs(network):
        return DEFAULT_LENGTH
    if isinstance(network, EncoderDecoder):
        (steps,) = num_steps if lengths is None else lengths.tolist()
        if (num_written := task.num_written(steps, network.framing)) is not None:
            return num_written
    batch = functools.partial(task.batch, size=1, framing=network.framing)
    return jax.eval_shape(batch, jax.random.key(0)).targets.shape[1]


def _until_end(end: int | None, outputs: np.ndarray) -> np.ndarray:
    """Return the outputs before the first end symbol."""
    return outputs if end is None else outputs[: np.append(np.flatnonzero(outputs == end), len(outputs))[0]]


def _with_prompt(task: Task, network: Network, inputs: Any, outputs: np.ndarray) -> np.ndarray:
    """Put the inputs before the outputs where the two are one sequence."""
    if not task.autoregressive:
        return outputs
    first = inputs[None] if isinstance(network, OneToMany) else inputs
    return np.concatenate([np.asarray(first), outputs])
