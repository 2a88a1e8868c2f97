"""Stacks: layers, directions and probes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from problems import LENGTHS, B, F, H, T, largest_difference

from seqlab.cells import GRU
from seqlab.recurrence import Stack, unroll, zero_probes


def test_layers_directions_and_probes():
    stack = Stack(GRU(H), num_layers=2, bidirectional=True)
    params = stack.init(jax.random.key(0), F)
    inputs, lengths = jax.random.normal(jax.random.key(1), (B, T, F)), jnp.array(LENGTHS)
    one = zero_probes(jnp.zeros((B, H)), T)
    probes = {layer: dict.fromkeys(stack.directions, one) for layer in stack.layers}

    def loss(probes):
        final, outputs = stack.apply(params, inputs, lengths, probes=probes)
        return outputs.sum(), (final, outputs)

    norms, (final, outputs) = jax.jit(jax.grad(loss, has_aux=True))(probes)
    x = inputs
    for layer in stack.layers:
        runs = [
            unroll(stack.cell, params[layer][name], x, lengths, reverse=name == "backward")
            for name in stack.directions
        ]
        assert (
            largest_difference(
                final[layer], dict(zip(stack.directions, [run[0] for run in runs], strict=True))
            )
            < 2e-6
        )
        x = jnp.concatenate([run[1] for run in runs], axis=-1)
    assert largest_difference(outputs, x) < 2e-6

    # Forwards, the last real step has no later one: its cotangent is the loss's own, a vector of ones.
    top = norms["layer_1"]
    assert jnp.allclose(top["forward"][0, -1], jnp.sqrt(H)), top
    assert jnp.allclose(top["backward"][0, 0], jnp.sqrt(H)), top
    assert norms["layer_0"]["forward"][0].all()
    assert not norms["layer_0"]["forward"][1].any()  # a sequence of length 0
