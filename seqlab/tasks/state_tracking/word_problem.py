"""The word problem of a finite group: the product of all elements that were read."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_choice
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.state_tracking._groups import SUBSETS, group
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class WordProblem(Task):
    """Name the product of all elements of a group that were read.

        y_t = x_0 x_1 … x_t,   x_t uniform over some elements of the group

    Example, Z5: 3 4 1 has the running product 3 2 3. `_groups.group` says which number an element has.

    - `elements: all` reads any of the N elements, as Merrill et al. do. Every product is equally likely.
    - `elements: generators` reads the identity or a generator: of Z<n> the 1, so that the task counts ones
      modulo n; of S<n> the exchanges of neighbours; of A<n> the cycles 0 → 1 → k.
    - `elements: swaps` reads the identity or any exchange of two points of S<n>, as Grazzi et al. do.

    Tokens are the places of the elements that are read among them. S5, A5 and all groups that contain one of
    them are not solvable: their word problem is complete for NC¹, so that networks which are parallel in time
    need more layers for longer words. Parity is Z2.

    Framings: many_to_many reads int32 `(B, T)` and writes the running product, `(B, T)`; many_to_one writes
    the product, `(B,)`. Steps after the end of a word hold 0. The splits are separate random streams.

    Attributes:
        group: its name: Z<n>, S<n>, A<n>, or a product such as Z2xZ3.
        elements: "all", "generators" or "swaps".
        length, min_length, curriculum: the number of elements of a word (`Lengths`).
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: W. Merrill, J. Petty & A. Sabharwal, "The Illusion of State in State-Space Models",
        arXiv:2404.08819, 2024; R. Grazzi et al., "Unlocking State-Tracking in Linear RNNs Through Negative
        Eigenvalues", arXiv:2411.12537, 2024.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many", "many_to_one")
    origin: ClassVar[str] = "Merrill et al. 2024"

    group: str = "S3"
    elements: str = "all"
    length: int = 32
    min_length: int = 1
    curriculum: str = "fixed"
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self, "elements", SUBSETS)
        group(self.group).subset(self.elements)

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(len(group(self.group).subset(self.elements)))

    def output_spec(self, framing: str) -> Spec:
        return Tokens(len(group(self.group).products))

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy", "sequence_accuracy") if framing == "many_to_many" else ("accuracy",)

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        num_tokens = self.input_spec(framing).size
        tokens = jax.random.randint(key, (len(lengths), self.length), 0, num_tokens)
        real = jnp.arange(self.length) < lengths[:, None]
        tokens = jnp.where(real, tokens, 0)  # the identity, so that the last product is that of the word
        products = self.running_products(tokens)
        if framing == "many_to_one":
            return Batch(tokens, products[:, -1], jnp.ones(len(lengths), bool), lengths)
        return Batch(tokens, jnp.where(real, products, 0), real, lengths)

    def running_products(self, tokens: jax.Array) -> jax.Array:
        """Return the number of the product of the elements up to each step, int32 `(B, T)`."""
        table = jnp.asarray(group(self.group).products)
        elements = jnp.asarray(group(self.group).subset(self.elements))[tokens]

        def multiply(product: jax.Array, element: jax.Array) -> tuple[jax.Array, jax.Array]:
            product = table[product, element]
            return product, product

        identity = jnp.zeros(len(tokens), jnp.int32)
        return jax.lax.scan(multiply, identity, elements.T)[1].T
