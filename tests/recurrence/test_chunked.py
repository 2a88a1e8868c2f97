"""Recurrences in chunks, whose backward pass computes them again: equal to those that save every step."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import B, F, H, difference

from seqlab.cells import GRU, LRU, LSTM
from seqlab.recurrence import GradientControl, unroll
from seqlab.recurrence.chunked import chunk_length
from seqlab.recurrence.noise import draw_noise
from seqlab.recurrence.unroll import zero_probes

T = 11  # chunks of three, and a rest of two
LENGTHS = np.array([T, 0, 4])
RESETS = np.zeros((B, T), bool)
RESETS[0, 4] = RESETS[2, 2] = True
CUTS = np.zeros((T, B), bool)
CUTS[3::4] = True
CASES = {
    "fused-control": (GRU(H), {"control": GradientControl(clip=0.5, omega=0.3), "lengths": LENGTHS}),
    "fused-cuts-resets": (LSTM(H), {"cuts": CUTS.T, "resets": RESETS, "reverse": True}),
    "autodiff-noise": (LSTM(H), {"noise": True, "lengths": LENGTHS}),
    "linear": (LRU(H), {"resets": RESETS}),
}


@pytest.mark.parametrize("name", CASES)
def test_options_of_the_backward_pass_and_probes_are_as_without_chunks(name):
    with jax.enable_x64(True):
        cell, options = CASES[name]
        options = {"control": GradientControl(), **options}
        inputs = np.random.default_rng(1).standard_normal((B, T, F))

        @jax.jit
        def drawn():
            carry = cell.initialize_carry(jax.random.key(0), (B, F))
            params = cell.init(jax.random.key(0), carry, inputs[:, 0])["params"]
            return jax.tree.map(lambda leaf: leaf.astype(float) + 0.1, (params, carry))

        params, carry = drawn()
        probes = zero_probes(carry, T)
        if options.pop("noise", False):
            options["noise"] = jax.jit(lambda key: draw_noise(key, cell, inputs, 0.3, 0.3))(jax.random.key(2))
        control = options.pop("control")

        def loss(params, inputs, carry, probes, control, chunked):
            given = {**options, "probes": probes, "control": control, "chunked": chunked}
            carry, outputs = unroll(cell, params, inputs, carry=carry, **given)
            return jnp.sum(jnp.sin(outputs) ** 2) + sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(carry))

        @jax.jit
        def both(*arguments):
            found = functools.partial(jax.value_and_grad(loss, range(5)), *arguments)
            return found(chunked=True), found(chunked=False)

        chunked, full = both(params, inputs, carry, probes, control)
        assert difference(chunked, full) < 1e-10


def test_chunks_save_less():
    cell, shape = LSTM(32), (8, 400, 16)
    start = lambda: cell.init(jax.random.key(0), cell.initialize_carry(None, (8, 16)), jnp.zeros((8, 16)))  # noqa: E731
    params = jax.eval_shape(start)["params"]

    def temporary_bytes(chunked):
        function = jax.grad(lambda params, inputs: unroll(cell, params, inputs, chunked=chunked)[1].sum())
        compiled = jax.jit(function).lower(params, np.zeros(shape, "float32")).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary_bytes(True) < 0.5 * temporary_bytes(False)


@pytest.mark.parametrize(
    ("num_steps", "length"), [(0, 1), (1, 1), (7, 3), (100, 10), (1000, 25), (9973, 100)]
)
def test_a_chunk_is_about_the_root_of_the_steps(num_steps, length):
    assert chunk_length(num_steps) == length
