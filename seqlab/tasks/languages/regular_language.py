"""Regular languages: say at each step of a string which symbols may follow."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_choice
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.languages._automata import AUTOMATA, Automaton
from seqlab.tasks.languages.rule import Pair
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Labels, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class RegularLanguage(Task):
    """Say at each step of a string of a language which symbols may follow, and whether it may end.

    | `language` | strings |
    |---|---|
    | tomita_1 | 1* |
    | tomita_2 | (10)* |
    | tomita_3 | without an odd run of 0s after an odd run of 1s |
    | tomita_4 | without 000 |
    | tomita_5 | with an even number of 0s and an even number of 1s |
    | tomita_6 | in which the numbers of 0s and of 1s are equal modulo 3 |
    | tomita_7 | 0*1*0*1* |
    | parity | of 0 and 1 with an even number of 1s |
    | aa, aaaa, abab | (aa)*, (aaaa)*, (abab)* |
    | d_2, d_4, d_12 | D_n = (a D_{n−1} b)*, D_0 empty |
    | in_order | aa*bb*cc*dd*ee* |
    | one_d | {a, b}* d {b, c}* |
    | zero_then_twos | {0, 1, 2}* 0 2* |

    tomita_3, 5 and 6, parity, aa, aaaa and abab are not star-free: they need a count modulo a number.

    Framing: many_to_many reads the mark #, which is the last token, and then the string, int32 `(B, 1 + n)`.
    It writes a label for each symbol and one for the end, float32 `(B, 1 + n, A + 1)`: 1 where a string of
    the language goes on so. Steps after the end of a string hold 0. All strings of a length are equally
    likely; where there is none, the next shorter ones are drawn. `sets/accuracy` is the share of steps at
    which all labels are right, `sets/sequence_accuracy` the share of strings of which all steps are. The
    splits are separate random streams, so that short strings are in all of them.

    Attributes:
        language: its name.
        length, min_length, curriculum: the number of symbols n (`Lengths`).
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: S. Bhattamishra, K. Ahuja & N. Goyal, "On the Ability and Limitations of Transformers to Recognize
        Formal Languages", arXiv:2009.11264, 2020, section 7, with strings of 2 to 50 symbols in training; M.
        Tomita, "Dynamic Construction of Finite-State Automata from Examples Using Hill-Climbing", 1982.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Bhattamishra et al. 2020; Tomita 1982"

    language: str = "tomita_3"
    length: int = 50
    min_length: int = 2
    curriculum: str = "uniform"
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        require_choice(self, "language", list(AUTOMATA))
        super().__post_init__()

    @property
    def automaton(self) -> Automaton:
        """The automaton of the language."""
        return AUTOMATA[self.language]

    @property
    def sequence_lengths(self) -> Lengths:
        shortest = int(np.argmax(self.automaton.lengths(len(self.automaton.symbols))))
        return Lengths(self.length, self.min_length, self.curriculum, max(1, shortest))

    def input_spec(self, framing: str) -> Spec:
        return Tokens(len(self.automaton.symbols) + 1)

    def output_spec(self, framing: str) -> Spec:
        return Labels(len(self.automaton.symbols) + 1)

    def goal(self, framing: str) -> Goal:
        return Goal("sets/sequence_accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("sets/sequence_accuracy", "sets/accuracy")

    def part(self, name: str, predictions: jax.Array, batch: Batch) -> tuple[jax.Array, Batch]:
        """Return logits of whether all labels of a step are right, `(B, T, 2)`, and targets which say so."""
        margin = jnp.min(jnp.where(batch.targets > 0, predictions, -predictions), axis=-1)
        return jnp.stack([-margin, margin], axis=-1), batch._replace(
            targets=jnp.ones_like(batch.mask, jnp.int32)
        )

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        possible = np.flatnonzero(self.automaton.lengths(self.length))
        below = np.searchsorted(possible, np.arange(self.length + 1), side="right") - 1
        lengths = jnp.asarray(possible[below], jnp.int32)[lengths]
        symbols, states = self.strings(key, lengths, int(possible[-1]))
        mark = len(self.automaton.symbols)
        real = jnp.arange(symbols.shape[1] + 1) <= lengths[:, None]
        inputs = jnp.pad(symbols, ((0, 0), (1, 0)), constant_values=mark)
        targets = jnp.asarray(self.automaton.legal, jnp.float32)[states]
        return Batch(jnp.where(real, inputs, 0), jnp.where(real[..., None], targets, 0.0), real, lengths + 1)

    def strings(self, key: jax.Array, lengths: jax.Array, num_steps: int) -> Pair:
        """Draw a string of each length.

        Returns:
            The symbols, int32 `(B, T)`, and the states before and after each, int32 `(B, T + 1)`.
        """
        shares = jnp.asarray(self.automaton.distributions(num_steps))
        following = jnp.asarray(np.maximum(self.automaton.transitions, 0), jnp.int32)
        uniform = jax.random.uniform(key, (num_steps, len(lengths)))

        def write(state: jax.Array, drawn: Pair) -> tuple[jax.Array, Pair]:
            step, number = drawn
            left = jnp.maximum(lengths - step, 0)
            symbol = (number[:, None] >= shares[left, state, :-1]).sum(axis=1, dtype=jnp.int32)
            after = jnp.where(left > 0, following[state, symbol], state)
            return after, (symbol, after)

        begin = jnp.zeros(len(lengths), jnp.int32)
        symbols, states = jax.lax.scan(write, begin, (jnp.arange(num_steps), uniform))[1]
        return symbols.T, jnp.concatenate([begin[None], states]).T

    def render(self, sequence: np.ndarray, framing: str) -> str:
        """Return for each step the symbols that may follow, and # for the end."""
        letters = np.array([*self.automaton.symbols, "#"])
        return " ".join("".join(letters[row > 0.5]) for row in np.atleast_2d(sequence))
