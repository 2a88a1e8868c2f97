"""Linen layers, applied to plain parameters."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax

from seqlab.types import Params


def dense(features: int, use_bias: bool = True) -> nn.Dense:
    """Return the map y = x W + b, whose parameters have JAX's default float dtype."""
    return nn.Dense(features, use_bias=use_bias, param_dtype=float)


def init_layer(layer: nn.Module, key: jax.Array, inputs: jax.Array) -> Params:
    """Return new parameters of a layer for inputs of a shape."""
    return layer.init(key, inputs)["params"]


def apply_layer(layer: nn.Module, params: Params, inputs: jax.Array) -> jax.Array:
    """Apply a layer to its parameters and inputs."""
    outputs: Any = layer.apply({"params": params}, inputs)
    return outputs
