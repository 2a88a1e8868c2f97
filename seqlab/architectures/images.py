"""Convolutional encoder of small images."""

from __future__ import annotations

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

_KERNEL = 3
_LEFT = 4
"""The longest side, in pixels, of the last convolution's output."""
_FIRST, _MOST = 16, 64
"""The channels of the first convolution. Each next one has twice as many, up to the most."""


class ImageEncoder(nn.Module):
    """A small convolutional network.

        z_0 = x,   z_i = relu(W_i * z_{i−1} + b_i),   y = W z_n + b

    * is the convolution with a kernel of 3 × 3 at stride 2, its input padded with a zero on every side. There
    is at least one convolution, and as many as leave no side longer than 4. They have 16, 32, 64, 64 …
    channels. All of z_n enters y, so y depends on positions in the image.

    Each convolution is computed as the product of its kernel with all patches of the image. XLA's own
    convolution takes ten times as long in a loop on a CPU.

    Attributes:
        features: E, the width of y.

    Source: Y. LeCun et al. 1998, "Gradient-based learning applied to document recognition", section II; with
        strides in place of pooling, J. Springenberg et al. 2015, arXiv:1412.6806.
    """

    features: int

    @nn.compact
    def __call__(self, images: jax.Array) -> jax.Array:
        """Map images `(…, H, W, C)` to features `(…, E)`."""
        *leading, height, width, _ = images.shape
        for index in range(max(1, math.ceil(math.log2(max(height, width) / _LEFT)))):
            channels = min(_FIRST * 2**index, _MOST)
            images = nn.relu(
                nn.Dense(channels, name=f"convolution_{index}", param_dtype=float)(patches(images))
            )
        return nn.Dense(self.features, name="dense", param_dtype=float)(images.reshape(*leading, -1))


def patches(images: jax.Array) -> jax.Array:
    """Return the patches that a kernel is multiplied with: `(…, H, W, C) -> (…, ⌈H/2⌉, ⌈W/2⌉, 9·C)`."""
    *leading, height, width, _ = images.shape
    padded = jnp.pad(images, [*[(0, 0)] * len(leading), (1, 1), (1, 1), (0, 0)])
    rows, columns = (2 * ((side + 1) // 2) - 1 for side in (height, width))
    shifted = [
        padded[..., i : i + rows : 2, j : j + columns : 2, :] for i in range(_KERNEL) for j in range(_KERNEL)
    ]
    return jnp.concatenate(shifted, axis=-1)
