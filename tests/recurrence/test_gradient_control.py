"""Gradient control, compared with its equations."""

from __future__ import annotations

import functools

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from problems import CELLS, LENGTHS, B, F, H, T, difference, loss, problem

from seqlab.cells import CIFG, Elman, MinGRU
from seqlab.recurrence import Backward, GradientControl, Stack, unroll, zero_probes
from seqlab.recurrence.gradient_control import clip_carry
from seqlab.types import IncompatibleError

LIMIT = 2.0  # some cotangents of `problem` are longer, some not
NAMES = ("input_kernel", "bias", "recurrent_kernel")
RAGGED = {"lengths": LENGTHS}
ONE_EACH = ["elman-tanh", "lstm", "gru", "gru-reset-before"]


@functools.partial(jax.jit, static_argnames=("cell", "lengths", "vjp"))
def gradients(cell, arguments, control, lengths=None, vjp="fused"):
    """Return the gradients with respect to all arguments and to the control."""
    options = {"cell": cell, "lengths": lengths, "vjp": vjp}
    function = lambda control, *arguments: loss(*arguments, control=control, **options)  # noqa: E731
    slopes, *others = jax.grad(function, range(len(arguments) + 1))(control, *arguments)
    return others, slopes


@functools.partial(jax.jit, static_argnames=("cell", "lengths", "clip"))
def states_and_cotangents(cell, params, inputs, lengths, carry, clip=None):
    """Return s_0 … s_{T−1} and the δs_1 … δs_T of `loss`, step by step, `(T, B, H)` a leaf.

    With `clip`, each sequence's δs_t is shortened before it goes on. Last comes what reaches s_0.
    """
    inputs_TBF, real_TB = inputs.swapaxes(0, 1), jnp.arange(T)[:, None, None] < jnp.array(lengths)[:, None]

    def step(before, now):
        x, real = now
        after, _ = cell.apply({"params": params}, before, x)
        after = jax.tree.map(lambda new, old: jnp.where(real, new, old), after, before)
        return after, (before, jax.tree.leaves(after)[-1])

    def back(dstate, now):
        before, x, real, dy = now
        *others, dh = jax.tree.leaves(dstate)
        dstate = jax.tree.structure(dstate).unflatten([*others, dh + dy])
        if clip is not None:
            norms = jnp.linalg.norm(jnp.concatenate(jax.tree.leaves(dstate), -1), axis=-1, keepdims=True)
            share = jnp.where(real, jnp.minimum(1, clip / norms), 1)
            dstate = jax.tree.map(lambda leaf: leaf * share, dstate)
        dbefore = jax.vjp(lambda state: step(state, (x, real))[0], before)[1](dstate)[0]
        return dbefore, jax.tree.map(lambda leaf: leaf * real, dstate)

    def ends(final, outputs):
        run = lambda *_, **__: (final, (outputs * real_TB).swapaxes(0, 1))  # noqa: E731
        return loss(params, inputs, carry, cell=cell, run=run)

    final, (befores, outputs) = jax.lax.scan(step, carry, (inputs_TBF, real_TB))
    dfinal, dys = jax.grad(ends, (0, 1))(final, outputs)
    first, cotangents = jax.lax.scan(back, dfinal, (befores, inputs_TBF, real_TB, dys), reverse=True)
    return befores, cotangents, first


def test_the_cotangent_of_every_step_is_clipped():
    with jax.enable_x64(True):
        cell = CELLS["lstm"]
        params, inputs, carry = problem(cell, jnp.float64)
        arguments = params, inputs, carry, zero_probes(carry, T)
        by_hand, reference = (
            gradients(cell, arguments, GradientControl(clip=LIMIT), vjp=vjp, **RAGGED)
            for vjp in ("fused", "autodiff")
        )
        assert difference(by_hand, reference) < 1e-10
        (_, _, dcarry, probes), slopes = by_hand
        _, cotangents, first = states_and_cotangents(cell, params, inputs, LENGTHS, carry, LIMIT)
        norms = jax.tree.map(lambda leaf: np.linalg.norm(leaf, axis=-1).T, cotangents)
        assert difference((probes, dcarry), (norms, first)) < 1e-10
        whole = np.sqrt(sum(np.square(leaf) for leaf in probes))
        assert whole.max() <= LIMIT * (1 + 1e-12)
        assert ((whole > 0) & (whole < 0.99 * LIMIT)).any()
        assert slopes.clip == 0


def test_a_linear_cell_is_clipped_step_by_step_whatever_its_scan():
    def slopes(scan):
        cell = MinGRU(H, scan=scan)
        params = Stack(cell).init(jax.random.key(0), F)["layer_0"]["forward"]
        inputs = jax.random.normal(jax.random.key(1), (B, T, F))
        run = lambda inputs: unroll(cell, params, inputs, control=GradientControl(LIMIT))[1].sum()  # noqa: E731
        return jax.jit(jax.grad(run))(inputs)

    np.testing.assert_array_equal(slopes("associative"), slopes("sequential"))


def test_a_network_that_explodes_stays_finite_when_clipped():
    cell, steps = Elman(H, recurrent_scale=2.0), 200
    params = Stack(cell).init(jax.random.key(0), F)["layer_0"]["forward"]  # ρ = 2, and h = 0 throughout
    inputs, probes = jnp.zeros((B, steps, F)), jnp.zeros((B, steps))

    @jax.jit
    def slopes(control):
        run = lambda params, probes: unroll(cell, params, inputs, probes=probes, control=control)[0].sum()  # noqa: E731
        return jax.grad(run, (0, 1))(params, probes)

    (usual, _), (clipped, norms) = slopes(GradientControl()), slopes(GradientControl(clip=1.0))
    assert not np.isfinite(usual["bias"]).any()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(clipped))
    np.testing.assert_allclose(norms, 1.0, rtol=1e-5)


