"""Layers that cuDNN computes, on a GPU of NVIDIA."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import rnn
from jax.extend.backend import get_backend

from seqlab.checks import own_attribute
from seqlab.recurrence.protocols import RecurrentCell
from seqlab.recurrence.steps import where_rows
from seqlab.types import Carry, IncompatibleError, Params


def require_cudnn(cell: RecurrentCell) -> None:
    """Raise IncompatibleError where cuDNN has no layer of a cell, or where JAX has no GPU of NVIDIA."""
    if getattr(own_attribute(cell, "counterpart"), "kind", None) != "LSTM":
        raise IncompatibleError(
            f"recurrence.backend=cudnn does not fit {type(cell).__name__}, only LSTM: legal are auto, scan"
        )
    version = get_backend().platform_version  # the platform is "gpu" for those of AMD too
    if "cuda" not in version:
        found = " ".join(version.split())
        raise IncompatibleError(
            f"recurrence.backend=cudnn needs a GPU of NVIDIA, got {found}: legal are auto, scan"
        )


def packed(params: Params) -> jax.Array:
    """Return the parameters of an LSTM as cuDNN's flat array: Wᵀ, Rᵀ, b and a second bias, which is 0.

    The order of gates is i f g o in both. A bias of the input and one of h are added by cuDNN.
    """
    W, R, b = (params[name] for name in ("input_kernel", "recurrent_kernel", "bias"))
    return jnp.concatenate([W.T.ravel(), R.T.ravel(), b, jnp.zeros_like(b)])


def cudnn_layer(
    cell: RecurrentCell, params: Params, inputs: jax.Array, lengths: jax.Array | None, carry: Carry
) -> tuple[Carry, jax.Array]:
    """Run an LSTM over inputs `(B, T, F)`, as `unroll` does; outputs after a sequence's end have no meaning.

    Args:
        cell: the LSTM.
        params: its parameters.
        inputs: `(B, T, F)`.
        lengths: int32 `(B,)`; None for T each.
        carry: the carry before the first step, `(c, h)`, `(B, H)` each.

    Source: NVIDIA's cuDNN by `jax.experimental.rnn`.
    """
    (c, h), (B, T, F) = carry, inputs.shape
    ends = jnp.full(B, T, jnp.int32) if lengths is None else lengths.astype(jnp.int32)
    sizes = {"input_size": F, "hidden_size": h.shape[-1], "num_layers": 1}
    some = jnp.maximum(ends, 1)  # cuDNN takes no empty sequence
    found: Any = rnn.lstm(
        inputs, h[None], c[None], packed(params), some, **sizes, dropout=0.0, bidirectional=False
    )
    outputs, h_end, c_end = found
    return where_rows(ends > 0, (c_end[0], h_end[0]), carry), outputs
