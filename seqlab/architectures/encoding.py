"""Features of the values of a spec: one-hot tokens, a learned embedding, or the values themselves."""

from __future__ import annotations

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.architectures.images import ImageEncoder
from seqlab.architectures.layers import apply_layer, init_layer
from seqlab.types import Images, Params, Spec, Tokens


@dataclasses.dataclass(frozen=True)
class Encoding:
    """Maps the values of a spec to features.

    Attributes:
        spec: what stands at one position.
        embedding: the width of a learned embedding of tokens, or of the output of a convolutional network for
            images (`ImageEncoder`). None encodes tokens one-hot and flattens images. Vectors and labels are
            features themselves.
    """

    spec: Spec
    embedding: int | None

    @property
    def is_learned(self) -> bool:
        """Whether the encoding has parameters."""
        return self.embedding is not None and isinstance(self.spec, Tokens | Images)

    @property
    def features(self) -> int:
        """F, the number of features of one position."""
        if self.embedding is not None and self.is_learned:
            return self.embedding
        return self.spec.size

    def init(self, key: jax.Array) -> Params:
        """Return the parameters of a learned encoding."""
        dtype = jnp.int32 if isinstance(self.spec, Tokens) else float
        return init_layer(self._module, key, jnp.zeros((1, *self.spec.shape), dtype))

    def apply(self, params: Params, values: jax.Array) -> jax.Array:
        """Map tokens `(…)`, vectors or labels `(…, F)`, or images `(…, H, W, C)` to features `(…, F)`.

        Args:
            params: as `init` returns them; anything where nothing is learned.
            values: the values.
        """
        if self.is_learned:
            return apply_layer(self._module, params, values)
        return one_hot(self.spec, values)

    @property
    def _module(self) -> nn.Embed | ImageEncoder:
        if isinstance(self.spec, Images):
            return ImageEncoder(self.features)
        return nn.Embed(self.spec.size, self.features, param_dtype=float)


def one_hot(spec: Spec, values: jax.Array) -> jax.Array:
    """Return tokens `(…)` as indicator vectors `(…, size)`, images flattened, and other values unchanged."""
    if isinstance(spec, Tokens):
        return jax.nn.one_hot(values, spec.size)
    return values.reshape(*values.shape[: values.ndim - len(spec.shape)], spec.size)
