"""Stacks: layers, directions and probes."""

from __future__ import annotations

import jax
import numpy as np
from problems import LENGTHS, B, F, H, T, difference

from seqlab.cells import GRU
from seqlab.recurrence import Stack, unroll, zero_probes


def test_layers_directions_and_probes():
    stack = Stack(GRU(H), num_layers=2, bidirectional=True)
    params = jax.jit(lambda key: stack.init(key, F))(jax.random.key(0))
    inputs, lengths = np.float32(np.random.default_rng(1).standard_normal((B, T, F))), np.array(LENGTHS)
    one = zero_probes(np.zeros((B, H), "float32"), T)
    probes = {layer: dict.fromkeys(stack.directions, one) for layer in stack.layers}

    def loss(probes):
        final, outputs = stack.apply(params, inputs, lengths, probes=probes)
        return outputs.sum(), (final, outputs)

    norms, (final, outputs) = jax.device_get(jax.jit(jax.grad(loss, has_aux=True))(probes))
    run_one, x = jax.jit(unroll, static_argnames=("cell", "reverse")), inputs
    for layer in stack.layers:
        runs = [
            run_one(stack.cell, params[layer][name], x, lengths, reverse=name == "backward")
            for name in stack.directions
        ]
        carries = dict(zip(stack.directions, [run[0] for run in runs], strict=True))
        assert difference(final[layer], carries) < 2e-6
        x = np.concatenate([run[1] for run in runs], axis=-1)
    assert difference(outputs, x) < 2e-6

    # Forwards, the last real step has no later one: its cotangent is the loss's own, a vector of ones.
    top = norms["layer_1"]
    assert np.allclose(top["forward"][0, -1], np.sqrt(H)), top
    assert np.allclose(top["backward"][0, 0], np.sqrt(H)), top
    assert norms["layer_0"]["forward"][0].all()
    assert not norms["layer_0"]["forward"][1].any()  # a sequence of length 0
