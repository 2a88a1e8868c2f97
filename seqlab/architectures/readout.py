"""The linear map from hidden features to outputs, and outputs drawn from its predictions."""

from __future__ import annotations

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.architectures.layers import apply_layer, dense, init_layer
from seqlab.metrics.gaussians import means_and_deviations
from seqlab.types import Gaussians, Labels, Params, Spec, Tokens, Transcript


@dataclasses.dataclass(frozen=True)
class Readout:
    """The linear map y = h W + b from hidden features to predictions of a spec.

    Attributes:
        spec: the output spec.
        tied: whether W is the transpose of an embedding of the outputs, y = h Eᵀ + b (Press & Wolf 2017,
            arXiv:1608.05859).
    """

    spec: Spec
    tied: bool = False

    @property
    def num_outputs(self) -> int:
        """O, the number of predictions at one position."""
        if isinstance(self.spec, Gaussians):
            return 2 * self.spec.size
        return self.spec.size + isinstance(self.spec, Transcript)

    def init(self, key: jax.Array, num_hidden: int) -> Params:
        """Return the parameters for `num_hidden` hidden features."""
        params = init_layer(self._dense, key, jnp.zeros((1, num_hidden)))
        return {"bias": params["bias"]} if self.tied else params

    def apply(self, params: Params, hidden: jax.Array, embedding: jax.Array | None = None) -> jax.Array:
        """Map hidden features `(…, H)` to predictions `(…, O)`.

        Args:
            params: as `init` returns them.
            hidden: the features.
            embedding: E, one row for each output, then any further rows; read only where `tied`.
        """
        if self.tied and embedding is not None:
            return hidden @ embedding[: self.num_outputs].T + params["bias"]
        return apply_layer(self._dense, params, hidden)

    @property
    def _dense(self) -> nn.Dense:
        return dense(self.num_outputs)


def draw(spec: Spec, key: jax.Array, predictions: jax.Array) -> jax.Array:
    """Draw tokens, labels or values from predictions `(…, O)`; vectors are the predictions."""
    if isinstance(spec, Tokens):
        return jax.random.categorical(key, predictions)
    if isinstance(spec, Labels):
        return jax.random.bernoulli(key, jax.nn.sigmoid(predictions)).astype(predictions.dtype)
    if isinstance(spec, Gaussians):
        means, deviations = means_and_deviations(predictions)
        return means + deviations * jax.random.normal(key, means.shape, means.dtype)
    return predictions
