"""Resets of the carry, and cuts of the gradient."""

from __future__ import annotations

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import CELLS, LENGTHS, B, H, T, difference, loss, problem

from seqlab.cells import LRU
from seqlab.recurrence import Stack, unroll, zero_probes

RESETS = np.array([[0, 0, 1, 0, 0, 1, 1], [1, 0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0]], bool)
CUTS = np.array([[0, 1, 0, 0, 1, 0, 0], [0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0]], bool)
FORMS = {
    "fused": (CELLS["lstm"], "fused", CUTS),
    "flax": (nn.GRUCell(H), "fused", CUTS),
    "associative": (LRU(H, scan="associative"), "fused", None),
}


def by_definition(cell, params, inputs, lengths, carry, probes=None, resets=None, cuts=None):
    """Step through the sequences one by one, in Python."""
    start, outputs = cell.initialize_carry(jax.random.key(0), (B, H)), []
    for t in range(T):
        if cuts is not None:
            cut = lambda leaf, t=t: jnp.where(cuts[:, t, None], jax.lax.stop_gradient(leaf), leaf)  # noqa: E731
            carry = jax.tree.map(cut, carry)
        carry = jax.tree.map(lambda s, leaf, t=t: jnp.where(resets[:, t, None], s, leaf), start, carry)
        carry, y = cell.apply({"params": params}, carry, inputs[:, t])
        outputs.append(y)
    return carry, jnp.stack(outputs, axis=1)


def gradients(arguments, **options):
    """Return the loss and its gradients by all arguments, the sequences starting anew where RESETS says."""
    function = functools.partial(loss, resets=RESETS, **options)
    return jax.jit(jax.value_and_grad(function, range(len(arguments))))(*arguments)


@pytest.mark.parametrize(("cell", "vjp", "cuts"), FORMS.values(), ids=FORMS)
def test_values_and_gradients_are_those_of_the_definition(cell, vjp, cuts):
    arguments = problem(cell)
    found = gradients(arguments, cell=cell, cuts=cuts, vjp=vjp)
    expected = gradients(arguments, cell=cell, cuts=cuts, run=by_definition)
    assert difference(found, expected) < 5e-5


@pytest.mark.parametrize("name", ["lstm", "gru-reset-before"])
def test_the_fused_backward_pass_is_that_of_autodiff_in_float64(name):
    with jax.enable_x64(True):
        cell = CELLS[name]
        params, inputs, carry = problem(cell, jnp.float64)
        arguments = params, inputs, carry, zero_probes(carry, T)
        options = {"cell": cell, "cuts": CUTS, "lengths": LENGTHS, "reverse": True}
        by_hand, reference = (gradients(arguments, vjp=vjp, **options) for vjp in ("fused", "autodiff"))
        assert difference(by_hand, reference) < 1e-10


@pytest.mark.parametrize("vjp", ["fused", "autodiff"])
def test_the_gradient_of_a_probe_of_vectors_is_the_cotangent(vjp):
    cell = CELLS["lstm"]
    params, inputs, carry = problem(cell)
    norms = zero_probes(carry, T)
    vectors = jax.tree.map(lambda leaf: np.zeros((B, T, H), "float32"), carry)
    slope = jax.jit(jax.grad(functools.partial(loss, cell=cell, vjp=vjp), 3))
    found = jax.tree.map(lambda leaf: np.linalg.norm(leaf, axis=-1), slope(params, inputs, carry, vectors))
    assert difference(found, slope(params, inputs, carry, norms)) < 5e-5


def test_a_reset_in_reverse_stands_at_the_step_read_first():
    cell = CELLS["gru"]
    params, inputs, _ = problem(cell)
    lengths, resets = np.array([T, 5, 3]), np.broadcast_to(np.arange(T) == 2, (B, T))
    run = jax.jit(functools.partial(unroll, cell, reverse=True))
    _, outputs = run(params, inputs, lengths, resets=resets)
    _, alone = run(params, inputs[:, :3])
    assert difference(np.asarray(outputs)[:, :3], alone) < 2e-6


def test_the_layers_of_a_stack_reset_together_and_two_directions_cannot():
    stack = Stack(CELLS["gru"], num_layers=2)
    params = jax.jit(lambda key: stack.init(key, 4))(jax.random.key(0))
    inputs, apply = problem(CELLS["gru"])[1], jax.jit(stack.apply)
    resets = np.broadcast_to(np.arange(T) == 4, (B, T))
    final, outputs = apply(params, inputs, resets=resets)
    last, rest = apply(params, inputs[:, 4:])
    assert difference((final, np.asarray(outputs)[:, 4:]), (last, rest)) < 2e-6
    with pytest.raises(ValueError, match="bidirectional"):
        Stack(CELLS["gru"], bidirectional=True).apply(params, inputs, resets=resets)
