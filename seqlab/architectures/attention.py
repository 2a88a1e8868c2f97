"""Which of the steps that were read matter to the one being written? A mean, weighed by how they match."""

from __future__ import annotations

import abc
import dataclasses
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.types import Params


class Memory(NamedTuple):
    """What can be attended to.

    Attributes:
        values: v_t, `(B, T, N)`.
        keys: what a query is matched with, `(B, T, H)`, made of the values once.
        real: bool `(B, T)`; what is False is never attended to, and each row has one that is True.
    """

    values: jax.Array
    keys: jax.Array
    real: jax.Array


@dataclasses.dataclass(frozen=True)
class Attention(abc.ABC):
    """A weighted mean of what was read, for every query q_j.

        c_j = Σ_t α_jt v_t,   α_j = softmax_t score(q_j, v_t)

    Attributes:
        features: H, the width in which queries and values meet, that of the queries.
    """

    features: int

    @abc.abstractmethod
    def init(self, key: jax.Array, num_values: int) -> Params:
        """Return the parameters for values of `num_values` features."""

    @abc.abstractmethod
    def scores(self, params: Params, queries: jax.Array, keys: jax.Array) -> jax.Array:
        """Return score(q_j, v_t) `(B, M, T)` of queries `(B, M, H)` with keys `(B, T, H)`."""

    def remember(self, params: Params, values: jax.Array, real: jax.Array) -> Memory:
        """Return the memory of values `(B, T, N)`."""
        return Memory(values, self._dense.apply({"params": params["keys"]}, values), real)

    def attend(self, params: Params, queries: jax.Array, memory: Memory) -> tuple[jax.Array, jax.Array]:
        """Return the contexts c `(B, M, N)` of queries `(B, M, H)`, and the weights α `(B, M, T)`."""
        scores = self.scores(params, queries, memory.keys)
        weights = jax.nn.softmax(jnp.where(memory.real[:, None], scores, -jnp.inf), axis=-1)
        return weights @ memory.values, weights

    @property
    def _dense(self) -> nn.Dense:
        return nn.Dense(self.features, use_bias=False)


@dataclasses.dataclass(frozen=True)
class Bahdanau(Attention):
    """Additive attention.

        score(q, v) = wᵀ tanh(W q + U v)

    Source: Bahdanau et al. 2015, "Neural machine translation by jointly learning to align and translate",
    arXiv:1409.0473, appendix A.1.2.
    """

    def init(self, key: jax.Array, num_values: int) -> Params:
        keys, queries, score = jax.random.split(key, 3)
        wide = jnp.zeros((1, self.features))
        return {
            "keys": self._dense.init(keys, jnp.zeros((1, num_values)))["params"],
            "queries": self._dense.init(queries, wide)["params"],
            "score": self._score.init(score, wide)["params"],
        }

    def scores(self, params: Params, queries: jax.Array, keys: jax.Array) -> jax.Array:
        queries = self._dense.apply({"params": params["queries"]}, queries)
        met = jnp.tanh(queries[:, :, None] + keys[:, None])
        return self._score.apply({"params": params["score"]}, met)[..., 0]

    @property
    def _score(self) -> nn.Dense:
        return nn.Dense(1, use_bias=False)


@dataclasses.dataclass(frozen=True)
class Luong(Attention):
    """Multiplicative attention, in the form that its authors call general.

        score(q, v) = qᵀ W v

    Source: Luong et al. 2015, "Effective approaches to attention-based neural machine translation",
    arXiv:1508.04025, section 3.1.
    """

    def init(self, key: jax.Array, num_values: int) -> Params:
        return {"keys": self._dense.init(key, jnp.zeros((1, num_values)))["params"]}

    def scores(self, params: Params, queries: jax.Array, keys: jax.Array) -> jax.Array:
        return jnp.einsum("bmh,bth->bmt", queries, keys)


ATTENTIONS: dict[str, type[Attention]] = {"bahdanau": Bahdanau, "luong": Luong}
"""By name."""
