"""A plain Flax and optax script that trains one recurrent model on the adding problem.

    python scripts/plain_training.py [--steps 50] [--cell lstm] [--features 128]

`scripts/bench_start.py` compares `python -m seqlab.train` with it. The model, the task, the batch size and
the optimiser are the same. It has no configuration, no evaluation and no files, and imports nothing of
seqlab.
"""

from __future__ import annotations

import argparse
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

BATCH_SIZE, LENGTH = 32, 50
CELLS = {"lstm": nn.OptimizedLSTMCell, "gru": nn.GRUCell}


class Model(nn.Module):
    """A recurrent layer whose last output a linear layer reads."""

    cell: str
    features: int

    @nn.compact
    def __call__(self, inputs: jax.Array) -> jax.Array:
        hidden = nn.RNN(CELLS[self.cell](self.features))(inputs)
        return nn.Dense(1)(hidden[:, -1])


def draw(key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return inputs `(B, T, 2)`, values and markers, and the sums of the two marked values `(B, 1)`."""
    values_key, first_key, second_key = jax.random.split(key, 3)
    half = LENGTH // 2
    values = jax.random.uniform(values_key, (BATCH_SIZE, LENGTH))
    first = jax.random.randint(first_key, (BATCH_SIZE,), 0, half)
    second = jax.random.randint(second_key, (BATCH_SIZE,), half, LENGTH)
    markers = jax.nn.one_hot(first, LENGTH) + jax.nn.one_hot(second, LENGTH)
    return jnp.stack([values, markers], axis=-1), (values * markers).sum(axis=1, keepdims=True)


def program(cell: str, features: int, steps: int) -> tuple[Any, Any]:
    """Return two jitted functions: `init(key) -> state` and `train(state) -> (state, losses)`."""
    model = Model(cell, features)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3))

    def init(key: jax.Array) -> tuple:
        params = model.init(key, draw(key)[0])
        return params, optimizer.init(params)

    def step(state: tuple, key: jax.Array) -> tuple:
        params, moments = state
        inputs, targets = draw(key)

        def objective(params: Any) -> jax.Array:
            return jnp.mean(jnp.square(model.apply(params, inputs) - targets))

        loss, grads = jax.value_and_grad(objective)(params)
        updates, moments = optimizer.update(grads, moments, params)
        return (optax.apply_updates(params, updates), moments), loss

    def train(state: tuple) -> tuple:
        return jax.lax.scan(step, state, jax.random.split(jax.random.key(1), steps))

    return jax.jit(init), jax.jit(train)


def main() -> None:
    """Train and print the loss of the last step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--cell", choices=CELLS, default="lstm")
    parser.add_argument("--features", type=int, default=128)
    arguments = parser.parse_args()
    init, train = program(arguments.cell, arguments.features, arguments.steps)
    _, losses = train(init(jax.random.key(0)))
    print(f"loss {losses[-1]:.4f}")


if __name__ == "__main__":
    main()
