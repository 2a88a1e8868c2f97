"""`unroll`, compared with a loop over the definition."""

from __future__ import annotations

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import CELLS, LENGTHS, B, F, H, T, difference, every_cell, problem

from seqlab.recurrence import unroll


@every_cell
def test_equals_a_python_loop(cell):
    params, inputs, carry = problem(cell)
    found = jax.jit(functools.partial(unroll, cell))(params, inputs, carry=carry)
    step, outputs = jax.jit(cell.apply), []
    for t in range(T):
        carry, y = step({"params": params}, carry, inputs[:, t])
        outputs.append(y)
    assert difference(found, (carry, np.stack(outputs, axis=1))) < 2e-6


@pytest.mark.parametrize(
    ("cell", "vjp"),
    [(cell, "fused") for cell in CELLS.values()]
    + [(CELLS[name], "autodiff") for name in ("lstm", "gru-reset-before")],
)
def test_each_sequence_is_as_if_alone(cell, vjp):
    params, inputs, carry = problem(cell)
    for reverse in (False, True):
        run = jax.jit(functools.partial(unroll, cell, reverse=reverse, vjp=vjp))
        final, outputs = jax.device_get(run(params, inputs, np.array(LENGTHS), carry))
        for b, length in enumerate(LENGTHS):
            mine = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], carry)
            alone, expected = run(params, inputs[b : b + 1, :length], None, mine)
            assert difference(expected, outputs[b : b + 1, :length]) < 2e-6 if length else True
            assert difference(jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], final), alone) < 2e-6
            assert not outputs[b, length:].any()


@every_cell
def test_no_output_depends_on_a_later_input(cell):
    params, inputs, carry = problem(cell)
    slopes = jax.jit(jax.grad(lambda x, t: unroll(cell, params, x, carry=carry)[1][:, t].sum()))
    for t in (0, 3):
        slope = np.asarray(slopes(inputs, t))
        assert slope[:, : t + 1].any()
        assert not slope[:, t + 1 :].any()


@pytest.mark.parametrize("vjp", ["fused", "autodiff"])
@pytest.mark.parametrize("name", ["lstm", "gru-reset-before"])
def test_the_padding_is_never_read(name, vjp):
    cell = CELLS[name]
    params, inputs, carry = problem(cell)
    lengths = np.array(LENGTHS)
    padding = (np.arange(T) >= lengths[:, None])[..., None]

    @jax.jit
    def everything(inputs):
        def total(params, inputs):
            final, outputs = unroll(cell, params, inputs, lengths, carry, vjp=vjp)
            return outputs.sum() + sum(leaf.sum() for leaf in jax.tree.leaves(final)), (final, outputs)

        return jax.grad(total, (0, 1), has_aux=True)(params, inputs)

    usual, foul = everything(inputs), everything(np.where(padding, np.float32(np.nan), inputs))
    jax.tree.map(np.testing.assert_array_equal, usual, foul)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(foul))

    longer = np.pad(inputs, ((0, 0), (0, 9), (0, 0)), constant_values=3.0)
    run = jax.jit(functools.partial(unroll, cell, vjp=vjp))
    final, outputs = jax.device_get(run(params, longer, lengths, carry))
    assert difference(usual[1], (final, outputs[:, :T])) < 2e-6
    assert not outputs[:, T:].any()


@pytest.mark.parametrize("kind", [nn.SimpleCell, nn.OptimizedLSTMCell, nn.GRUCell])
def test_any_cell_of_flax_works_without_a_flag(kind):
    cell = kind(H)
    params, inputs, _ = problem(cell)
    run = jax.jit(functools.partial(unroll, cell, reverse=True))
    _, outputs = run(params, inputs, np.array(LENGTHS))
    theirs = functools.partial(nn.RNN(cell).apply, reverse=True, keep_order=True)
    expected = jax.jit(theirs)({"params": {"cell": params}}, inputs, seq_lengths=np.array(LENGTHS))
    real = (np.arange(T) < np.array(LENGTHS)[:, None])[..., None]
    assert difference(outputs, np.where(real, expected, 0)) < 2e-6


def test_axis_letters():
    params, inputs, _ = problem(CELLS["lstm"])
    (c, h), outputs = jax.eval_shape(functools.partial(unroll, CELLS["lstm"]), params, inputs)
    assert (inputs.shape, outputs.shape, c.shape, h.shape) == ((B, T, F), (B, T, H), (B, H), (B, H))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [-1, T + 1])
def test_a_length_outside_the_inputs_is_refused(reverse, length):
    params, inputs, _ = problem(CELLS["gru"])
    with pytest.raises(ValueError, match=f"lengths must be from 0 to T={T}"):
        unroll(CELLS["gru"], params, inputs, jnp.array([T, length, 1]), reverse=reverse)
