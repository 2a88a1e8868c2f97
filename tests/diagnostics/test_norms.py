"""Norms and clipping over the whole float32 range."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.diagnostics.statistics import count_nonfinite, update_statistics
from seqlab.recurrence.norms import clip_by_global_norm, clip_elements, global_norm

MAGNITUDES = [1e-35, 1e-25, 1e-10, 1.0, 1e10, 1e25, 1e35]


def tree(magnitude, seed=0):
    generator = np.random.default_rng(seed)
    draw = lambda *shape: (generator.normal(size=shape) * magnitude).astype(np.float32)  # noqa: E731
    return {"a": {"kernel": draw(5, 3)}, "b": draw(4)}


def exact(values):
    flat = np.concatenate([np.ravel(np.float64(leaf)) for leaf in jax.tree.leaves(values)])
    return np.linalg.norm(flat)


@pytest.mark.parametrize("magnitude", MAGNITUDES)
def test_norm_equals_float64(magnitude):
    values = tree(magnitude)
    np.testing.assert_allclose(jax.jit(global_norm)(values).value, exact(values), rtol=1e-6)


@pytest.mark.parametrize("magnitude", MAGNITUDES)
@pytest.mark.parametrize("share", [0.25, 4.0])
def test_clipping_bounds_the_norm_and_keeps_the_direction(magnitude, share):
    values = tree(magnitude)
    limit = np.float32(exact(values) * share)
    clipped = jax.jit(lambda tree: clip_by_global_norm(tree, global_norm(tree), limit))(values)
    np.testing.assert_allclose(exact(clipped), min(exact(values), limit), rtol=1e-5)
    scale = exact(clipped) / exact(values)
    for leaf, source in zip(jax.tree.leaves(clipped), jax.tree.leaves(values), strict=True):
        np.testing.assert_allclose(np.float64(leaf), np.float64(source) * scale, rtol=1e-5)


@pytest.mark.parametrize("magnitude", MAGNITUDES)
def test_clipping_by_value_bounds_every_element(magnitude):
    values = tree(magnitude)
    clipped = jax.jit(clip_elements)(values, np.float32(magnitude / 2))
    for leaf, source in zip(jax.tree.leaves(clipped), jax.tree.leaves(values), strict=True):
        np.testing.assert_array_equal(leaf, np.clip(source, -np.float32(magnitude / 2), magnitude / 2))
    assert np.isnan(clip_elements(np.float32(np.nan), 1.0))


def test_short_gradients_pass_untouched():
    values = tree(1.0)
    clipped = clip_by_global_norm(values, global_norm(values), 100.0)
    for leaf, source in zip(jax.tree.leaves(clipped), jax.tree.leaves(values), strict=True):
        np.testing.assert_array_equal(leaf, source)


def test_huge_finite_gradients_are_clipped_to_one():
    values = tree(1e25)
    np.testing.assert_allclose(exact(clip_by_global_norm(values, global_norm(values), 1.0)), 1.0, rtol=1e-5)


def test_norm_beyond_the_range_is_still_clipped():
    values = {"a": np.full(100, 3e38, np.float32)}
    assert np.isinf(global_norm(values).value)
    np.testing.assert_allclose(exact(clip_by_global_norm(values, global_norm(values), 1.0)), 1.0, rtol=1e-5)


def test_zero_stays_zero():
    values = jax.tree.map(jnp.zeros_like, tree(1.0))
    assert global_norm(values).value == 0
    assert exact(clip_by_global_norm(values, global_norm(values), 1.0)) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nonfinite_is_seen_and_counted(bad):
    values = tree(1.0)
    values["a"]["kernel"][0, :2] = bad
    assert not np.isfinite(global_norm(values).value)
    assert count_nonfinite(values) == {"a/kernel": 2, "b": 0}


def test_update_statistics_are_the_norms_by_path():
    params, grads, updates = tree(1.0), tree(10.0, seed=1), tree(1e-3, seed=2)
    metrics = update_statistics(params, grads, updates)
    np.testing.assert_allclose(metrics["params/norm"], exact(params), rtol=1e-6)
    np.testing.assert_allclose(metrics["grads/norm/a/kernel"], exact(grads["a"]), rtol=1e-6)
    np.testing.assert_allclose(
        metrics["updates/ratio/b"], exact(updates["b"]) / exact(params["b"]), rtol=1e-5
    )
    np.testing.assert_allclose(metrics["updates/ratio"], exact(updates) / exact(params), rtol=1e-5)


def test_layers_have_norms_of_their_own():
    params = {"recurrence": {"layer_0": {"forward": tree(1.0)}, "layer_1": {"forward": tree(2.0)}}}
    params["readout"] = {"kernel": np.ones(4, np.float32)}
    metrics = update_statistics(params, params, params)
    layers = {f"recurrence/layer_{i}": params["recurrence"][f"layer_{i}"] for i in (0, 1)}
    for path, part in {**layers, "readout": params["readout"]}.items():
        np.testing.assert_allclose(metrics[f"grads/norm/{path}"], exact(part), rtol=1e-6)
        np.testing.assert_allclose(metrics[f"updates/ratio/{path}"], 1.0, rtol=1e-6)
    assert "grads/norm/recurrence" not in metrics


def test_ratio_of_a_zero_parameter_is_zero():
    params = jax.tree.map(jnp.zeros_like, tree(1.0))
    assert update_statistics(params, tree(1.0), tree(1.0))["updates/ratio"] == 0
