"""Properties of every cell: causality, padding, batches, splits, gradients."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax.test_util
import numpy as np
from every_cell import LENGTHS, B, F, H, T, difference, every_cell, problem, run, same

from seqlab.recurrence import Stack, unroll


@every_cell
def test_an_output_does_not_depend_on_later_inputs_bit_for_bit(cell):
    params, inputs, carry = problem(cell)
    _, outputs = run(cell, params, inputs, None, carry)
    for t in (0, 3):
        _, others = run(cell, params, inputs.at[:, t + 1 :].set(7.0), None, carry)
        assert same(outputs[:, : t + 1], others[:, : t + 1])
        assert not same(outputs[:, t + 1], others[:, t + 1])


@every_cell
def test_padding_changes_nothing(cell):
    params, inputs, carry = problem(cell)
    lengths = jnp.array(LENGTHS)
    for reverse in (False, True):
        usual = run(cell, params, inputs, lengths, carry, reverse=reverse)
        padding = (jnp.arange(T) >= lengths[:, None])[..., None]
        assert same(
            usual, run(cell, params, jnp.where(padding, 1e3, inputs), lengths, carry, reverse=reverse)
        )
    longer = jnp.pad(inputs, ((0, 0), (0, 3), (0, 0)), constant_values=5.0)
    final, outputs = run(cell, params, longer, lengths, carry, reverse=True)
    assert difference((final, outputs[:, :T]), usual) < 1e-6
    assert not outputs[:, T:].any()


@every_cell
def test_a_batch_equals_its_rows_one_by_one(cell):
    params, inputs, carry = problem(cell)
    lengths = jnp.array(LENGTHS)
    together = run(cell, params, inputs, lengths, carry)
    for b in range(B):
        row = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], (inputs, lengths, carry))
        alone = run(cell, params, *row)
        assert difference(alone, jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], together)) < 1e-6


@every_cell
def test_split_anywhere_and_resumed_equals_whole(cell):
    params, inputs, carry = problem(cell)
    final, outputs = run(cell, params, inputs, None, carry)
    for t in range(1, T):  # as lengths, which compile once
        middle, first = run(cell, params, inputs, jnp.full(B, t), carry)
        end, rest = run(cell, params, jnp.roll(inputs, -t, axis=1), jnp.full(B, T - t), middle)
        assert difference((end, first + jnp.roll(rest, t, axis=1)), (final, outputs)) < 1e-6


@every_cell
def test_vmap_over_parameters_equals_a_loop(cell):
    params, inputs, carry = problem(cell)
    several = jax.tree.map(lambda leaf: jnp.stack([leaf, 0.5 * leaf, -leaf]), params)
    together = jax.jit(jax.vmap(lambda one: unroll(cell, one, inputs, None, carry)))(several)
    for r in range(3):
        alone = run(cell, jax.tree.map(lambda leaf, r=r: leaf[r], several), inputs, None, carry)
        assert difference(jax.tree.map(lambda leaf, r=r: leaf[r], together), alone) < 1e-5


@every_cell
def test_bidirectional_ragged_equals_each_row_alone(cell):
    params, inputs, _ = problem(cell)
    stack = Stack(cell, bidirectional=True)
    both = {"layer_0": {"forward": params, "backward": jax.tree.map(lambda leaf: 0.7 * leaf, params)}}
    apply = jax.jit(stack.apply)
    lengths = jnp.array(LENGTHS)
    final, outputs = apply(both, inputs, lengths)
    assert outputs.shape == (B, T, 2 * H)
    for b, length in enumerate(LENGTHS):
        # Among copies of itself, which compiles once.
        copies, rows = apply(both, jnp.stack([inputs[b]] * B), jnp.full(B, length, lengths.dtype))
        alone = jax.tree.map(lambda leaf: leaf[:1], copies)
        assert difference(rows[0], outputs[b]) < 1e-6
        assert difference(alone, jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], final)) < 1e-6
        assert not outputs[b, length:].any()


@every_cell
def test_gradients_are_those_of_finite_differences(cell):
    """Along a random direction through parameters, inputs and initial carry; away from the kinks of relu."""
    with jax.enable_x64(True):
        arguments = problem(cell, "float64")

        @jax.jit
        def loss(params, inputs, carry):
            final, outputs = unroll(cell, params, inputs, jnp.array(LENGTHS), carry)
            return jnp.sum(jnp.sin(outputs)) + sum(jnp.sum(jnp.cos(leaf)) for leaf in jax.tree.leaves(final))

        jax.test_util.check_grads(loss, arguments, order=1, modes=["rev"], atol=1e-6, rtol=1e-6, eps=1e-6)


@every_cell
def test_initial_carry_is_zero_and_parameters_are_finite(cell):
    params = jax.jit(lambda key: Stack(cell).init(key, F))(jax.random.key(1))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))
    carry = cell.initialize_carry(jax.random.key(0), (B, F))
    assert {leaf.shape for leaf in jax.tree.leaves(carry)} == {(B, H)}
    assert not any(leaf.any() for leaf in jax.tree.leaves(carry))
