"""Truncated backpropagation, compared with an unrolling of every window."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import B, F, H, T, difference

from seqlab.cells import GRU, LRU, LSTM, Elman
from seqlab.recurrence import Backward, Stack, Truncation

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@functools.cache
def problem(stack):
    """Return parameters with no bias at zero, inputs `(B, T, F)` and carries to start from."""
    draw = np.random.default_rng(0)
    noise = lambda leaf: np.asarray(leaf, float) + 0.3 * draw.normal(size=leaf.shape)  # noqa: E731
    params = jax.tree.map(noise, jax.jit(lambda key: stack.init(key, F))(jax.random.key(0)))
    inputs = draw.normal(size=(B, T, F))
    return params, inputs, jax.tree.map(noise, jax.jit(stack.initial_carries)(params, inputs))


def loss(outputs, weights=1.0):
    """Return a scalar that depends on every output in its own way; `weights` are those of the steps."""
    of_elements = jnp.cos(jnp.arange(outputs.size)).reshape(outputs.shape) * jnp.sin(outputs)
    return jnp.sum(jnp.swapaxes(of_elements, 1, -1) * weights)


def gradients(stack, truncation, wanted=range(T), key=None):
    """Return the loss of the wanted outputs, and its gradients by everything, norms through time the last."""
    weights = np.isin(np.arange(T), wanted).astype(float)
    return jax.device_get(compiled(stack, truncation)(*problem(stack), weights, key))


@functools.cache
def compiled(stack, truncation):
    """Return the function of `gradients`, which is compiled once for all outputs that are wanted."""

    @jax.jit
    def run(params, inputs, carries, weights, key):
        def total(params, inputs, carries, probes):
            backward = Backward(truncation=truncation)
            outputs = stack.apply(params, inputs, None, carries, probes=probes, backward=backward, key=key)[1]
            return loss(outputs, weights)

        probes = stack.zero_probes(params, B, T)
        return jax.value_and_grad(total, (0, 1, 2, 3))(params, inputs, carries, probes)

    return run


def unrolled(stack, window, stride):
    """Return the same by an unrolling of every window, which takes the carry before it for a constant."""
    params, inputs, carries = problem(stack)
    vectors = jax.tree.map(lambda leaf: np.zeros((B, T, H)), carries)
    vectors["inputs"] = {"forward": np.zeros_like(inputs)}
    of = lambda tree, start, end: jax.tree.map(lambda leaf: leaf[:, start:end], tree)  # noqa: E731

    def total(params, inputs, carries, vectors):
        written = []
        for begin in range(-(-T % stride), T, stride):
            end = begin + stride
            start = max(0, end - window)
            before = carries
            if start:
                before = jax.lax.stop_gradient(stack.apply(params, inputs[:, :start], None, carries)[0])
            probes = of(vectors, start, end)
            outputs = stack.apply(params, inputs[:, start:end], None, before, probes=probes)[1]
            written.append(outputs[:, max(begin, 0) - start :])
        return loss(jnp.concatenate(written, axis=1))

    value, found = jax.jit(jax.value_and_grad(total, (0, 1, 2, 3)))(params, inputs, carries, vectors)
    return value, (*found[:3], jax.tree.map(lambda leaf: np.linalg.norm(leaf, axis=-1), found[3]))


@pytest.mark.parametrize("truncation", [Truncation(T, T), Truncation(T + 5, 2)])
def test_a_window_of_all_steps_is_full_bptt_bit_for_bit(truncation):
    stack = Stack(Elman(H), 2)
    whole, found = gradients(stack, None), gradients(stack, truncation)
    jax.tree.map(np.testing.assert_array_equal, whole, found)


@pytest.mark.parametrize(
    ("stack", "window", "stride"),
    [
        (Stack(Elman(H), 2), 3, 3),
        (Stack(Elman(H), 2), 3, 2),
        (Stack(LSTM(H)), 4, 1),
        (Stack(GRU(H), vjp="autodiff"), 3, 2),
        (Stack(LRU(H, scan="associative")), 3, 3),
    ],
    ids=lambda value: type(value.cell).__name__ if isinstance(value, Stack) else str(value),
)
def test_equals_an_unrolling_of_every_window(stack, window, stride):
    found = gradients(stack, Truncation(window, stride))
    assert difference(found, unrolled(stack, window, stride)) < 1e-10


@pytest.mark.parametrize(("window", "stride"), [(4, 2), (4, 4), (5, 3), (6, 6)])
def test_the_loss_at_the_end_reaches_as_many_states_as_the_window_has(window, stride):
    """Its gradients are there those of full BPTT, whether or not T is a multiple of the stride."""
    stack = Stack(GRU(H))
    whole, found = (
        gradients(stack, truncation, wanted=[T - 1])[1][3]["layer_0"]["forward"]
        for truncation in (None, Truncation(window, stride))
    )
    assert np.abs(found[:, T - window :] - whole[:, T - window :]).max() < 1e-12
    assert whole[:, : T - window].all()
    assert not found[:, : T - window].any()


@pytest.mark.parametrize(("window", "stride"), [(3, 2), (3, 1), (5, 3)])
def test_every_loss_reaches_at_least_the_window_less_the_stride_and_one(window, stride):
    stack = Stack(GRU(H))
    for t in range(T):
        found = gradients(stack, Truncation(window, stride), wanted=[t])[1][3]["layer_0"]["forward"]
        reached = (np.asarray(found) > 0).all(axis=0).sum()
        assert min(t + 1, window - stride + 1) <= reached <= window


def test_each_direction_of_each_sequence_counts_from_its_own_end():
    """A sequence among shorter ones has the gradients that it has alone, and so has one direction."""
    both, one = Stack(GRU(H), bidirectional=True), Stack(GRU(H))
    params, inputs, carries = problem(both)
    truncation, lengths = Truncation(3, 2), (T, 2, 5)

    @jax.jit
    def together(params, inputs):
        outputs = both.apply(
            params, inputs, jnp.array(lengths), carries, backward=Backward(truncation=truncation)
        )[1]
        return sum(loss(outputs[b, :length, side]) for b, length in enumerate(lengths)
                   for side in (slice(H), slice(H, None)))  # fmt: skip

    @jax.jit
    def alone(params, inputs):
        total = 0.0
        for name in both.directions:
            own = {"layer_0": {"forward": params["layer_0"][name]}}
            for b, length in enumerate(lengths):
                row = inputs[b : b + 1, :length]
                row = row if name == "forward" else row[:, ::-1]
                first = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], carries["layer_0"][name])
                first = {"layer_0": {"forward": first}}
                outputs = one.apply(own, row, None, first, backward=Backward(truncation=truncation))[1][0]
                total += loss(outputs if name == "forward" else outputs[::-1])
        return total

    found, expected = (jax.value_and_grad(run, (0, 1))(params, inputs) for run in (together, alone))
    assert difference(found, expected) < 1e-10


def test_all_windows_read_the_same_noise():
    """The forward pass, its dropout too, is that of full BPTT."""
    stack = Stack(LSTM(H), 2, dropout=0.5, zoneout=0.3)
    key = jax.random.key(3)
    whole, found = (gradients(stack, truncation, key=key)[0] for truncation in (None, Truncation(4, 2)))
    assert abs(whole - found) < 1e-12


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (3, 0), (3, 4), (2.5, 1), (True, True)])
def test_illegal_windows_are_refused(window, stride):
    with pytest.raises(ValueError, match=r"^(window|stride) must be "):
        Truncation(window, stride)
