"""Short causal depthwise convolution of the inputs of a stack."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from seqlab.checks import require_positive
from seqlab.types import Params


@dataclasses.dataclass(frozen=True)
class InputConv:
    """A causal convolution over time of each feature by itself.

        y_t = b + Σ_{j=0}^{k−1} w_j ⊙ x_{t−j}

    x before the first step, and before a reset, is zero. Its carry is a window of the last k − 1 inputs,
    `(B, k − 1, F)`, the latest last. Parameters: `kernel` w `(k, F)`, `bias` b `(F,)`.

    Attributes:
        input_conv: k, the number of steps that an output reads.

    Raises:
        ValueError: k is no positive integer.

    Source: Gu & Dao 2023, "Mamba", section 3.4, for a short convolution before a recurrence. Deviation: no
    activation follows it.
    """

    input_conv: int

    def __post_init__(self) -> None:
        require_positive(self, "input_conv")

    def init(self, key: jax.Array, num_inputs: int) -> Params:
        """Return the parameters for F = `num_inputs`."""
        shape = self.input_conv, num_inputs
        kernel = self.input_conv**-0.5 * jax.random.normal(key, shape, float)
        return {"kernel": kernel, "bias": jnp.zeros(num_inputs)}

    def first_window(self, params: Params, num_rows: int) -> jax.Array:
        """Return the window before the first step: zeros."""
        kernel = params["kernel"]
        return jnp.zeros((num_rows, self.input_conv - 1, kernel.shape[1]), kernel.dtype)

    def apply(
        self,
        params: Params,
        inputs: jax.Array,
        window: jax.Array,
        lengths: jax.Array | None = None,
        resets: jax.Array | None = None,
    ) -> tuple[jax.Array, jax.Array]:
        """Return the window after the last real step, and the outputs `(B, T, F)`.

        Args:
            params: as `init` returns them.
            inputs: `(B, T, F)`.
            window: the window before the first step.
            lengths: int32 `(B,)`, the real steps of each sequence; None for T each.
            resets: bool `(B, T)`, the steps before which the window is emptied; None for none.
        """
        k, (num_rows, num_steps) = self.input_conv, inputs.shape[:2]
        window = window.astype(inputs.dtype)
        read = jnp.concatenate([window, inputs], axis=1)  # step t stands at t + k − 1
        begun = jnp.zeros((num_rows, num_steps), int) if resets is None else jnp.cumsum(resets, axis=1)
        begun = jnp.pad(begun, ((0, 0), (k - 1, 0)))  # how many resets came before each
        outputs = jnp.broadcast_to(params["bias"], inputs.shape)
        for j in range(k):
            first = k - 1 - j
            same = begun[:, first : first + num_steps] == begun[:, k - 1 :]
            tap = read[:, first : first + num_steps]
            outputs = outputs + params["kernel"][j] * jnp.where(same[..., None], tap, 0)
        ends = jnp.full(num_rows, num_steps) if lengths is None else lengths
        at = ends[:, None] + jnp.arange(k - 1)
        last = jnp.take_along_axis(begun, jnp.maximum(ends + k - 2, 0)[:, None], axis=1)
        same = jnp.take_along_axis(begun, at, axis=1) == last
        return jnp.where(same[..., None], jnp.take_along_axis(read, at[..., None], axis=1), 0), outputs
