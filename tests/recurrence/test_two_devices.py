"""Gradients of a batch split over two devices."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from seqlab.cells import GRU, LSTM
from seqlab.recurrence import GradientControl, unroll
from seqlab.recurrence.unroll import zero_probes

B, T, F, H = 4, 6, 3, 5


def loss(params, inputs, lengths, probes, control, *, cell, vjp):
    carry, outputs = unroll(cell, params, inputs, lengths, vjp=vjp, probes=probes, control=control)
    return jnp.sum(jnp.sin(outputs)) + sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(carry))


@pytest.mark.parametrize(
    ("cell", "vjp", "control"),
    [
        (LSTM(H), "fused", GradientControl()),
        (GRU(H), "fused", GradientControl(clip=0.5, omega=0.3)),
        (GRU(H), "autodiff", GradientControl(clip=0.5)),
    ],
    ids=["lstm", "gru-control", "gru-autodiff"],
)
def test_shard_map_and_named_sharding_equal_one_device(cell, vjp, control):
    mesh = jax.make_mesh((2,), ("batch",), (AxisType.Auto,))
    whole, split = PartitionSpec(), PartitionSpec("batch")
    inputs, lengths = np.float32(np.random.default_rng(1).standard_normal((B, T, F))), np.array([6, 2, 0, 5])
    carry = cell.initialize_carry(jax.random.key(0), (B, F))
    params = jax.jit(cell.init)(jax.random.key(0), carry, inputs[:, 0])["params"]
    arguments = params, inputs, lengths, zero_probes(carry, T), control
    gradient = jax.grad(functools.partial(loss, cell=cell, vjp=vjp), (0, 3, 4))

    def summed(*arguments):
        params, probes, control = gradient(*arguments)
        return jax.lax.psum(params, "batch"), probes, jax.lax.psum(control, "batch")

    specs = {"in_specs": (whole, split, split, split, whole), "out_specs": (whole, split, whole)}
    mapped = jax.jit(jax.shard_map(summed, mesh=mesh, check_vma=False, **specs))
    shardings = tuple(NamedSharding(mesh, spec) for spec in specs["in_specs"])
    reference = jax.jit(gradient)(*arguments)
    for found in (mapped(*arguments), jax.jit(gradient, in_shardings=shardings)(*arguments)):
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(reference), strict=True):
            assert np.max(np.abs(np.asarray(one) - np.asarray(other))) < 5e-5
