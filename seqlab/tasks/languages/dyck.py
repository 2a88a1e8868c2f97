"""Bounded Dyck languages: predict the next bracket of well-nested strings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.languages.rule import Pair
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class Dyck(Task):
    """Predict the next symbol of well-nested strings over k kinds of brackets, with at most m of them open.

        none open: open one, or end the string   some open: open one, or close the last   m open: close it

    Two choices have probability ½ each, and all kinds of brackets are equally likely, as in the generator of
    Hewitt et al. The tokens 0 … k − 1 open, k … 2k − 1 close, and 2k ends a string.

    >>> task = Dyck(num_kinds=2, max_depth=2)
    >>> task.following([0]).tolist()  # a bracket of kind 0 is open; token 2 closes it
    [0.25, 0.25, 0.5, 0.0, 0.0]
    >>> task.following([0, 1]).tolist()  # two are open; the last, of kind 1, must be closed
    [0.0, 0.0, 0.0, 1.0, 0.0]
    >>> task.render([4, 0, 1, 3, 2, 4, 0, 2], "many_to_many")
    '# (0 (1 1) 0) # (0 0)'

    Framing: many_to_many writes T symbols, int32 `(B, T)`: strings one after another, each ended by the end
    symbol, cut after T symbols. It reads the end symbol and then all of these but the last. All steps count.
    (In the source a sequence is one string, mostly a short one. That is the only difference, as no bracket is
    open after the end of a string.)

    The smallest loss that a predictor can have is the entropy of the generator, in closed form (`entropy`).
    The baseline knows the frequency of each symbol and nothing else. `closing/accuracy` shows whether the
    kinds are remembered: it is the share of closing brackets whose logit is the largest of all closing ones;
    a random kind gives 1/k. (In the source a bracket is right where it has at least .8 of the probability of
    all closing ones.)

    Attributes:
        length, min_length, curriculum: the number of symbols (`Lengths`).
        num_kinds: k, the number of kinds of brackets.
        max_depth: m, the largest number of open brackets.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: J. Hewitt et al., "RNNs can generate bounded hierarchical languages with optimal memory",
        arXiv:2010.07515, 2020, section 6.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Hewitt et al. 2020"
    autoregressive: ClassVar[bool] = True

    length: int = 84
    min_length: int = 1
    curriculum: str = "fixed"
    num_kinds: int = 2
    max_depth: int = 3
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "num_kinds", "max_depth")

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(2 * self.num_kinds + 1)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(2 * self.num_kinds + 1)

    def goal(self, framing: str) -> Goal:
        return Goal("loss", higher_is_better=False)

    def reference(self, framing: str, split: str = "test") -> Reference:
        """Return the simple predictors; the threshold is .02 nats above the entropy."""
        return simple_reference(self, framing, split, threshold=self.entropy() + 0.02)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy", "closing/accuracy")

    def baselines(self, split: str, framing: str) -> dict[str, float]:
        """Return the simple predictors, the generator, and a predictor that knows the depth but no kinds.

        The latter loses ln k nats at each closing bracket.
        """
        kinds = self._shares().closing * math.log(self.num_kinds)
        bounds = {"the generator": self.entropy(), "depth without kinds": self.entropy() + kinds}
        return super().baselines(split, framing) | bounds

    def part(self, name: str, predictions: jax.Array, batch: Batch) -> tuple[jax.Array, Batch]:
        """Return the logits of closing brackets, and the batch masked to where a bracket is closed."""
        closes = self._closes(jnp.arange(predictions.shape[-1]))
        only_closing = jnp.where(closes, predictions, -jnp.inf)
        return only_closing, batch._replace(mask=batch.mask & self._closes(batch.targets))

    def entropy(self) -> float:
        """Return the entropy of the generator in nats a symbol, as the loss averages it.

            H = Σ_t w_t Σ_d P_t(d) h(d) / Σ_t w_t,   h(d) = ln 2 + ½ ln k for d < m,   h(m) = 0

        where w_t is the share of sequences that have a step t, and P_t(d) is the probability that d brackets
        are open before it: P_0(0) = 1 and P_{t+1} = P_t M, with M the Markov chain of depths.
        """
        free = 1 - self._occupancy()[-1]
        return float(free * (math.log(2) + math.log(self.num_kinds) / 2))

    def _shares(self) -> Shares:
        """Return the shares of symbols that open, close and end."""
        occupancy = self._occupancy()
        opening, ending = (1 - occupancy[-1]) / 2, occupancy[0] / 2
        return Shares(opening, 1 - opening - ending, ending)

    def _occupancy(self) -> np.ndarray:
        """Return the share of steps before which d brackets are open, float64 `(m + 1,)`."""
        lengths = np.array(self.sequence_lengths.evaluated)
        chain = (np.eye(self.max_depth + 1, k=1) + np.eye(self.max_depth + 1, k=-1)) / 2
        chain[0, 0], chain[-1, -2] = 0.5, 1
        depths = np.eye(self.max_depth + 1)[0]
        total = np.zeros_like(depths)
        for step in range(self.length):
            total += depths * np.mean(lengths > step)
            depths = depths @ chain
        return total / total.sum()

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        coins_key, kinds_key = jax.random.split(key)
        shape = (self.length, len(lengths))
        coins = jax.random.bernoulli(coins_key, shape=shape)
        kinds = jax.random.randint(kinds_key, shape, 0, self.num_kinds)
        places = jnp.arange(self.max_depth)

        def write(state: Pair, drawn: Pair) -> tuple[Pair, jax.Array]:
            depth, stack = state
            coin, kind = drawn
            opens = coin & (depth < self.max_depth)
            last = jnp.take_along_axis(stack, jnp.maximum(depth - 1, 0)[:, None], axis=1)[:, 0]
            other = jnp.where(depth == 0, 2 * self.num_kinds, self.num_kinds + last)
            stack = jnp.where(opens[:, None] & (places == depth[:, None]), kind[:, None], stack)
            depth = jnp.where(opens, depth + 1, jnp.maximum(depth - 1, 0))
            return (depth, stack), jnp.where(opens, kind, other)

        empty = jnp.zeros_like(lengths), jnp.zeros((len(lengths), self.max_depth), jnp.int32)
        symbols = jax.lax.scan(write, empty, (coins, kinds))[1].T
        read = jnp.roll(symbols, 1, axis=1).at[:, 0].set(2 * self.num_kinds)
        real = jnp.arange(self.length) < lengths[:, None]
        return Batch(jnp.where(real, read, 0), jnp.where(real, symbols, 0), real, lengths)

    def following(self, written: Sequence[int]) -> np.ndarray:
        """Return the probabilities of the next symbol in the generator, float64 `(2k + 1,)`."""
        k, opened = self.num_kinds, []
        for symbol in written:
            if symbol < k:
                opened.append(symbol)
            elif symbol < 2 * k:
                opened.pop()
        probabilities = np.zeros(2 * k + 1)
        probabilities[k + opened[-1] if opened else 2 * k] = 1
        if len(opened) < self.max_depth:
            probabilities /= 2
            probabilities[:k] = 0.5 / k
        return probabilities

    def _closes(self, symbols: jax.Array) -> jax.Array:
        return (symbols >= self.num_kinds) & (symbols < 2 * self.num_kinds)

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return text with `(1` for an opening bracket of kind 1, `1)` for a closing one, `#` for the end."""
        k = self.num_kinds
        names = [f"({kind}" for kind in range(k)] + [f"{kind})" for kind in range(k)] + ["#"]
        return " ".join(names[symbol] for symbol in np.ravel(sequence))


class Shares(NamedTuple):
    """Shares of symbols that open a bracket, close one, or end a string; they add up to 1."""

    opening: float
    closing: float
    ending: float
