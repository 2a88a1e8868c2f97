"""Box tracking: say in which box an object is after objects and boxes were moved."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from seqlab.checks import require_number, require_positive
from seqlab.tasks._simple_predictors import simple_reference
from seqlab.tasks.lengths import Lengths
from seqlab.tasks.task import Task
from seqlab.types import Batch, Goal, Reference, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class BoxTracking(Task):
    """Say in which of K boxes an object is, after N objects were put into them and moved.

        (o, k): put object o into box k        token K o + k,                        o < N, k < K
        (i, j): empty box i into box j ≠ i     token K N + (K − 1) i + j − [j > i]
        o?: ask for object o                   token K N + K (K − 1) + o

    >>> task = BoxTracking(num_objects=2, num_boxes=3)  # object 1 is put into box 2, which is emptied into 1
    >>> task.boxes(jnp.array([[0, 5, 11, 12, 13]]))[0, 3:].tolist()
    [0, 1]

    The first N steps put each object into a random box. Each later step asks with probability q, and else
    puts an object or empties a box, both with probability ½. The last step asks. The target of a step that
    asks is the box of the object, and only these steps count. Objects that are in one box stay together until
    one of them is put elsewhere.

    Framing: many_to_many reads int32 `(B, T)` and writes boxes, `(B, T)`. Steps after the end of a sequence
    hold 0. The splits are separate random streams.

    Attributes:
        length, min_length, curriculum: the number of steps (`Lengths`), at least N + 1.
        num_objects: N.
        num_boxes: K, at least 2.
        question_probability: q.
        num_evaluation_examples: the number of examples of an evaluation pass.

    Source: N. Kim & S. Schuster, "Entity Tracking in Language Models", arXiv:2305.02363, 2023, where
        sentences say what is done to the objects of 7 boxes; here each operation is a token.
    """

    framings: ClassVar[tuple[str, ...]] = ("many_to_many",)
    origin: ClassVar[str] = "Kim & Schuster 2023"

    length: int = 48
    min_length: int = 8
    curriculum: str = "fixed"
    num_objects: int = 5
    num_boxes: int = 5
    question_probability: float = 0.25
    num_evaluation_examples: int = 1024

    def __post_init__(self) -> None:
        require_positive(self, "num_objects", "num_boxes")
        super().__post_init__()
        if self.num_boxes < 2:
            raise ValueError(f"num_boxes must be at least 2, got {self.num_boxes}")
        require_number(self, "question_probability", low=0)
        if self.question_probability > 1:
            raise ValueError(f"question_probability must be from 0 to 1, got {self.question_probability}")

    @property
    def sequence_lengths(self) -> Lengths:
        return Lengths(self.length, self.min_length, self.curriculum, shortest=self.num_objects + 1)

    @property
    def first_move(self) -> int:
        """The first token that empties a box."""
        return self.num_objects * self.num_boxes

    @property
    def first_question(self) -> int:
        """The first token that asks."""
        return self.first_move + self.num_boxes * (self.num_boxes - 1)

    def input_spec(self, framing: str) -> Spec:
        return Tokens(self.first_question + self.num_objects)

    def output_spec(self, framing: str) -> Spec:
        return Tokens(self.num_boxes)

    def goal(self, framing: str) -> Goal:
        return Goal("accuracy", higher_is_better=True)

    def reference(self, framing: str, split: str = "test") -> Reference:
        return simple_reference(self, framing, split, threshold=0.99)

    def metrics(self, framing: str) -> tuple[str, ...]:
        return ("accuracy", "sequence_accuracy")

    def sample(self, key: jax.Array, lengths: jax.Array, split: str, framing: str) -> Batch:
        kind_key, put_key, move_key, ask_key = jax.random.split(key, 4)
        shape, steps = (len(lengths), self.length), jnp.arange(self.length)
        puts = jax.random.randint(put_key, shape, 0, self.first_move)
        moves = jax.random.randint(move_key, shape, self.first_move, self.first_question)
        questions = jax.random.randint(ask_key, shape, 0, self.num_objects) + self.first_question
        kinds = jax.random.uniform(kind_key, shape)
        q = self.question_probability
        tokens = jnp.where(kinds < q, questions, jnp.where(kinds < (1 + q) / 2, puts, moves))
        first = jnp.minimum(steps, self.num_objects - 1) * self.num_boxes + puts % self.num_boxes
        tokens = jnp.where(steps < self.num_objects, first, tokens)
        tokens = jnp.where(steps == lengths[:, None] - 1, questions, tokens)
        tokens = jnp.where(steps < lengths[:, None], tokens, 0)
        asks = tokens >= self.first_question
        return Batch(tokens, jnp.where(asks, self.boxes(tokens), 0), asks, lengths)

    def boxes(self, tokens: jax.Array) -> jax.Array:
        """Return the box of the object that each step asks for, int32 `(B, T)`; any box where none asks."""
        N, K = self.num_objects, self.num_boxes
        objects = jnp.arange(N)

        def step(boxes: jax.Array, token: jax.Array) -> tuple[jax.Array, jax.Array]:
            token = token[:, None]
            source, target = jnp.divmod(token - self.first_move, K - 1)
            target = target + (target >= source)
            puts = (token < self.first_move) & (objects == token // K)
            moves = (token >= self.first_move) & (token < self.first_question) & (boxes == source)
            boxes = jnp.where(puts, token % K, jnp.where(moves, target, boxes))
            asked = jnp.clip(token - self.first_question, 0, N - 1)
            return boxes, jnp.take_along_axis(boxes, asked, axis=1)[:, 0]

        empty = jnp.zeros((len(tokens), N), jnp.int32)
        return jax.lax.scan(step, empty, tokens.T)[1].T
