"""Attention: weighted means of the encoder's outputs."""

from __future__ import annotations

import abc
import dataclasses
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.architectures.layers import apply_layer, dense, init_layer
from seqlab.types import Params


class Memory(NamedTuple):
    """What attention reads.

    Attributes:
        values: v_t, `(B, T, N)`.
        keys: what queries are compared with, `(B, T, H)`, computed from the values once.
        real: bool `(B, T)`, False for padding, which has weight zero. Each row has one True at least.
    """

    values: jax.Array
    keys: jax.Array
    real: jax.Array


@dataclasses.dataclass(frozen=True)
class Attention(abc.ABC):
    """A weighted mean of the values for every query q_j.

        c_j = Σ_t α_jt v_t,   α_j = softmax_t score(q_j, v_t)

    Attributes:
        features: H, the width of keys. Luong's queries are as wide.
    """

    features: int

    @abc.abstractmethod
    def init(self, key: jax.Array, num_values: int, num_queries: int) -> Params:
        """Return the parameters for values of `num_values` and queries of `num_queries` features."""

    @abc.abstractmethod
    def scores(self, params: Params, queries: jax.Array, keys: jax.Array) -> jax.Array:
        """Return score(q_j, v_t) `(B, M, T)` of queries `(B, M, Q)` with keys `(B, T, H)`."""

    def memory(self, params: Params, values: jax.Array, real: jax.Array) -> Memory:
        """Return the memory of values `(B, T, N)`."""
        return Memory(values, apply_layer(self._dense, params["keys"], values), real)

    def attend(self, params: Params, queries: jax.Array, memory: Memory) -> tuple[jax.Array, jax.Array]:
        """Return the contexts c `(B, M, N)` of queries `(B, M, Q)`, and the weights α `(B, M, T)`."""
        scores = self.scores(params, queries, memory.keys)
        weights = jax.nn.softmax(jnp.where(memory.real[:, None], scores, -jnp.inf), axis=-1)
        return weights @ memory.values, weights

    @property
    def _dense(self) -> nn.Dense:
        return dense(self.features, use_bias=False)


@dataclasses.dataclass(frozen=True)
class Bahdanau(Attention):
    """Additive attention.

        score(q, v) = wᵀ tanh(W q + U v)

    Source: Bahdanau et al. 2015, "Neural machine translation by jointly learning to align and translate",
    arXiv:1409.0473, appendix A.1.2.
    """

    def init(self, key: jax.Array, num_values: int, num_queries: int) -> Params:
        key_keys, key_queries, key_score = jax.random.split(key, 3)
        hidden = jnp.zeros((1, self.features))
        return {
            "keys": init_layer(self._dense, key_keys, jnp.zeros((1, num_values))),
            "queries": init_layer(self._dense, key_queries, jnp.zeros((1, num_queries))),
            "score": init_layer(self._score, key_score, hidden),
        }

    def scores(self, params: Params, queries: jax.Array, keys: jax.Array) -> jax.Array:
        queries = apply_layer(self._dense, params["queries"], queries)
        hidden = jnp.tanh(queries[:, :, None] + keys[:, None])
        return apply_layer(self._score, params["score"], hidden)[..., 0]

    @property
    def _score(self) -> nn.Dense:
        return dense(1, use_bias=False)


@dataclasses.dataclass(frozen=True)
class Luong(Attention):
    """Multiplicative attention, which its authors call "general".

        score(q, v) = qᵀ W v

    Source: Luong et al. 2015, "Effective approaches to attention-based neural machine translation",
    arXiv:1508.04025, section 3.1.
    """

    def init(self, key: jax.Array, num_values: int, num_queries: int) -> Params:
        return {"keys": init_layer(self._dense, key, jnp.zeros((1, num_values)))}

    def scores(self, params: Params, queries: jax.Array, keys: jax.Array) -> jax.Array:
        return jnp.einsum("bmh,bth->bmt", queries, keys)


ATTENTIONS: dict[str, type[Attention]] = {"bahdanau": Bahdanau, "luong": Luong}
"""The attentions by name."""
