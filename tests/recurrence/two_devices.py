"""Compare the gradients of a batch split over two devices with those on one; run by `test_two_devices`."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from seqlab.cells import GRU, LSTM
from seqlab.recurrence import Remedies, unroll
from seqlab.recurrence.unroll import zero_taps

B, T, F, H = 4, 6, 3, 5


def loss(params, inputs, lengths, taps, remedies, *, cell, backward):
    carry, outputs = unroll(cell, params, inputs, lengths, backward=backward, taps=taps, remedies=remedies)
    return jnp.sum(jnp.sin(outputs)) + sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(carry))


def check(cell, backward, remedies):
    """Compare `shard_map` and `NamedSharding` with one device."""
    mesh = jax.make_mesh((2,), ("batch",), (AxisType.Auto,))
    whole, split = PartitionSpec(), PartitionSpec("batch")
    inputs, lengths = jax.random.normal(jax.random.key(1), (B, T, F)), jnp.array([6, 2, 0, 5])
    carry = cell.initialize_carry(jax.random.key(0), (B, F))
    params = cell.init(jax.random.key(0), carry, inputs[:, 0])["params"]
    arguments = params, inputs, lengths, zero_taps(carry, T), remedies
    gradient = jax.grad(functools.partial(loss, cell=cell, backward=backward), (0, 3, 4))

    def summed(*arguments):
        whole_loss = lambda *args: jax.lax.psum(loss(*args, cell=cell, backward=backward), "batch")  # noqa: E731
        return jax.grad(whole_loss, (0, 3, 4))(*arguments)

    specs = {"in_specs": (whole, split, split, split, whole), "out_specs": (whole, split, whole)}
    mapped = jax.jit(jax.shard_map(summed, mesh=mesh, **specs))
    shardings = tuple(NamedSharding(mesh, spec) for spec in specs["in_specs"])
    reference = jax.jit(gradient)(*arguments)
    for found in (mapped(*arguments), jax.jit(gradient, in_shardings=shardings)(*arguments)):
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(reference), strict=True):
            assert jnp.max(jnp.abs(one - jax.device_get(other))) < 5e-5, (cell, backward)


if __name__ == "__main__":
    assert jax.device_count() == 2
    check(LSTM(H), "fused", Remedies())
    check(GRU(H), "fused", Remedies(clip=0.5, omega=0.3))
    check(GRU(H), "autodiff", Remedies(clip=0.5))
