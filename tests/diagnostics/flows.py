"""Networks whose gradients through time are known, for the tests of these."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import ManyToOne
from seqlab.diagnostics.through_time import through_time
from seqlab.types import Batch, Vectors

B, F, H = 3, 2, 4


def orthogonal(seed=0, size=H):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))[0]


def network_of(cell, architecture=ManyToOne, **options):
    return architecture(cell, Vectors(F), Vectors(F), **options)


def batch_of(num_steps, dtype, lengths=None, seed=0, per_step=False):
    """Return random inputs and targets; `per_step` targets are `(B, T, F)`."""
    draw = np.random.default_rng(seed)
    inputs = np.asarray(draw.normal(size=(B, num_steps, F)), dtype)
    shape = (B, num_steps) if per_step else (B,)
    targets = np.asarray(draw.normal(size=(*shape, F)), dtype)
    lengths = None if lengths is None else np.array(lengths)
    return Batch(inputs, targets, np.ones(shape, bool), lengths)


@functools.partial(jax.jit, static_argnums=0)
def initialized(network, batch):
    return network.init(jax.random.key(1), batch)


def params_of(network, batch, dtype, **recurrent):
    """Return random parameters, those named replaced in every layer and direction."""
    params = jax.device_get(initialized(network, batch))
    for layer in params["recurrence"].values():
        for direction in layer.values():
            direction.update(recurrent)
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype), params)


def flow(network, params, batch, scale=1.0):
    """Return the statistics through time of `scale` times the sum of what the network writes, weighed."""
    return jax.device_get(_flow(network, params, batch, scale))


@functools.partial(jax.jit, static_argnums=0)
def _flow(network, params, batch, scale):
    def loss(probes):
        written = network.apply(params, batch, probes=probes)
        weights = jnp.cos(jnp.arange(written.size, dtype=written.dtype)).reshape(written.shape)
        return scale * jnp.sum(weights * written)

    return through_time(jax.grad(loss)(network.zero_probes(params, batch)), batch.lengths)


def ratios(metrics, key="grads/through_time/log10_norm"):
    """Return ‖∂L/∂h_t‖ over the last of them, for every t."""
    log10 = np.asarray(metrics[key], np.float64)
    return 10 ** (log10 - log10[-1])
