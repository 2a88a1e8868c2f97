"""Our architectures obey the laws of an architecture, and each law can be broken."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import pytest

from seqlab.architectures import EncoderDecoder, ManyToMany, ManyToOne, OneToMany, OneToOne
from seqlab.testing import ARCHITECTURE_LAWS, BrokenLawError, check_architecture

MAKES = {
    "one_to_one": OneToOne,
    "one_to_many": OneToMany,
    "many_to_one": ManyToOne,
    "many_to_many": ManyToMany,
    "encoder_decoder": functools.partial(EncoderDecoder, attention="bahdanau"),
    "bidirectional": functools.partial(ManyToMany, bidirectional=True, num_layers=2, dropout=0.5),
}


@pytest.mark.slow
@pytest.mark.parametrize("law", ARCHITECTURE_LAWS, ids=str)
@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_our_architectures_obey_every_law(make, law):
    law(make)


class Unframed(ManyToMany):
    framing = "sideways"


class Narrow(ManyToMany):
    def apply(self, params, batch, key=None, probes=None, backward=None):
        return super().apply(params, batch)[..., :1]


class Noisy(ManyToMany):
    """Its noise depends on how often it was called."""

    def apply(self, params, batch, key=None, probes=None, backward=None):
        noise = jax.pure_callback(lambda: next(NUMBERS), jax.ShapeDtypeStruct((), jnp.float32))
        return super().apply(params, batch) + noise


NUMBERS = (jnp.float32(number) for number in range(10**6))


class Unmasked(ManyToOne):
    """It reads the last step, padding or not."""

    def readout_inputs(self, hidden, lengths):
        return hidden[:, -1]

    def apply(self, params, batch, key=None, probes=None, backward=None):
        return super().apply(params, batch._replace(lengths=None))


class BatchMean(ManyToMany):
    def readout_inputs(self, hidden, lengths):
        return hidden - hidden.mean(axis=0, keepdims=True)


class Seer(ManyToMany):
    """It reads the next step."""

    def readout_inputs(self, hidden, lengths):
        return jnp.roll(hidden, -1, axis=1)


class Still(ManyToMany):
    def readout_inputs(self, hidden, lengths):
        return jax.lax.stop_gradient(hidden)

    def apply(self, params, batch, key=None, probes=None, backward=None):
        return jax.lax.stop_gradient(super().apply(params, batch))


class Forgetful(ManyToMany):
    """It starts again at each generated step."""

    def decode_step(self, params, state, chosen):
        return super().decode_step(params, jax.tree.map(jnp.zeros_like, state), chosen)


class ByIdentity(ManyToMany):
    __hash__ = object.__hash__

    def __eq__(self, other):
        return self is other


BROKEN = {
    "interface": [Unframed, ByIdentity],
    "positions": [Narrow],
    "purity": [Noisy],
    "padding": [Unmasked],
    "batch rows": [BatchMean],
    "causality": [Seer],
    "gradients": [Still],
    "decoding": [Forgetful],
    "compiles once": [ByIdentity],
}
CASES = [(law, make) for law in ARCHITECTURE_LAWS for make in BROKEN[law.name]]


@pytest.mark.parametrize(("law", "make"), CASES, ids=str)
def test_a_broken_law_is_named_by_its_number(law, make):
    with pytest.raises(BrokenLawError, match=rf"^architecture law {law.number} \({law.name}\) is broken by "):
        law(make)


def test_every_law_has_a_broken_architecture():
    assert list(BROKEN) == [law.name for law in ARCHITECTURE_LAWS]


def test_an_architecture_is_checked_with_the_fields_that_a_function_sets():
    check_architecture(functools.partial(OneToOne, embedding=3))
