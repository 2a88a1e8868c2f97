"""Training windows that follow one another in each row of a batch."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.types import ConfigError


def window_starts(key: jax.Array, step: jax.Array, size: int, length: int, num_tokens: int) -> jax.Array:
    """Return where the windows of one step start in a text, int32 `(B,)`.

    The text is cut into B stretches of W = ⌊(N − 1) / (B T)⌋ windows. Row b starts with stretch b, reads one
    window each step, and continues with the next stretch; the first stretch follows the last:

        start_b = T · ((b W + step + first) mod B W)

    So W steps read every window once, and a row neither skips nor repeats a token before the text ends.
    `first` is drawn from the key.

    Args:
        key: PRNG key, the same at all steps.
        step: int32 scalar.
        size: B.
        length: T.
        num_tokens: N, one more than are read, because the last target follows the last input.

    Raises:
        ConfigError: the text holds fewer than B windows.
    """
    per_row = (num_tokens - 1) // (size * length)
    if not per_row:
        raise ConfigError(
            f"training.batch_size times task.length must be below {num_tokens} with task.stream=true, "
            f"got {size} × {length}"
        )
    count = size * per_row
    first = jax.random.randint(key, (), 0, count)
    return (jnp.arange(size) * per_row + (step % count + first) % count) % count * length
