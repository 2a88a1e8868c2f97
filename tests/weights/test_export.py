"""Export of a finished run in the layout of every library."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.architectures import ManyToMany
from seqlab.cells import LSTM
from seqlab.runs import load
from seqlab.types import Batch, Images, Tokens
from seqlab.weights import stack_from_torch


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of a bidirectional LSTM."""
    folder = tmp_path_factory.mktemp("run")
    layers = ("architecture.bidirectional=true", "cell=lstm", "gradients=off", "training.steps=1")
    run([*tiny("adding", "many_to_one", *layers), f"hydra.run.dir={folder}"])
    return folder


@pytest.mark.runs
def test_export_reads_back(finished, command, tmp_path):
    done = command("weights", "export", str(finished), "--to", "torch", "out.npz")
    assert done.returncode == 0, done.stderr
    assert "recurrence.weight_hh_l0_reverse (16, 4)" in done.stdout
    arrays = dict(np.load(tmp_path / "out.npz"))
    program, params = load(finished)
    own = {name.removeprefix("recurrence."): leaf for name, leaf in arrays.items() if "recurrence" in name}
    back = stack_from_torch(program.network.stack, own)
    same = jax.tree.map(lambda one, other: bool((one == other).all()), back, dict(params["recurrence"]))
    assert jax.tree.all(same)
    np.testing.assert_array_equal(arrays["readout.weight"].T, params["readout"]["kernel"])


@pytest.mark.runs
def test_export_to_the_others(finished):
    from seqlab.weights.export import LIBRARIES, export

    program, params = load(finished)
    names = {library: set(export(program.network.stack, params, library)) for library in LIBRARIES}
    assert {"recurrence.layer_0.W", "readout.B"} <= names["onnx"]
    assert {"recurrence.layer_0.backward.2", "readout.0"} <= names["keras"]
    assert {"recurrence.layer_0.backward.hf.bias", "readout.kernel"} <= names["flax"]


def test_a_tied_readout_leaves_with_a_kernel_of_its_own():
    from seqlab.weights.export import export

    network = ManyToMany(LSTM(3), Tokens(4), Tokens(4), embedding=3, tied=True)
    tokens = jnp.zeros((1, 2), jnp.int32)
    params = jax.jit(network.init)(jax.random.key(0), Batch(tokens, tokens, tokens == 0))
    arrays = export(network.stack, params, "torch")
    np.testing.assert_array_equal(arrays["readout.weight"], arrays["embedding.weight"])


def test_convolutions_are_refused():
    from seqlab.weights.export import export

    network = ManyToMany(LSTM(3), Images(4, 4, 1), Tokens(4), embedding=3)
    params = jax.jit(lambda key: network.init(key, None))(jax.random.key(0))
    with pytest.raises(ValueError, match="convolutions"):
        export(network.stack, params, "torch")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "--to", "torch", "x.npz"), "RUN_DIR=nowhere does not exist"),
        (("nowhere", "--to", "caffe", "x.npz"), "--to=caffe: legal values are "),
        (("nowhere", "--to", "torch", "x.txt"), "must end in .npz"),
    ],
)
def test_bad_arguments_are_refused(inside, arguments, message):
    done = inside("weights.__main__", "export", *arguments)
    assert done.returncode != 0
    assert message in done.stderr
