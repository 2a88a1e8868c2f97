"""Transcripts: the loss sums over all paths, and predictions are read off the most probable one."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from seqlab.generation.most_likely import best_path
from seqlab.metrics import loss
from seqlab.types import Batch, Transcript

T, O = 5, 3  # noqa: E741
BLANK = O - 1
TRANSCRIPTS = [[0, 1, 0], [1, 1], [1]]
LENGTHS = [T, T - 1, 2]
"""How many of T steps spell each of them."""
LOGITS = np.random.default_rng(0).normal(size=(len(LENGTHS), T, O)).astype(np.float32)


def batch_of(transcripts, lengths):
    targets = [tokens + [0] * (3 - len(tokens)) for tokens in transcripts]
    mask = [[index < len(tokens) for index in range(3)] for tokens in transcripts]
    return Batch(None, jnp.array(targets), jnp.array(mask), jnp.array(lengths))


def read(path):
    """Read a transcript off a path, symbol by symbol."""
    return [symbol for symbol, _ in itertools.groupby(path) if symbol != BLANK]


def nats_by_enumeration(logits, tokens, steps):
    logs = np.asarray(logits, np.float64)
    logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
    paths = (path for path in itertools.product(range(O), repeat=steps) if read(path) == tokens)
    return -np.log(sum(np.exp(logs[range(steps), list(path)].sum()) for path in paths))


def test_the_loss_sums_over_every_path_that_spells_the_transcript():
    found = loss(Transcript(BLANK), LOGITS, batch_of(TRANSCRIPTS, LENGTHS))
    expected = sum(map(nats_by_enumeration, LOGITS, TRANSCRIPTS, LENGTHS))
    np.testing.assert_allclose(found.total, expected, rtol=1e-5)
    assert found.weight == sum(map(len, TRANSCRIPTS))


def test_the_loss_of_a_whole_sequence_is_that_of_optax():
    found = loss(Transcript(BLANK), LOGITS[:1], batch_of(TRANSCRIPTS[:1], LENGTHS[:1]))
    targets = jnp.array(TRANSCRIPTS[:1])
    nats = optax.ctc_loss(LOGITS[:1], jnp.zeros((1, T)), targets, jnp.zeros((1, 3)), blank_id=BLANK)
    np.testing.assert_allclose(found.value, nats[0] / 3, rtol=1e-6)


def test_what_is_padding_or_masked_out_counts_nothing():
    batch = batch_of(TRANSCRIPTS, LENGTHS)
    less = batch._replace(mask=batch.mask.at[1].set(False), lengths=batch.lengths.at[1].set(0))
    value, slopes = jax.value_and_grad(lambda logits: loss(Transcript(BLANK), logits, less).value)(LOGITS)
    real = np.arange(T) < np.array([LENGTHS[0], 0, LENGTHS[2]])[:, None]
    np.testing.assert_array_equal(np.asarray(slopes).any(axis=-1), real)
    padded = np.concatenate([np.where(real[..., None], LOGITS, 9), np.full((3, 2, O), 9, np.float32)], axis=1)
    np.testing.assert_allclose(loss(Transcript(BLANK), padded, less).value, value, rtol=1e-6)


def test_a_transcript_without_tokens_costs_the_blanks():
    """A silent sound is spelt by blanks alone; it weighs as much as one token."""
    transcripts, lengths = [[], [1]], [T - 1, 2]
    found = loss(Transcript(BLANK), LOGITS[:2], batch_of(transcripts, lengths))
    blanks = -jax.nn.log_softmax(LOGITS[0, : T - 1])[:, BLANK].sum()
    np.testing.assert_allclose(blanks, nats_by_enumeration(LOGITS[0], [], T - 1), rtol=1e-5)
    np.testing.assert_allclose(found.total, blanks + nats_by_enumeration(LOGITS[1], [1], 2), rtol=1e-5)
    assert found.weight == 2


def test_the_best_path_is_read_as_it_spells():
    paths = np.array(list(itertools.product(range(O), repeat=T)))
    for steps in (T, 2):
        found = np.asarray(best_path(jax.nn.one_hot(paths, O), jnp.full(len(paths), steps)))
        for path, tokens in zip(paths.tolist(), found.tolist(), strict=True):
            spelt = read(path[:steps])
            assert tokens == spelt + [BLANK] * (T - len(spelt))
