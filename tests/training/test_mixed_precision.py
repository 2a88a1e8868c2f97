"""Matrix products in bfloat16: their operands alone, in every loop and in the backward pass."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab.runs import build, compose_request
from seqlab.training.mixed_precision import in_bfloat16

X, W = jax.random.normal(jax.random.key(0), (8, 16)), jax.random.normal(jax.random.key(1), (16, 16))


def rounded(array):
    return array.astype(jnp.bfloat16).astype(jnp.float32)


def test_a_product_is_that_of_rounded_operands_summed_in_float32():
    np.testing.assert_allclose(in_bfloat16(jnp.matmul)(X, W), rounded(X) @ rounded(W), 1e-5, 1e-6)


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_products_in_loops_and_branches_are_rounded_and_all_else_is_not(backend, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)

    @jax.custom_jvp
    def tanh(x):
        return jnp.tanh(x)

    tanh.defjvps(lambda slope, y, x: slope * (1 - y**2))

    def loss(w):
        def body(h, x):
            h = tanh(jax.lax.cond(x.sum() > 0, lambda: h @ w, lambda: h - x @ w))
            return jax.checkpoint(lambda h: h + 1e-6)(h), h.sum()

        return jnp.sum(jax.lax.scan(body, X, jnp.stack([X] * 3))[1])

    text = str(jax.make_jaxpr(in_bfloat16(jax.value_and_grad(loss)))(W))
    products = re.findall(r"= dot_general\[.*?\]\s+(\S+) (\S+)", text, re.DOTALL)
    rounding = r"(\S+):f32\S+ = reduce_precision" if backend == "cpu" else r"(\S+):bf16"
    halves = set(re.findall(rounding, text))
    assert len(products) >= 4
    assert {name for pair in products for name in pair} <= halves
    assert "dot_general" not in re.sub(
        r"= dot_general\[.*?preferred_element_type=float32", "", text, flags=re.DOTALL
    )
    if backend == "cpu":
        np.testing.assert_allclose(in_bfloat16(loss)(W), loss(W), rtol=0.05)


KINDS = {
    "lstm": ["cell=lstm", "training.bptt_window=3"],
    "chunked": ["cell=gated_delta_net", "cell.scan=chunked", "training.accumulate=2"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_a_run_are_float32_and_near_to_those_without_rounding(kind):
    words = [*tiny("even_pairs", "many_to_one", "cell.features=16", "training.batch_size=8"), *KINDS[kind]]
    programs = [
        build(compose_request([*words, f"training.precision={precision}"])).program
        for precision in ("float32", "bfloat16")
    ]

    def gradients():
        state = programs[0].init(jnp.uint32(0), programs[0].task.data)
        batch = programs[0].batch(state.seed, state.step, programs[0].task.data)
        return [program.objective.differentiate(state, batch) for program in programs]

    exact, near = jax.jit(gradients)()
    assert {leaf.dtype for leaf in jax.tree.leaves((near.grads, near.means))} == {jnp.dtype("float32")}
    one, other = (
        jnp.concatenate([g.ravel() for g in jax.tree.leaves(found.grads)]) for found in (exact, near)
    )
    error = float(jnp.linalg.norm(one - other) / jnp.linalg.norm(one))
    assert 0 < error < (0.1 if kind == "chunked" else 0.03)  # the delta rule multiplies its keys many times
