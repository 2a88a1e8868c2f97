"""Decoding by greedy choice, sampling or beam search.

Every network with `prefill` and `decode_step` can be decoded. The functions are pure and can be jitted with
static lengths and settings.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from seqlab.architectures.readout import draw
from seqlab.architectures.recurrent import Recurrent
from seqlab.checks import require_number, require_positive
from seqlab.generation.most_likely import likeliest
from seqlab.types import Batch, ConfigError, Gaussians, Labels, Params, Tokens

LOWEST = 1e-30
"""The lowest temperature that divides logits; the reciprocal of a lower one is no float32."""


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Settings of sampling: each symbol, or each set of labels, is drawn from its prediction.

    Attributes:
        temperature: divides the logits. With 0 the most probable symbol is taken (greedy decoding), and the
            labels of a probability above one half.
        top_k: only this number of most probable symbols can be drawn, and those as probable as the last of
            them; None for all (Fan et al. 2018, arXiv:1805.04833).
        top_p: after `top_k`, only the most probable symbols that together reach this probability can be
            drawn; 1 for all (nucleus sampling, Holtzman et al. 2020, arXiv:1904.09751).

    Raises:
        ValueError: an attribute outside its legal values.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        require_number(self, "temperature", 0.0)
        if self.top_k is not None:
            require_positive(self, "top_k")
        require_number(self, "top_p")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1, got {self.top_p!r}")

    def choose(self, key: jax.Array, logits: jax.Array) -> jax.Array:
        """Draw int32 symbols `(B,)` from logits `(B, O)`."""
        if self.temperature == 0:
            return jnp.argmax(logits, axis=-1)
        logits = (logits - jnp.max(logits, axis=-1, keepdims=True)) / max(self.temperature, LOWEST)
        if self.top_k is not None and self.top_k < logits.shape[-1]:
            least = jax.lax.top_k(logits, self.top_k)[0][..., -1:]
            logits = jnp.where(logits >= least, logits, -jnp.inf)
        if self.top_p < 1:
            falling = -jnp.sort(-logits, axis=-1)
            probabilities = jax.nn.softmax(falling, axis=-1)
            inside = jnp.cumsum(probabilities, axis=-1) - probabilities < self.top_p
            least = jnp.min(jnp.where(inside, falling, jnp.inf), axis=-1, keepdims=True)
            logits = jnp.where(logits >= least, logits, -jnp.inf)
        return jax.random.categorical(key, logits)

    def choose_labels(self, key: jax.Array, logits: jax.Array) -> jax.Array:
        """Draw each of the labels `(B, O)`, 0 or 1, from its logit `(B, O)`."""
        labels = Labels(logits.shape[-1])
        if self.temperature == 0:
            return likeliest(labels, logits)
        return draw(labels, key, logits / max(self.temperature, LOWEST))

    def choose_values(self, key: jax.Array, predictions: jax.Array) -> jax.Array:
        """Draw values `(B, K)` from Gaussian predictions `(B, 2K)`; the temperature multiplies σ."""
        values = Gaussians(predictions.shape[-1] // 2)
        means = likeliest(values, predictions)
        return means + self.temperature * (draw(values, key, predictions) - means)


AS_PREDICTED = Sampling()
GREEDY = Sampling(temperature=0.0)


@dataclasses.dataclass(frozen=True)
class Beam:
    """Settings of beam search, which keeps a fixed number of sequences at each step.

        score(Y) = ln P(Y) / ((5 + |Y|) / 6)^α

    |Y| includes the end symbol.

    Attributes:
        size: K, the number of sequences that are kept.
        length_penalty: α; 0 prefers short sequences, larger values longer ones.

    Raises:
        ValueError: an attribute outside its legal values.

    Source: Wu et al. 2016, arXiv:1609.08144, eq. 14, without its coverage penalty.
    """

    size: int
    length_penalty: float = 0.0

    def __post_init__(self) -> None:
        require_positive(self, "size")
        require_number(self, "length_penalty", 0.0)

    def scores(self, log_probabilities: jax.Array, lengths: jax.Array) -> jax.Array:
        """Return the scores of sequences, given ln P(Y) and |Y|."""
        return log_probabilities / ((5 + lengths) / 6) ** self.length_penalty


def sample(
    network: Recurrent,
    params: Params,
    inputs: jax.Array,
    length: int,
    key: jax.Array,
    sampling: Sampling = AS_PREDICTED,
    lengths: jax.Array | None = None,
    end: int | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Generate `length` outputs, each read back as the next input.

    Args:
        network: the network.
        params: as `init` returns them.
        inputs: what it reads first, as `Batch.inputs`.
        length: M, the number of outputs, static.
        key: PRNG key of the samples.
        sampling: how tokens, labels or values are chosen. Vectors are the predictions.
        lengths: int32 `(B,)`, the real steps of the inputs; None where every step is real.
        end: the symbol that ends a sequence; it also fills the steps after the end. None for none.

    Returns:
        int32 tokens `(B, M)`, or vectors or labels `(B, M, O)`, and their predictions `(B, M, O)`.

    Raises:
        ConfigError: the network is not causal.
    """
    _require_causal(network)

    def choose(key: jax.Array, prediction: jax.Array, ended: jax.Array) -> jax.Array:
        if isinstance(network.outputs, Labels):
            return sampling.choose_labels(key, prediction)
        if isinstance(network.outputs, Gaussians):
            return sampling.choose_values(key, prediction)
        if not isinstance(network.outputs, Tokens):
            return prediction
        chosen = sampling.choose(key, prediction).astype(jnp.int32)
        return chosen if end is None else jnp.where(ended, end, chosen)

    def step(carry: tuple[Any, ...], key: jax.Array) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        state, prediction, ended = carry
        chosen = choose(key, prediction, ended)
        if end is not None:
            ended |= chosen == end
        return (*network.decode_step(params, state, chosen), ended), (chosen, prediction)

    first = *network.prefill(params, inputs, lengths), jnp.zeros(len(inputs), bool)
    _, sequences = jax.lax.scan(step, first, jax.random.split(key, length))
    return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), sequences)


