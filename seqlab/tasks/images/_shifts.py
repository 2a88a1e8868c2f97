"""Random shifts of images and clips, as an augmentation of training."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.types import Batch


def shift_training(batch: Batch, key: jax.Array, split: str, most: int) -> Batch:
    """Move the images or clips of a training batch as `shifted` does; return that of another split as it is.

    Args:
        batch: inputs `(B, …, H, W, C)`.
        key: the PRNG key that the rows of the batch were drawn with.
        split: the split of the batch.
        most: the largest shift, in pixels; 0 for none.
    """
    if split != "train" or not most:
        return batch
    return batch._replace(inputs=shifted(jax.random.fold_in(key, 1), batch.inputs, most))


def shifted(key: jax.Array, images: jax.Array, most: int) -> jax.Array:
    """Move each image or clip by a whole number of pixels, uniform from −`most` to `most` along each side.

    The pixels at the border are repeated where nothing else moves in. All frames of a clip move alike.

    Args:
        key: PRNG key.
        images: `(B, …, H, W, C)`.
        most: the largest shift, in pixels.
    """
    leading = [(0, 0)] * (images.ndim - 3)
    padded = jnp.pad(images, [*leading, (most, most), (most, most), (0, 0)], mode="edge")
    first = jax.random.randint(key, (len(images), 2), 0, 2 * most + 1)

    def crop(image: jax.Array, first: jax.Array) -> jax.Array:
        zeros = [0] * (image.ndim - 3)
        return jax.lax.dynamic_slice(image, [*zeros, first[0], first[1], 0], images.shape[1:])

    return jax.vmap(crop)(padded, first)
