"""Decoding by greedy choice, sampling or beam search.

Every network with `prefill` and `decode_step` can be decoded. The functions are pure and can be jitted with
static lengths and settings.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from seqlab.architectures.network import draw
from seqlab.architectures.recurrent import Recurrent
from seqlab.checks import require_number, require_positive
from seqlab.generation.most_likely import likeliest
from seqlab.types import Batch, ConfigError, Labels, Params, Tokens


@dataclasses.dataclass(frozen=True)
class Sampling:
    """One symbol after another, each drawn from its prediction; or one set of labels after another.

    Attributes:
        temperature: divides the logits; 0 takes the likeliest symbol (greedy decoding), and of labels those
            above one half.
        top_k: how many of the likeliest symbols are left to draw from; None for all (Fan et al. 2018,
            arXiv:1805.04833).
        top_p: the probability that the likeliest symbols left to draw from must reach, after `top_k`; 1 for
            all (the nucleus of Holtzman et al. 2020, arXiv:1904.09751).

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
        logits = logits / self.temperature
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
        """Draw each of the labels `(B, O)` from its logit `(B, O)`, float 0 or 1."""
        labels = Labels(logits.shape[-1])
        if self.temperature == 0:
            return likeliest(labels, logits)
        return draw(labels, key, logits / self.temperature)


AS_PREDICTED = Sampling()
GREEDY = Sampling(temperature=0.0)


@dataclasses.dataclass(frozen=True)
class Beam:
    """The best sequences that a search finds which keeps only so many at each step.

        score(Y) = ln P(Y) / lp(Y),   lp(Y) = ((5 + |Y|) / (5 + 1))^α

    A sequence that has ended keeps its place as long as its score does.

    Attributes:
        size: K, how many are kept.
        length_penalty: α; 0 prefers short sequences, the larger the longer ones.

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
    """Write `length` outputs, each fed back as the next input.

    Args:
        network: what writes.
        params: as `init` returns them.
        inputs: what it reads first, as `Batch.inputs`.
        length: M, how many outputs, static.
        key: PRNG key of the samples.
        sampling: how tokens, or labels, are chosen. Vectors are taken as predicted.
        lengths: int32 `(B,)`, the real steps of the inputs; None where every step is real.
        end: the symbol that ends a sequence, and fills what follows it; None for none.

    Returns:
        int32 tokens `(B, M)`, or vectors or labels `(B, M, O)`, and the predictions `(B, M, O)` that they
        came of.

    Raises:
        ConfigError: a network that needs the future it would have to write.
    """
    _require_causal(network)

    def choose(key: jax.Array, prediction: jax.Array, ended: jax.Array) -> jax.Array:
        if isinstance(network.outputs, Labels):
            return sampling.choose_labels(key, prediction)
        if not isinstance(network.outputs, Tokens):
            return prediction
        chosen = sampling.choose(key, prediction).astype(jnp.int32)
        return chosen if end is None else jnp.where(ended, end, chosen)

    def write(running: tuple, key: jax.Array) -> tuple[tuple, tuple]:
        state, prediction, ended = running
        chosen = choose(key, prediction, ended)
        if end is not None:
            ended |= chosen == end
        return (*network.decode_step(params, state, chosen), ended), (chosen, prediction)

    begun = *network.prefill(params, inputs, lengths), jnp.zeros(len(inputs), bool)
    _, sequences = jax.lax.scan(write, begun, jax.random.split(key, length))
    return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), sequences)


def free_run(network: Recurrent, params: Params, batch: Batch) -> jax.Array:
    """Return the predictions of a batch's targets `(B, M, O)`, each fed the likeliest output before it."""
    key, length = jax.random.key(0), batch.targets.shape[1]
    return sample(network, params, batch.inputs, length, key, GREEDY, batch.lengths)[1]


def search(
    network: Recurrent,
    params: Params,
    inputs: jax.Array,
    length: int,
    beam: Beam,
    lengths: jax.Array | None = None,
    end: int | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Find sequences of up to `length` tokens that the network thinks likely, by beam search.

    Args:
        network: what writes.
        params: as `init` returns them.
        inputs: what it reads first, as in `sample`; so are `lengths` and `end`.
        length: M, static.
        beam: how wide, and how sequences of unlike lengths compare.
        lengths: int32 `(B,)`.
        end: a symbol.

    Returns:
        int32 tokens `(B, K, M)`, the best first, and their scores `(B, K)`, −inf where there is no more.

    Raises:
        ConfigError: a network that needs the future, or writes no tokens.
    """
    _require_causal(network)
    if not isinstance(network.outputs, Tokens):
        raise ConfigError(f"beam search needs a network that writes tokens, not {network.outputs}")
    B, K, O = len(inputs), beam.size, network.outputs.size  # noqa: E741
    # What has ended goes on in one way, that costs nothing.
    only_end = jnp.where(jnp.arange(O) == end, 0.0, -jnp.inf)

    def write(running: tuple, step: jax.Array) -> tuple[tuple, None]:
        state, prediction, sums, counts, ended, tokens = running
        log_probabilities = jax.nn.log_softmax(prediction).reshape(B, K, O)
        further = jnp.where(ended[..., None], only_end, log_probabilities)
        sums = (sums[..., None] + further).reshape(B, K * O)
        counts = jnp.repeat(jnp.where(ended, counts, step + 1), O, axis=1)
        _, best = jax.lax.top_k(beam.scores(sums, counts), K)
        parents, chosen = best // O, best % O
        sums, counts, ended, tokens = (
            jnp.take_along_axis(sums, best, axis=1),
            jnp.take_along_axis(counts, best, axis=1),
            jnp.take_along_axis(ended, parents, axis=1),
            jnp.take_along_axis(tokens, parents[..., None], axis=1),
        )
        if end is not None:
            ended |= chosen == end
        tokens = tokens.at[:, :, step].set(chosen)
        rows = (jnp.arange(B)[:, None] * K + parents).reshape(-1)
        state = jax.tree.map(lambda leaf: leaf[rows], state)
        state, prediction = network.decode_step(params, state, chosen.reshape(-1))
        return (state, prediction, sums, counts, ended, tokens), None

    state, prediction = jax.tree.map(
        lambda leaf: jnp.repeat(leaf, K, axis=0), network.prefill(params, inputs, lengths)
    )
    first = jnp.where(jnp.arange(K) == 0, 0.0, -jnp.inf)  # the others would be its doubles
    begun = (
        *(state, prediction, jnp.broadcast_to(first, (B, K)), jnp.zeros((B, K), jnp.int32)),
        *(jnp.zeros((B, K), bool), jnp.zeros((B, K, length), jnp.int32)),
    )
    (_, _, sums, counts, _, tokens), _ = jax.lax.scan(write, begun, jnp.arange(length))
    return tokens, beam.scores(sums, counts)


def _require_causal(network: Any) -> None:
    if not network.causal:
        raise ConfigError("architecture.bidirectional=true cannot generate: legal value is false")
