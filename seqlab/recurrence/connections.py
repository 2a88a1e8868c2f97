"""Connections of the layers of a stack: convolution, projection, blocks, dropout and the norm at the top."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import jax

from seqlab.recurrence.block import Block, init_projection, project
from seqlab.recurrence.input_conv import InputConv
from seqlab.recurrence.noise import drop, drop_sequences
from seqlab.recurrence.steps import mask_rows, real_steps
from seqlab.types import Params

RunLayer = Callable[[int, str, jax.Array], jax.Array]
"""A layer: takes its index, its name and what it reads, `(B, T, F)`; returns `(B, T, D)`."""


@dataclasses.dataclass(frozen=True)
class Connections:
    """What lies between the inputs of a stack, its layers and its outputs.

        x = projection(convolution(inputs)),  x ← block(layer, x) for each layer,  outputs = norm(x)

    Each part but the layers may be missing. Parameters: `input_conv`, `input_projection`, `final_norm`, and
    `{layer: {"block": …}}`.

    Attributes:
        layers: the layers' names, the lowest first.
        width: D, the width of a layer's outputs.
        block: what surrounds every layer.
        conv: the convolution of the inputs; None for none.
        dropout: the rate on what every layer, every MLP and the reader of the outputs read.
    """

    layers: tuple[str, ...]
    width: int
    block: Block
    conv: InputConv | None
    dropout: float

    def init(self, key: jax.Array, num_inputs: int) -> tuple[Params, int]:
        """Return the parameters for inputs of `num_inputs` features, and what the lowest layer reads."""
        params: dict[str, Params] = {}
        key_conv, key_projection, *keys = jax.random.split(key, 2 + len(self.layers))
        if self.conv:
            params["input_conv"] = self.conv.init(key_conv, num_inputs)
        if self.block.has_skip and num_inputs != self.width:
            params["input_projection"] = init_projection(key_projection, num_inputs, self.width)
            num_inputs = self.width
        for layer, one in zip(self.layers, keys, strict=True):
            if block := self.block.init(one, self.width):
                params[layer] = {"block": block}
        if self.block.has_norm:
            params["final_norm"] = self.block.init_norm(self.width)
        return params, num_inputs

    def first_window(self, params: Params, num_rows: int) -> jax.Array | None:
        """Return the window of the convolution before the first step; None where there is none."""
        return self.conv.first_window(params["input_conv"], num_rows) if self.conv else None

    def apply(
        self,
        run_layer: RunLayer,
        params: Params,
        inputs: jax.Array,
        lengths: jax.Array | None = None,
        window: jax.Array | None = None,
        resets: jax.Array | None = None,
        key: jax.Array | None = None,
    ) -> tuple[jax.Array | None, jax.Array]:
        """Run all layers.

        Args:
            run_layer: runs one of them.
            params: as `init` returns them; others are not read.
            inputs: `(B, T, F)`.
            lengths: int32 `(B,)`, the real steps of each sequence; None for T each.
            window: the window of the convolution before the first step; None for the first one.
            resets: bool `(B, T)`, the steps before which the window is emptied; None for none.
            key: PRNG key of dropout and stochastic depth; None for neither.

        Returns:
            The final window, and the outputs `(B, T, D)`.
        """
        real = None if lengths is None else real_steps(lengths, inputs.shape[1])
        x = mask_rows(real, inputs) if self.conv or self.block.has_skip else inputs
        if self.conv:
            weights = params["input_conv"]
            window = self.conv.first_window(weights, len(x)) if window is None else window
            window, x = self.conv.apply(weights, x, window, lengths, resets)
        if "input_projection" in params:
            x = project(params["input_projection"], x)
        for index, layer in enumerate(self.layers):

            def read(values: jax.Array, index: int = index, layer: str = layer) -> jax.Array:
                return run_layer(index, layer, self._drop(key, index, values))

            x = self.block.apply(params[layer].get("block", {}), x, read, *self._noise(key, index))
        if self.block.has_norm:
            x = self.block.normalised(params["final_norm"], x)
        x = mask_rows(real, x) if self.block.has_skip else x
        return window, self._drop(key, len(self.layers), x)

    def _noise(self, key: jax.Array | None, index: int) -> tuple[Callable[[jax.Array], jax.Array], ...]:
        """Return the dropout on what a block's MLP reads, and its stochastic depth."""
        if key is None:
            return (lambda values: values,) * 2
        key = jax.random.fold_in(jax.random.fold_in(key, 0), index)  # of no other mask
        key_drop, *keys = jax.random.split(key, 3)
        unused = iter(keys)

        def skip(values: jax.Array) -> jax.Array:
            if not self.block.stochastic_depth:
                return values
            return drop_sequences(next(unused), values, self.block.rate(index, len(self.layers)))

        return functools.partial(self._drop, key_drop, 0), skip

    def _drop(self, key: jax.Array | None, num_below: int, values: jax.Array) -> jax.Array:
        """Drop elements of what `num_below` layers return; without a key or a rate, none."""
        # A rate that is traced is not 0.
        if key is None or not (isinstance(self.dropout, jax.Array) or self.dropout > 0):
            return values
        return drop(jax.random.fold_in(key, num_below), values, self.dropout)
