"""Each law of a cell can be broken, and says its number and its name."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from seqlab.cells import GRU, Elman, MinGRU
from seqlab.testing import CELL_LAWS, BrokenLawError, check_cell

H = 4


class Ones(Elman):
    """Its carry starts at one."""

    @nn.nowrap
    def initialize_carry(self, rng, input_shape):
        return jnp.ones((*input_shape[:-1], self.features))


class Plain(nn.RNNCellBase):
    """h = tanh(x W + h R), without a backward pass of its own; subclasses change the step."""

    features: int

    @property
    def num_feature_axes(self):
        return 1

    @nn.nowrap
    def initialize_carry(self, rng, input_shape):
        return jnp.zeros((*input_shape[:-1], self.features))

    def read(self, h, x):
        return nn.Dense(self.features, param_dtype=float, name="input")(x)

    @nn.compact
    def __call__(self, h, x):
        recurrent = nn.Dense(self.features, use_bias=False, param_dtype=float, name="recurrent")
        h = self.shape(jnp.tanh(self.read(h, x) + recurrent(h)))
        return h, h

    @nn.nowrap
    def shape(self, h):
        return h


class Deaf(Plain):
    """It does not read its input."""

    def read(self, h, x):
        return 0 * super().read(h, x)


class BatchMean(Plain):
    """It subtracts the mean over the batch."""

    @nn.nowrap
    def shape(self, h):
        return h - h.mean(axis=0, keepdims=True)


@jax.custom_jvp
def _shrug(h):
    return h


@_shrug.defjvp
def _shrug_jvp(primals, tangents):
    return primals[0], 0.9 * tangents[0]


class WrongGradient(Plain):
    """Its gradient is a tenth too small."""

    @nn.nowrap
    def shape(self, h):
        return _shrug(h)


@jax.custom_batching.custom_vmap
def _identity(h):
    return h


@_identity.def_vmap
def _identity_vmap(axis_size, in_batched, h):
    return 2 * h, in_batched[0]


class WrongVmap(Plain):
    """It computes something else under vmap."""

    @nn.nowrap
    def shape(self, h):
        return _identity(h)


class TimeMean(MinGRU):
    """It subtracts the mean over the sequence from what it reads of its input."""

    @nn.nowrap
    def coefficients(self, weights, x):
        a, b = super().coefficients(weights, x)
        return a, b - b.mean(axis=0, keepdims=True)


class ByIdentity(Elman):
    """Two objects of equal fields are not equal."""

    def __hash__(self):
        return id(self)

    def __eq__(self, other):
        return self is other


BROKEN = {
    "interface": [Ones(H), ByIdentity(H)],
    "causality": [Deaf(H), TimeMean(H)],
    "padding": [TimeMean(H)],
    "batch rows": [BatchMean(H)],
    "splits of time": [TimeMean(H)],
    "whole sequences": [TimeMean(H)],
    "vmap": [WrongVmap(H)],
    "directions": [BatchMean(H)],
    "finite differences": [WrongGradient(H)],
    "compiles once": [ByIdentity(H)],
}
CASES = [
    pytest.param(law, cell, id=f"{law}-{type(cell).__name__}")
    for law in CELL_LAWS
    for cell in BROKEN[law.name]
]


@pytest.mark.parametrize(("law", "cell"), CASES)
def test_a_broken_law_is_named_by_its_number(law, cell):
    with pytest.raises(
        BrokenLawError, match=rf"^cell law {law.number} \({law.name}\) is broken by {type(cell).__name__}"
    ):
        law(cell)


def test_every_law_has_a_broken_cell():
    assert list(BROKEN) == [law.name for law in CELL_LAWS]


@pytest.mark.parametrize("cell", [Plain(H), GRU(H)], ids=lambda cell: type(cell).__name__)
def test_a_whole_cell_obeys_all(cell):
    check_cell(cell)


def test_a_cell_without_features_breaks_the_first():
    with pytest.raises(BrokenLawError, match=r"^cell law 1 \(interface\) is broken by object\. "):
        check_cell(object())