@pytest.mark.parametrize("magnitude", [1e-35, 1e-20, 1.0, 1e20, 1e35])
def test_clipping_a_carry_is_exact_over_the_range(magnitude):
    draw = np.random.default_rng(0)
    carry = tuple((draw.normal(size=(4, H)) * magnitude).astype(np.float32) for _ in range(2))
    carry[0][2], carry[1][2] = 0, 0
    norms = np.linalg.norm(np.concatenate([np.float64(leaf) for leaf in carry], axis=-1), axis=-1)
    limit = np.float32(np.median(norms))
    expected = np.minimum(1, limit / np.where(norms > 0, norms, 1))[:, None]
    for found, leaf in zip(clip_carry(carry, limit), carry, strict=True):
        np.testing.assert_allclose(found, leaf * expected, rtol=1e-5)
        np.testing.assert_array_equal(np.asarray(found)[norms <= limit], leaf[norms <= limit])


def dense_omega(cell, params, befores, inputs, cotangents):
    """Return Ω as a function of R by dense Jacobians; states, cotangents and what the gates read are held.

    At a step's own h the biases take back what another R adds, so only ∂s_t/∂s_{t−1} sees it.
    """
    ravel, W, b, own_R = jax.flatten_util.ravel_pytree, *(params[name] for name in NAMES)

    def term(R, before, x, delta):
        h, flat_before = jax.tree.leaves(before)[-1], ravel(before)
        shift = h @ (own_R - R)
        shifted = {**params, "recurrent_kernel": R, "bias": b + shift}
        if "candidate_bias" in params:
            shifted["bias"] = b + shift.at[2 * H :].set(0)
            shifted["candidate_bias"] = params["candidate_bias"] + shift[2 * H :]
        elif len(b) == 3 * H:  # reset before the product: R_n reads r ⊙ h
            r = jax.nn.sigmoid(x @ W + h @ own_R + b)[:H]
            shifted["bias"] = b + shift.at[2 * H :].set((r * h) @ (own_R - R)[:, 2 * H :])
        step = lambda flat: ravel(cell.apply({"params": shifted}, flat_before[1](flat), x)[0])[0]  # noqa: E731
        back = ravel(delta)[0] @ jax.jacfwd(step)(flat_before[0])
        return (jnp.linalg.norm(back) / jnp.linalg.norm(ravel(delta)[0]) - 1) ** 2

    return lambda R: jax.vmap(term, (None, 0, 0, 0))(R, befores, inputs, cotangents).sum()


@pytest.mark.parametrize("name", ONE_EACH)
def test_the_regulariser_equals_dense_jacobians(name):
    with jax.enable_x64(True):
        cell = CELLS[name]
        params, inputs, carry = problem(cell, jnp.float64)
        arguments = params, inputs, carry
        (found, *others), slopes = gradients(cell, arguments, GradientControl(omega=0.7), **RAGGED)
        (usual, *other_usuals), _ = gradients(cell, arguments, GradientControl(omega=0.0), **RAGGED)
        assert difference(others, other_usuals) == 0
        befores, cotangents, _ = states_and_cotangents(cell, params, inputs, LENGTHS, carry)
        real = np.arange(T)[:, None] < np.array(LENGTHS)
        steps = jax.tree.map(lambda leaf: leaf[real], (befores, inputs.swapaxes(0, 1), cotangents))
        omega = jax.jit(jax.value_and_grad(dense_omega(cell, params, *steps)))
        value, slope = omega(params["recurrent_kernel"])
        np.testing.assert_allclose(slopes.omega, value, rtol=1e-10)
        added = jax.tree.map(jnp.subtract, found, usual)
        np.testing.assert_allclose(added.pop("recurrent_kernel"), 0.7 * slope, rtol=1e-8, atol=1e-10)
        assert not any(leaf.any() for leaf in jax.tree.leaves(added))


@pytest.mark.parametrize("magnitude", [1e-30, 1e30])
def test_the_regulariser_does_not_depend_on_the_size_of_the_loss(magnitude):
    cell = CELLS["gru"]
    params, inputs, carry = problem(cell)

    @jax.jit
    def omega(scale):
        def scaled(factor):
            return scale * loss(params, inputs, carry, cell=cell, control=GradientControl(omega=factor))

        return jax.grad(scaled)(1.0)

    np.testing.assert_allclose(omega(magnitude), omega(1.0), rtol=1e-4)


def test_an_orthogonal_identity_network_needs_no_regulariser():
    """What is kept at every step costs nothing, and where nothing flows there is no slope that is NaN."""
    cell = Elman(H, activation="identity")
    params = Stack(cell).init(jax.random.key(0), F)["layer_0"]["forward"]

    def run(params, omega):
        return unroll(cell, params, jnp.ones((B, T, F)), control=GradientControl(omega=omega))[0]

    slope = jax.jit(jax.grad(lambda *arguments: run(*arguments).sum(), 1))
    np.testing.assert_allclose(slope(params, 1.0), 0, atol=1e-10)
    closed = params | {"recurrent_kernel": jnp.zeros((H, H))}
    assert slope(closed, 1.0) == B  # a single step has a gradient to lose
    added = jax.jit(jax.grad(lambda *arguments: run(*arguments).sum()))(closed, 1.0)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(added))


@pytest.mark.parametrize(("cell", "options"), [(CIFG(H), {}), (MinGRU(H), {}), (Elman(H), {"zoneout": 0.1})])
def test_a_cell_without_a_fused_backward_pass_is_refused(cell, options):
    with pytest.raises(IncompatibleError, match=r"training\.omega must be null .* legal are elman"):
        Stack(cell, **options).check_backward(Backward(GradientControl(omega=1.0)))