def free_run(network: Recurrent, params: Params, batch: Batch) -> jax.Array:
    """Return predictions of a batch's targets, `(B, M, O)`, from the most probable outputs in their place."""
    key, length = jax.random.key(0), batch.targets.shape[1]
    return sample(network, params, batch.inputs, length, key, GREEDY, batch.lengths)[1]


class _Beams(NamedTuple):
    """The K sequences of each row in a beam search.

    Attributes:
        state: the decoding state, `(B·K, …)`.
        prediction: of the next outputs, `(B·K, O)`.
        log_probabilities: ln P(Y), `(B, K)`.
        counts: |Y|, `(B, K)`.
        ended: whether a sequence has its end symbol, `(B, K)`.
        tokens: the sequences, `(B, K, M)`.
    """

    state: Any
    prediction: jax.Array
    log_probabilities: jax.Array
    counts: jax.Array
    ended: jax.Array
    tokens: jax.Array


def beam_search(
    network: Recurrent,
    params: Params,
    inputs: jax.Array,
    length: int,
    beam: Beam,
    lengths: jax.Array | None = None,
    end: int | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Find probable sequences of up to `length` tokens.

    Args:
        network: the network.
        params: as `init` returns them.
        inputs: what it reads first, as in `sample`.
        length: M, static.
        beam: the settings.
        lengths: int32 `(B,)`, as in `sample`.
        end: the symbol that ends a sequence, as in `sample`.

    Returns:
        int32 tokens `(B, K, M)`, the best sequence first, and the scores `(B, K)`, −inf where there are fewer
        than K sequences.

    Raises:
        ConfigError: the network is not causal, or predicts no tokens.
    """
    _require_causal(network)
    if not isinstance(network.outputs, Tokens):
        raise ConfigError(f"beam search needs a network that writes tokens, not {network.outputs}")
    B, K, O = len(inputs), beam.size, network.outputs.size  # noqa: E741
    # A sequence that has ended has one continuation, with probability 1.
    only_end = jnp.where(jnp.arange(O) == end, 0.0, -jnp.inf)

    def step(beams: _Beams, t: jax.Array) -> tuple[_Beams, None]:
        log_probabilities = jax.nn.log_softmax(beams.prediction).reshape(B, K, O)
        further = jnp.where(beams.ended[..., None], only_end, log_probabilities)
        sums = (beams.log_probabilities[..., None] + further).reshape(B, K * O)
        counts = jnp.repeat(jnp.where(beams.ended, beams.counts, t + 1), O, axis=1)
        _, best = jax.lax.top_k(beam.scores(sums, counts), K)
        parents, chosen = best // O, best % O
        ended = jnp.take_along_axis(beams.ended, parents, axis=1)
        tokens = jnp.take_along_axis(beams.tokens, parents[..., None], axis=1)
        rows = (jnp.arange(B)[:, None] * K + parents).reshape(-1)
        state = jax.tree.map(lambda leaf: leaf[rows], beams.state)
        state, prediction = network.decode_step(params, state, chosen.reshape(-1))
        return _Beams(
            state,
            prediction,
            jnp.take_along_axis(sums, best, axis=1),
            jnp.take_along_axis(counts, best, axis=1),
            ended if end is None else ended | (chosen == end),
            tokens.at[:, :, t].set(chosen),
        ), None

    state, prediction = jax.tree.map(
        lambda leaf: jnp.repeat(leaf, K, axis=0), network.prefill(params, inputs, lengths)
    )
    # All K sequences of a row start equal, so only the first one counts.
    start = jnp.where(jnp.arange(K) == 0, 0.0, -jnp.inf).astype(prediction.dtype)
    beams = _Beams(
        state,
        prediction,
        jnp.broadcast_to(start, (B, K)),
        jnp.zeros((B, K), jnp.int32),
        jnp.zeros((B, K), bool),
        jnp.zeros((B, K, length), jnp.int32),
    )
    beams, _ = jax.lax.scan(step, beams, jnp.arange(length, dtype=jnp.int32))
    return beams.tokens, beam.scores(beams.log_probabilities, beams.counts)


def _require_causal(network: Recurrent) -> None:
    if not network.causal:
        raise ConfigError("architecture.bidirectional=true cannot generate: legal value is false")
