"""`unroll`, compared with a loop over the definition."""

from __future__ import annotations

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest
from problems import CELLS, LENGTHS, B, F, H, T, every_cell, largest_difference, problem

from seqlab.recurrence import unroll


@every_cell
def test_equals_a_python_loop(cell):
    params, inputs, carry = problem(cell)
    found = jax.jit(functools.partial(unroll, cell))(params, inputs, carry=carry)
    step, outputs = jax.jit(cell.apply), []
    for t in range(T):
        carry, y = step({"params": params}, carry, inputs[:, t])
        outputs.append(y)
    assert largest_difference(found, (carry, jnp.stack(outputs, axis=1))) < 2e-6


@pytest.mark.parametrize(
    ("cell", "vjp"),
    [(cell, "fused") for cell in CELLS.values()]
    + [(CELLS[name], "autodiff") for name in ("lstm", "gru-reset-before")],
)
def test_each_sequence_is_as_if_alone(cell, vjp):
    params, inputs, carry = problem(cell)
    for reverse in (False, True):
        run = jax.jit(functools.partial(unroll, cell, reverse=reverse, vjp=vjp))
        final, outputs = run(params, inputs, jnp.array(LENGTHS), carry)
        for b, length in enumerate(LENGTHS):
            mine = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], carry)
            alone, expected = run(params, inputs[b : b + 1, :length], None, mine)
            assert largest_difference(expected, outputs[b : b + 1, :length]) < 2e-6 if length else True
            assert largest_difference(jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], final), alone) < 2e-6
            assert not outputs[b, length:].any()


@every_cell
def test_no_output_depends_on_a_later_input(cell):
    params, inputs, carry = problem(cell)
    slopes = jax.jit(jax.grad(lambda x, t: unroll(cell, params, x, carry=carry)[1][:, t].sum()))
    for t in (0, 3):
        slope = slopes(inputs, t)
        assert slope[:, : t + 1].any()
        assert not slope[:, t + 1 :].any()


@pytest.mark.parametrize("vjp", ["fused", "autodiff"])
@pytest.mark.parametrize("name", ["lstm", "gru-reset-before"])
def test_the_padding_is_never_read(name, vjp):
    cell = CELLS[name]
    params, inputs, carry = problem(cell)
    lengths = jnp.array(LENGTHS)
    padding = (jnp.arange(T) >= lengths[:, None])[..., None]

    @jax.jit
    def everything(inputs):
        def total(params, inputs):
            final, outputs = unroll(cell, params, inputs, lengths, carry, vjp=vjp)
            return outputs.sum() + sum(leaf.sum() for leaf in jax.tree.leaves(final)), (final, outputs)

        return jax.grad(total, (0, 1), has_aux=True)(params, inputs)

    usual, foul = everything(inputs), everything(jnp.where(padding, jnp.nan, inputs))
    same = jax.tree.map(lambda a, b: bool((a == b).all()), usual, foul)
    assert all(jax.tree.leaves(same))

    longer = jnp.pad(inputs, ((0, 0), (0, 9), (0, 0)), constant_values=3.0)
    final, outputs = unroll(cell, params, longer, lengths, carry, vjp=vjp)
    assert largest_difference(usual[1], (final, outputs[:, :T])) < 2e-6
    assert not outputs[:, T:].any()


@pytest.mark.parametrize("kind", [nn.SimpleCell, nn.OptimizedLSTMCell, nn.GRUCell])
def test_any_cell_of_flax_works_without_a_flag(kind):
    cell = kind(H)
    params, inputs, _ = problem(cell)
    run = jax.jit(functools.partial(unroll, cell, reverse=True))
    _, outputs = run(params, inputs, jnp.array(LENGTHS))
    options = {"seq_lengths": jnp.array(LENGTHS), "reverse": True, "keep_order": True}
    expected = nn.RNN(cell).apply({"params": {"cell": params}}, inputs, **options)
    real = (jnp.arange(T) < jnp.array(LENGTHS)[:, None])[..., None]
    assert largest_difference(outputs, jnp.where(real, expected, 0)) < 2e-6


def test_axis_letters():
    params, inputs, _ = problem(CELLS["lstm"])
    (c, h), outputs = unroll(CELLS["lstm"], params, inputs)
    assert (inputs.shape, outputs.shape, c.shape, h.shape) == ((B, T, F), (B, T, H), (B, H), (B, H))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [-1, T + 1])
def test_a_length_outside_the_inputs_is_refused(reverse, length):
    params, inputs, _ = problem(CELLS["gru"])
    with pytest.raises(ValueError, match=f"lengths must be from 0 to T={T}"):
        unroll(CELLS["gru"], params, inputs, jnp.array([T, length, 1]), reverse=reverse)
