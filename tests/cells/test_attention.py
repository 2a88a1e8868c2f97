"""Attention: its equations, and Flax's."""

from __future__ import annotations

import functools

import flax.linen as nn
import jax
import numpy as np
import pytest

from seqlab.cells import Attention
from seqlab.recurrence import Stack, unroll

B, T, F, H, N = 2, 7, 3, 10, 2
D = H // N


def made(**settings):
    cell = Attention(H, N, **settings)
    inputs = np.float32(np.random.default_rng(0).standard_normal((B, T, F)))
    init = jax.jit(lambda key: Stack(cell).init(key, F)["layer_0"]["forward"])
    return cell, jax.device_get(init(jax.random.key(1))), inputs


def outputs_of(cell, params, inputs):
    return np.asarray(jax.jit(functools.partial(unroll, cell))(params, inputs)[1])


def test_without_positions_it_is_the_attention_of_flax():
    cell, params, inputs = made(positions="none", window=T)
    layer = nn.MultiHeadDotProductAttention(N, qkv_features=H, out_features=H, use_bias=False)
    names = ("query", "key", "value")
    kernels = np.split(params["input_kernel"], 3, axis=1)
    theirs = {name: {"kernel": one.reshape(F, N, D)} for name, one in zip(names, kernels, strict=True)}
    theirs["out"] = {"kernel": params["output_kernel"].reshape(N, D, H)}
    apply = jax.jit(lambda x: layer.apply({"params": theirs}, x, mask=nn.make_causal_mask(x[..., 0])))
    np.testing.assert_allclose(outputs_of(cell, params, inputs), apply(inputs), atol=1e-5)


def rotated(x, t):
    """Return x `(D,)` at position t, as complex numbers times exp(i t θ); the last feature stays."""
    half = D // 2
    turned = (x[:half] + 1j * x[half : 2 * half]) * np.exp(1j * t * 10_000.0 ** (-np.arange(half) / half))
    return np.concatenate([turned.real, turned.imag, x[2 * half :]])


@pytest.mark.parametrize("positions", ["rotary", "alibi"])
@pytest.mark.parametrize("window", [3, T + 1])
def test_it_equals_its_equations(positions, window):
    cell, params, inputs = made(positions=positions, window=window)
    outputs = outputs_of(cell, params, inputs)
    q, k, v = np.split((inputs[0] @ params["input_kernel"]).reshape(T, 3, N, D), 3, axis=1)
    expected = np.zeros((T, N, D))
    for t in range(T):
        for n in range(N):
            steps = range(max(0, t - window + 1), t + 1)
            turn = rotated if positions == "rotary" else lambda x, t: x
            slope = 2.0 ** (-8 * (n + 1) / N) if positions == "alibi" else 0
            scores = [turn(q[t, 0, n], t) @ turn(k[j, 0, n], j) / D**0.5 - slope * (t - j) for j in steps]
            weights = np.exp(scores) / np.exp(scores).sum()
            expected[t, n] = sum(weight * v[j, 0, n] for weight, j in zip(weights, steps, strict=True))
    np.testing.assert_allclose(outputs[0], expected.reshape(T, H) @ params["output_kernel"], atol=1e-5)


def test_several_runs_at_once_leave_out_an_empty_window_too():
    cell, params, inputs = made(window=64)
    several = jax.tree.map(lambda leaf: np.stack([leaf, leaf]), (params, inputs))

    def step(params, inputs):
        return jax.grad(lambda params: unroll(cell, params, inputs)[1].sum())(params)

    alone = str(jax.make_jaxpr(step)(params, inputs))
    together = str(jax.make_jaxpr(jax.vmap(step))(*several))
    assert (
        together.count("cond[") == alone.count("cond[") > 0
    )  # a branch is computed, and no selection of both


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_heads": 3}, "features must be a multiple of num_heads=3, got 10"),
        ({"positions": "rotate"}, "positions must be one of rotary, alibi, none"),
        ({"scan": "chunked"}, "scan must be one of sequential, parallel"),
        ({"window": 0}, "window must be a positive integer"),
    ],
)
def test_what_is_not_legal_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Attention(H, **settings)
