"""The encoder of images: frame by frame, equal to convolutions, and trained."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from seqlab.architectures import EncoderDecoder, ManyToMany, ManyToOne, OneToMany, OneToOne
from seqlab.architectures.images import ImageEncoder, patches
from seqlab.cells import GRU
from seqlab.types import Batch, Images, Tokens

B, T, H, W, C, E, V = 3, 4, 5, 4, 2, 5, 3
KEY = jax.random.key(0)
FORMS = [OneToOne, OneToMany, ManyToOne, ManyToMany, EncoderDecoder]


def clips(form, lengths=None):
    reads = () if form in (OneToOne, OneToMany) else (T,)
    writes = () if form in (OneToOne, ManyToOne) else (T,)
    inputs = jax.random.uniform(KEY, (B, *reads, H, W, C))
    return Batch(inputs, jnp.zeros((B, *writes), jnp.int32), jnp.ones((B, *writes), bool), lengths)


def network(form, embedding=E):
    return form(GRU(4), Images(H, W, C), Tokens(V), embedding=embedding)


@pytest.mark.parametrize("embedding", [None, E])
@pytest.mark.parametrize("form", FORMS)
def test_every_architecture_reads_images(form, embedding):
    net, batch = network(form, embedding), clips(form)
    params = jax.eval_shape(net.init, KEY, batch)
    predictions = jax.eval_shape(net.apply, params, batch)
    assert predictions.shape == (*batch.mask.shape, V)
    assert ("convolution_0" in params.get("embedding", {})) == (embedding is not None)


@pytest.mark.parametrize(("height", "width"), [(9, 6), (1, 4)])
def test_the_product_with_patches_is_the_convolution(height, width):
    images = jax.random.normal(KEY, (2, height, width, C))
    kernel = jax.random.normal(KEY, (9 * C, E))
    convolution = nn.Conv(E, (3, 3), strides=2, padding=1, use_bias=False)
    expected = convolution.apply({"params": {"kernel": kernel.reshape(3, 3, C, E)}}, images)
    np.testing.assert_allclose(patches(images) @ kernel, expected, atol=1e-5)


@pytest.mark.parametrize(("side", "count"), [(1, 1), (8, 1), (9, 2), (16, 2), (28, 3), (224, 6)])
def test_convolutions_leave_four_pixels_a_side_at_most(side, count):
    params = jax.eval_shape(ImageEncoder(E).init, KEY, jnp.zeros((1, side, side, C)))["params"]
    assert len(params) == count + 1
    last = params[f"convolution_{count - 1}"]["kernel"].shape[-1]
    assert params["dense"]["kernel"].shape[0] <= 16 * last <= 1024


def test_a_clip_is_encoded_frame_by_frame():
    net, batch = network(ManyToOne), clips(ManyToOne)
    params, encode = jax.jit(net.init)(KEY, batch), jax.jit(net.encode)
    frames = encode(params, batch.inputs.reshape(B * T, H, W, C)).reshape(B, T, E)
    np.testing.assert_allclose(encode(params, batch.inputs), frames, atol=1e-6)


def test_gradients_reach_the_convolutions_from_real_frames_alone():
    net, batch = network(ManyToOne), clips(ManyToOne, jnp.array([1, 3, T]))

    def written(params, inputs):
        return net.apply(params, batch._replace(inputs=inputs)).sum()

    params = jax.jit(net.init)(KEY, batch)
    gradients, slopes = jax.jit(jax.grad(written, (0, 1)))(params, batch.inputs)
    assert all(jnp.any(leaf != 0) for leaf in jax.tree.leaves(gradients["embedding"]))
    read = jnp.any(slopes != 0, axis=(2, 3, 4))
    np.testing.assert_array_equal(read, jnp.arange(T) < batch.lengths[:, None])


def test_networks_side_by_side_are_those_one_by_one():
    net, batch, seeds = network(ManyToOne), clips(ManyToOne), jax.random.split(KEY, 2)
    predict = lambda key: net.apply(net.init(key, batch), batch)  # noqa: E731
    together, alone = jax.jit(jax.vmap(predict)), jax.jit(predict)
    np.testing.assert_allclose(together(seeds), jnp.stack([*map(alone, seeds)]), atol=1e-5)
