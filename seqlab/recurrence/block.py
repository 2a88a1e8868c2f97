"""Block around a recurrent layer: skip connection, norm, gated MLP and stochastic depth."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

from seqlab.checks import require_choice, require_number
from seqlab.types import IncompatibleError, Params

BLOCKS = ("plain", "residual", "pre_norm", "pre_norm_mlp")
NORMS = ("rms_norm", "layer_norm")
EPSILON = 1e-6

Layer = Callable[[jax.Array], jax.Array]
"""A map of sequences, `(B, T, D) -> (B, T, D)`."""


@dataclasses.dataclass(frozen=True)
class Block:
    """What surrounds every layer f of a stack.

        plain         y = f(x)
        residual      y = x + f(x)
        pre_norm      y = x + f(norm(x))
        pre_norm_mlp  u = x + f(norm(x)),  y = u + g(norm(u)),  g(u) = (SiLU(u W_g) ⊙ (u W_u)) W_d

    All but "plain" need sequences as wide as the outputs of f, D features; where the stack reads another
    width, a linear map brings it to D first. The two with norms have another norm after the top layer.
    In training stochastic depth leaves out f(…) or g(…) of layer l of L with the probability
    `stochastic_depth` · l / L, drawn for each sequence and the same at all its steps, and divides what stays
    by its probability. So the expectation over the draws is what evaluation computes.

    Attributes:
        kind: one of `BLOCKS`.
        norm: "rms_norm" (Zhang & Sennrich 2019, arXiv:1910.07467) or "layer_norm" (Ba et al. 2016,
            arXiv:1607.06450).
        expand: the hidden width of g as a multiple of D.
        stochastic_depth: the rate at the top layer.

    Raises:
        ValueError: an attribute outside its legal values.
        IncompatibleError: stochastic depth in a plain block, which has no skip connection.

    Source: He et al. 2016, arXiv:1603.05027, for the order of norm and layer; Shazeer 2020, arXiv:2002.05202,
    for SwiGLU; Huang et al. 2016, arXiv:1603.09382, for stochastic depth and its linear growth. Deviation:
    Huang et al. scale in evaluation, and draw once for a batch.
    """

    kind: str = "plain"
    norm: str = "rms_norm"
    expand: float = 2.0
    stochastic_depth: float = 0.0

    def __post_init__(self) -> None:
        require_choice(self, "kind", BLOCKS)
        require_choice(self, "norm", NORMS)
        require_number(self, "expand", 0.125)
        require_number(self, "stochastic_depth", 0.0, 1.0)
        if self.stochastic_depth and not self.has_skip:
            raise IncompatibleError(
                "architecture.stochastic_depth must be 0 where architecture.block=plain, "
                f"got {self.stochastic_depth}: legal blocks are {', '.join(BLOCKS[1:])}"
            )

    @property
    def has_skip(self) -> bool:
        """Whether a layer's input is added to its output."""
        return self.kind != "plain"

    @property
    def has_norm(self) -> bool:
        """Whether a norm precedes every layer, and another one follows the top one."""
        return self.kind in ("pre_norm", "pre_norm_mlp")

    @property
    def has_mlp(self) -> bool:
        """Whether a gated MLP follows every layer."""
        return self.kind == "pre_norm_mlp"

    def init(self, key: jax.Array, width: int) -> Params:
        """Return the parameters of one block for D = `width`; empty where it has none."""
        params: dict[str, Params] = {"norm": self.init_norm(width)} if self.has_norm else {}
        if self.has_mlp:
            hidden = max(1, round(self.expand * width))
            keys = jax.random.split(key, 3)
            params["mlp_norm"] = self.init_norm(width)
            params["mlp"] = {
                "gate_kernel": _kernel(keys[0], width, hidden),
                "up_kernel": _kernel(keys[1], width, hidden),
                "down_kernel": _kernel(keys[2], hidden, width),
            }
        return params

    def init_norm(self, width: int) -> Params:
        """Return the parameters of one norm: ones as `scale`, and zeros as the `bias` of a LayerNorm."""
        params = {"scale": jnp.ones(width)}
        return params if self.norm == "rms_norm" else {**params, "bias": jnp.zeros(width)}

    def apply(self, params: Params, x: jax.Array, layer: Layer, drop: Layer, skip: Layer) -> jax.Array:
        """Run a layer inside its block.

        Args:
            params: as `init` returns them.
            x: `(B, T, D)`; of any width where the block is plain.
            layer: f.
            drop: the dropout on what the MLP reads.
            skip: the stochastic depth of what f or g returns; called once for each, in this order.
        """
        if not self.has_skip:
            return layer(x)
        x = x + skip(layer(self.normalised(params["norm"], x) if self.has_norm else x))
        if not self.has_mlp:
            return x
        read = drop(self.normalised(params["mlp_norm"], x))
        return x + skip(gated_mlp(params["mlp"], read))

    def normalised(self, params: Params, x: jax.Array) -> jax.Array:
        """Return x `(…, D)` with unit mean square over D, times a scale; centred first in a LayerNorm.

        rms_norm    y = x / sqrt(mean x² + ε) ⊙ scale
        layer_norm  y = (x − mean x) / sqrt(var x + ε) ⊙ scale + bias,   ε = 1e-6, as in Flax
        """
        if self.norm == "layer_norm":
            x = x - jnp.mean(x, axis=-1, keepdims=True)
        y = x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + EPSILON) * params["scale"]
        return y + params["bias"] if self.norm == "layer_norm" else y

    def rate(self, index: int, num_layers: int) -> float:
        """Return the rate of stochastic depth at layer `index`, counted from 0, of `num_layers`."""
        return self.stochastic_depth * (index + 1) / num_layers


def gated_mlp(params: Params, x: jax.Array) -> jax.Array:
    """Return (SiLU(x W_g) ⊙ (x W_u)) W_d of x `(…, D)`."""
    return (jax.nn.silu(x @ params["gate_kernel"]) * (x @ params["up_kernel"])) @ params["down_kernel"]


def init_projection(key: jax.Array, num_inputs: int, width: int) -> Params:
    """Return the parameters of x W + b, with b uniform within ± 1/√F, as in PyTorch's `Linear`.

    A bias of zero would let the norm after it remove the magnitude of a single input feature.
    """
    key_kernel, key_bias = jax.random.split(key)
    limit = num_inputs**-0.5
    bias = jax.random.uniform(key_bias, (width,), float, -limit, limit)
    return {"kernel": _kernel(key_kernel, num_inputs, width), "bias": bias}


def project(params: Params, x: jax.Array) -> jax.Array:
    """Return x W + b of x `(…, F)`."""
    return x @ params["kernel"] + params["bias"]


def _kernel(key: jax.Array, num_inputs: int, num_outputs: int) -> jax.Array:
    return jax.nn.initializers.lecun_normal()(key, (num_inputs, num_outputs), float)
