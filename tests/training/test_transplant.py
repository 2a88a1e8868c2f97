"""Trained parameters in a network with more symbols: what they said of the old symbols stays as it was."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from seqlab.architectures import EncoderDecoder, ManyToMany, ManyToOne, OneToMany, OneToOne
from seqlab.cells import GRU, LSTM
from seqlab.training.transplant import Growth, transplant
from seqlab.types import Batch, IncompatibleError, Tokens, Transcript, Vectors

B, T, M = 3, 4, 5
TIED = {"embedding": 3, "tied": True}
NETWORKS = {
    "many_to_one": (ManyToOne, Tokens(4), Tokens(2), Tokens(6), Tokens(5), {}),
    "embedded": (ManyToOne, Tokens(4), Tokens(3), Tokens(5), Tokens(4), {"embedding": 2}),
    "blocks": (
        ManyToOne,
        Tokens(4),
        Tokens(2),
        Tokens(6),
        Tokens(5),
        {"block": "pre_norm_mlp", "input_conv": 2, "num_layers": 2},
    ),
    "narrow_blocks": (ManyToOne, Tokens(1), Tokens(2), Tokens(2), Tokens(3), {"block": "residual"}),
    "counts": (OneToOne, Vectors(4), Tokens(2), Vectors(6), Tokens(3), {}),
    "side_by_side": (OneToOne, Tokens(4), Tokens(2), Tokens(6), Tokens(2), {"num_layers": 2}),
    "language_model": (ManyToMany, Tokens(4), Tokens(4), Tokens(7), Tokens(7), {}),
    "tied": (ManyToMany, Tokens(4), Tokens(4), Tokens(7), Tokens(7), TIED),
    "transcript": (ManyToMany, Vectors(2), Transcript(3), Vectors(2), Transcript(5), {}),
    "read_back": (OneToMany, Tokens(4), Tokens(3), Tokens(5), Tokens(6), {}),
    "read_back_as_read": (OneToMany, Tokens(4), Tokens(4), Tokens(6), Tokens(6), {}),
    "read_back_embedded": (OneToMany, Vectors(2), Tokens(3), Vectors(2), Tokens(6), {"embedding": 2}),
    "decoder": (EncoderDecoder, Tokens(4), Tokens(4), Tokens(5), Tokens(6), {"bidirectional": True}),
    "attention": (EncoderDecoder, Tokens(5), Tokens(4), Tokens(5), Tokens(6), {"attention": "bahdanau"}),
    "tied_decoder": (
        EncoderDecoder,
        Tokens(4),
        Tokens(3),
        Tokens(5),
        Tokens(4),
        TIED,
    ),
}
"""A class, old inputs and outputs, new ones, and fields. Output tokens end with an end symbol."""


def initialized(network, seed, batch):
    return jax.jit(network.init)(jax.random.key(seed), batch)


def batch_of(network, inputs, outputs):
    """Return a batch of old symbols, for a network that may know more."""
    random = np.random.default_rng(0)
    lead = (B,) if network.framing == "one_to_many" else (B, T)
    lead = (B,) if isinstance(network.inputs, Vectors) and network.framing == "one_to_one" else lead
    if isinstance(inputs, Vectors):
        read = np.float32(random.standard_normal((*lead, inputs.size)))
        read = np.pad(read, [(0, 0)] * len(lead) + [(0, network.inputs.size - inputs.size)])
    else:
        read = random.integers(0, inputs.size, lead, dtype="int32")
    shape = {"many_to_one": (B,), "one_to_one": (B,), "many_to_many": (B, T)}.get(network.framing, (B, M))
    # The end symbol is read by no step.
    targets = random.integers(0, outputs.size - 1, shape, dtype="int32")
    return Batch(read, targets, np.ones(shape, bool))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_old_symbols_mean_what_they_meant(name):
    kind, inputs, outputs, more_inputs, more_outputs, fields = NETWORKS[name]
    old, new = kind(GRU(3), inputs, outputs, **fields), kind(GRU(3), more_inputs, more_outputs, **fields)
    ends = int(outputs != inputs and isinstance(outputs, Tokens) and outputs != more_outputs)
    batch, other = (batch_of(network, inputs, outputs) for network in (old, new))
    params, fresh = initialized(old, 1, batch), initialized(new, 2, other)
    growths = Growth(inputs, more_inputs), Growth(outputs, more_outputs, ends)
    shapes = jax.eval_shape(lambda: fresh)
    planted = transplant(params, shapes, new, other, *growths).into(fresh)
    before, after = jax.jit(old.apply)(params, batch), np.asarray(jax.jit(new.apply)(planted, other))
    places = np.append(growths[1].places(), more_outputs.size)[: before.shape[-1]]
    np.testing.assert_allclose(after[..., places], before, rtol=1e-5, atol=1e-6)
    assert after.shape[-1] - before.shape[-1] == more_outputs.size - outputs.size


def test_new_entries_are_fresh():
    old, new = (ManyToOne(GRU(3), Tokens(size), Tokens(2), embedding=2) for size in (4, 6))
    batch = batch_of(old, Tokens(4), Tokens(2))
    params, fresh = initialized(old, 1, batch), initialized(new, 2, batch)
    growths = Growth(Tokens(4), Tokens(6)), Growth(Tokens(2), Tokens(2))
    planted = transplant(params, fresh, new, batch, *growths).into(fresh)
    table = [tree["embedding"]["embedding"] for tree in (params, planted, fresh)]
    np.testing.assert_array_equal(table[1], np.concatenate([table[0], table[2][4:]]))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (
            ManyToOne(GRU(4), Tokens(4), Tokens(2)),
            r"has the shape \(3, 2\), and \(4, 2\)",
        ),
        (ManyToOne(LSTM(3), Tokens(4), Tokens(2)), "is in one of the two networks alone"),
        (ManyToOne(GRU(3), Tokens(4), Tokens(2), num_layers=2), "is in one of the two networks alone"),
    ],
)
def test_another_network_is_refused(other, reason):
    old = ManyToOne(GRU(3), Tokens(4), Tokens(2))
    batch = batch_of(old, Tokens(4), Tokens(2))
    params, fresh = initialized(old, 1, batch), initialized(other, 1, batch)
    same = Growth(Tokens(4), Tokens(4)), Growth(Tokens(2), Tokens(2))
    with pytest.raises(IncompatibleError, match=reason):
        transplant(params, fresh, other, batch, *same)
