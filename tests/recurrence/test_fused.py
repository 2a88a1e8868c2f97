"""The fused backward pass, compared with autodiff."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import CELLS, LENGTHS, B, H, T, difference, every_cell, loss, problem

from seqlab.cells import LSTM
from seqlab.recurrence import unroll
from seqlab.recurrence.block_scan import block_length
from seqlab.recurrence.fused import fused
from seqlab.recurrence.steps import Steps
from seqlab.recurrence.unroll import zero_probes

BOTH = ("fused", "autodiff")
FULL = {"lengths": None, "reverse": False}
RAGGED_REVERSED = {"lengths": LENGTHS, "reverse": True}


def gradients(cell, arguments, vjp, **options):
    """Return the loss and its gradients with respect to all arguments."""
    function = functools.partial(loss, cell=cell, vjp=vjp, **options)
    return jax.jit(jax.value_and_grad(function, range(len(arguments))))(*arguments)


@every_cell
@pytest.mark.parametrize("options", [FULL, RAGGED_REVERSED], ids=["full", "ragged-reversed"])
def test_equals_autodiff_in_float64(cell, options):
    with jax.enable_x64(True):
        params, inputs, carry = problem(cell, jnp.float64)
        arguments = params, inputs, carry, zero_probes(carry, T)
        by_hand, reference = (gradients(cell, arguments, vjp, **options) for vjp in BOTH)
        assert all(leaf.dtype == jnp.float64 for leaf in jax.tree.leaves(by_hand))
        assert difference(by_hand, reference) < 1e-10


@pytest.mark.parametrize(("lengths", "reverse"), [(LENGTHS, False), (None, True)])
def test_lengths_and_directions_in_float64(lengths, reverse):
    with jax.enable_x64(True):
        cell, options = CELLS["lstm"], {"lengths": lengths, "reverse": reverse}
        by_hand, reference = (gradients(cell, problem(cell, jnp.float64), vjp, **options) for vjp in BOTH)
        assert difference(by_hand, reference) < 1e-10


@every_cell
def test_equals_autodiff_in_float32(cell):
    arguments = params, inputs, carry = problem(cell)
    run = jax.jit(lambda vjp: unroll(cell, params, inputs, carry=carry, vjp=vjp), static_argnums=0)
    assert difference(*map(run, BOTH)) < 2e-6
    by_hand, reference = (gradients(cell, arguments, vjp, **RAGGED_REVERSED)[1] for vjp in BOTH)
    assert difference(by_hand, reference) < 5e-5


@pytest.mark.parametrize("block", [1, 3, 7])
def test_blocks_change_nothing(block):
    cell = CELLS["gru"]

    def run(cell, params, inputs, lengths, carry, probes):
        carry, outputs = fused(cell, params, Steps(inputs.swapaxes(0, 1)), carry, block=block)
        return carry, outputs.swapaxes(0, 1)

    found = jax.jit(jax.value_and_grad(functools.partial(loss, cell=cell, run=run), (0, 1, 2)))
    reference = gradients(cell, problem(cell), "autodiff")
    assert difference(found(*problem(cell)), reference) < 5e-5


@pytest.mark.parametrize(
    ("num_steps", "num_rows", "block"),
    [
        (1, 32, 1),
        (7, 32, 7),
        (31, 32, 8),
        (100, 16, 10),
        (256, 16, 8),
        (100, 1, 100),
        (1024, 1, 128),
        (9, 2, 9),
    ],
)
def test_a_block_is_short_where_rows_are_many(num_steps, num_rows, block):
    assert block_length(num_steps, num_rows) == block


@pytest.mark.parametrize("name", ["elman-tanh", "lstm", "gru-reset-before"])
def test_vmap_over_replicas(name):
    cell = CELLS[name]
    params, inputs, carry = problem(cell)
    replicas = jax.tree.map(lambda leaf: np.stack([leaf, 0.5 * leaf, -leaf]), params)
    function = jax.jit(jax.grad(functools.partial(loss, cell=cell, **RAGGED_REVERSED), (0, 1)))
    found = jax.device_get(jax.jit(jax.vmap(function, (0, None, None)))(replicas, inputs, carry))
    for index in range(3):
        one = jax.tree.map(lambda leaf, index=index: leaf[index], (replicas, found))
        assert difference(one[1], function(one[0], inputs, carry)) < 5e-5


def test_inside_a_scan_over_training_steps():
    cell = CELLS["gru"]
    params, inputs, carry = problem(cell)

    def train(vjp):
        def step(params, _):
            gradient = jax.grad(functools.partial(loss, cell=cell, vjp=vjp))(params, inputs, carry)
            return jax.tree.map(lambda leaf, slope: leaf - 0.01 * slope, params, gradient), None

        return jax.jit(lambda params: jax.lax.scan(step, params, length=5)[0])(params)

    assert difference(*map(train, BOTH)) < 5e-5


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
@pytest.mark.parametrize("name", ["elman-tanh", "lstm", "gru"])
@pytest.mark.parametrize("vjp", BOTH)
def test_the_gradient_of_a_probe_is_the_norm_of_an_explicit_probe(name, vjp, lengths):
    cell = CELLS[name]
    params, inputs, carry = problem(cell)

    def probed(cell, params, inputs, lengths, carry, probes):
        outputs = []
        for t in range(T):
            after, _ = cell.apply({"params": params}, carry, inputs[:, t])
            after = jax.tree.map(lambda leaf, probe, t=t: leaf + probe[:, t], after, probes)
            real = jnp.full(B, True) if lengths is None else t < lengths
            choose = lambda new, old, real=real: jnp.where(real[:, None], new, old)  # noqa: E731
            carry = jax.tree.map(choose, after, carry)
            outputs.append(choose(jax.tree.leaves(after)[-1], 0))
        return carry, jnp.stack(outputs, axis=1)

    probes = jax.tree.map(lambda leaf: np.zeros((B, T, H), "float32"), carry)
    shifts = jax.jit(jax.grad(functools.partial(loss, cell=cell, run=probed, lengths=lengths), 3))
    norms = jax.tree.map(lambda leaf: np.linalg.norm(leaf, axis=-1), shifts(params, inputs, carry, probes))
    probes = gradients(cell, (params, inputs, carry, zero_probes(carry, T)), vjp, lengths=lengths)[1][3]
    assert difference(probes, norms) < 5e-5


def test_probes_reach_the_ends_of_the_range_of_floats():
    cell = CELLS["elman-identity"]
    params, inputs, carry = problem(cell)
    probes = zero_probes(carry, T)

    @jax.jit
    def slope(scale):
        return jax.grad(lambda probes: scale * loss(params, inputs, carry, probes, cell=cell))(probes)

    for scale in (1e-35, 1e35):  # single elements below 1e-38 are lost
        assert difference(np.asarray(slope(scale)) / np.float32(scale), slope(1.0)) < 1e-2


def test_second_derivatives_in_reverse_mode_are_right():
    cell = CELLS["lstm"]
    params, inputs, carry = problem(cell)

    def penalty(inputs, vjp):
        slope = jax.grad(functools.partial(loss, cell=cell, vjp=vjp), 1)(params, inputs, carry)
        return jnp.sum(slope**2)

    found = [jax.jit(jax.grad(penalty), static_argnums=1)(inputs, vjp) for vjp in BOTH]
    assert difference(*found) < 5e-4


def test_forward_mode_names_the_option_that_has_it():
    cell = CELLS["lstm"]
    params, inputs, carry = problem(cell)
    run = lambda inputs, vjp: unroll(cell, params, inputs, carry=carry, vjp=vjp)[1]  # noqa: E731
    with pytest.raises(TypeError, match="vjp=autodiff"):
        jax.jvp(lambda inputs: run(inputs, "fused"), (inputs,), (inputs,))
    forward = lambda x: jax.jvp(lambda inputs: run(inputs, "autodiff"), (x,), (x,))  # noqa: E731
    jax.eval_shape(forward, inputs)


def test_saves_less_than_the_plain_scan():
    cell = LSTM(32)
    start = lambda: cell.init(jax.random.key(0), cell.initialize_carry(None, (8, 16)), jnp.zeros((8, 16)))  # noqa: E731
    params = jax.eval_shape(start)["params"]

    def temporary_bytes(vjp):
        function = jax.grad(lambda params, inputs: unroll(cell, params, inputs, vjp=vjp)[1].sum())
        compiled = jax.jit(function).lower(params, jnp.zeros((8, 128, 16))).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary_bytes("fused") <= 1.3 * temporary_bytes("autodiff")


def test_an_unknown_vjp_is_refused():
    cell = CELLS["lstm"]
    params, inputs, _ = problem(cell)
    with pytest.raises(ValueError, match="vjp must be one of fused, autodiff"):
        unroll(cell, params, inputs, vjp="magic")
