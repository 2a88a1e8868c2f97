"""Laws of an architecture: what training, diagnostics, generation and sweeps rely on."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.architectures import Network, Recurrent
from seqlab.cells import GRU
from seqlab.testing.laws import Laws, require, require_close, require_equal_by_value, same
from seqlab.types import Batch, IncompatibleError, Params, Spec, Tokens, Vectors

FRAMINGS = ("one_to_one", "one_to_many", "many_to_one", "many_to_many", "encoder_decoder")
"""The framings that there are."""

SPECS = (Tokens(4), Vectors(2))
"""The specs of inputs and outputs that are combined."""

B, T = 3, 6
"""The sizes of the batches: three sequences of six steps."""

KEY = jax.random.key(0)

Make = Callable[..., Network]
"""Returns a network: `make(cell=cell, inputs=spec, outputs=spec)`."""

ARCHITECTURE_LAWS = Laws("architecture")
"""The laws of an architecture; each takes a function that makes a network."""


def check_architecture(make: Make) -> None:
    """Check every law of an architecture, on every combination of specs that it accepts.

    Args:
        make: the class, or a function that sets some of its fields; called with `cell`, `inputs`, `outputs`.

    Raises:
        BrokenLawError: the first law that does not hold.
    """
    ARCHITECTURE_LAWS.check(make)


@functools.lru_cache(maxsize=8)
def networks(make: Make) -> list[tuple[Network, Params, Batch]]:
    """Return a network, parameters and a batch, for tokens and for vectors as both inputs and outputs.

    Where an architecture accepts neither, other combinations are tried.
    """
    made = [_network(make, spec, spec) for spec in SPECS]
    if not any(made):
        made = [_network(make, inputs, outputs) for inputs, outputs in itertools.permutations(SPECS)]
    found = [(network, batch_for(network)) for network in made if network]
    require(found, "it accepts no combination of tokens and vectors as inputs and outputs")
    return [(network, jax.device_get(jax.jit(network.init)(KEY, batch)), batch) for network, batch in found]


@functools.partial(jax.jit, static_argnums=0)
def predictions(network: Network, params: Params, batch: Batch, key: jax.Array | None = None) -> jax.Array:
    """Return the predictions of a network, compiled; the laws share its programs."""
    return network.apply(params, batch, key)


def _network(make: Make, inputs: Spec, outputs: Spec) -> Network | None:
    """Return a network; None where the architecture does not accept the specs."""
    try:
        return make(cell=GRU(5), inputs=inputs, outputs=outputs)
    except IncompatibleError:
        return None


def batch_for(network: Network, lengths: np.ndarray | None = None) -> Batch:
    """Return a random batch in the framing of a network."""
    form = "many_to_many" if network.framing == "encoder_decoder" else network.framing
    reads, _, writes = form.partition("_to_")
    random = np.random.default_rng(0)  # in NumPy, as JAX would compile a program for each operation
    inputs = _draw(random, network.inputs, (B, T) if reads == "many" else (B,))
    positions = (B, T) if writes == "many" else (B,)
    targets, mask = _draw(random, network.outputs, positions), np.ones(positions, bool)
    return Batch(*jax.device_put((inputs, targets, mask, lengths)))


def _draw(random: np.random.Generator, spec: Spec, shape: tuple[int, ...]) -> np.ndarray:
    if isinstance(spec, Tokens):
        return random.integers(0, spec.size, shape, dtype=np.int32)
    return random.standard_normal((*shape, spec.size)).astype(np.float32)


def _reads_sequences(network: Network) -> bool:
    return network.framing.startswith("many") or network.framing == "encoder_decoder"


def _other(spec: Spec, values: jax.Array) -> np.ndarray:
    """Return other legal values."""
    known = np.asarray(values)
    return (known + 1) % spec.size if isinstance(spec, Tokens) else known + np.float32(7)


@ARCHITECTURE_LAWS.add
def interface(make: Make) -> None:
    """A network declares its framing, is hashable by value, and has finite parameters."""
    for network, params, _ in networks(make):
        require(
            network.framing in FRAMINGS, f"the framing {network.framing} is none of {', '.join(FRAMINGS)}"
        )
        require_equal_by_value(network)
        require(
            all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params)), "a new parameter is not finite"
        )


@ARCHITECTURE_LAWS.add
def positions(make: Make) -> None:
    """Predictions are floats, one vector of output size for each position of the targets."""
    for inputs, outputs in itertools.product(SPECS, SPECS):
        if (network := _network(make, inputs, outputs)) is None:
            continue
        batch = batch_for(network)
        found = jax.eval_shape(
            lambda network=network, batch=batch: network.apply(network.init(KEY, batch), batch)
        )
        expected = (*batch.mask.shape, outputs.size)
        require(found.shape == expected, f"the shape {found.shape}, not {expected}, of {outputs}")
        require(found.dtype == jnp.float32, f"predictions are {found.dtype}")


@ARCHITECTURE_LAWS.add
def purity(make: Make) -> None:
    """Without a key a network has no noise, and with equal keys it has equal noise."""
    for network, params, batch in networks(make):
        for key in (None, KEY):
            first, second = (predictions(network, params, batch, key) for _ in range(2))
            require(same(first, second), f"two calls differ, key={key}")


@ARCHITECTURE_LAWS.add
def padding(make: Make) -> None:
    """Inputs after the end of a sequence change no prediction that counts."""
    for network, params, batch in networks(make):
        if not _reads_sequences(network):
            continue
        lengths = np.array([T, 2, 4])
        real = np.arange(T) < lengths[:, None]
        hidden = real if isinstance(network.inputs, Tokens) else real[..., None]
        padded = batch._replace(lengths=lengths)
        other = padded._replace(inputs=np.where(hidden, batch.inputs, _other(network.inputs, batch.inputs)))
        first, second = (np.asarray(predictions(network, params, one)) for one in (padded, other))
        if network.framing == "many_to_many":
            first, second = (np.where(real[..., None], one, 0.0) for one in (first, second))
        require_close(first, second, 1e-6, "predictions with other padding")


@ARCHITECTURE_LAWS.add
def batch_rows(make: Make) -> None:
    """The predictions of a batch are those of its rows, one by one."""
    for network, params, batch in networks(make):
        together = np.asarray(predictions(network, params, batch))
        for b in range(B):
            row = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], batch)
            require_close(
                predictions(network, params, row),
                together[b : b + 1],
                1e-6,
                f"row {b} alone and in its batch",
            )


@ARCHITECTURE_LAWS.add
def causality(make: Make) -> None:
    """No prediction depends on its own target or a later one; of a causal network, on no later input."""
    for network, params, batch in networks(make):
        if batch.targets.shape[:2] != (B, T):
            continue
        t = 2
        usual = np.asarray(predictions(network, params, batch))[:, : t + 1]
        later = np.arange(T) >= t
        seen = _where(later, _other(network.outputs, batch.targets), batch.targets)
        found = np.asarray(predictions(network, params, batch._replace(targets=seen)))[:, : t + 1]
        require(same(usual, found), f"prediction {t} changes with target {t} or a later one")
        if network.framing == "many_to_many" and isinstance(network, Recurrent) and network.causal:
            seen = _where(np.arange(T) > t, _other(network.inputs, batch.inputs), batch.inputs)
            found = np.asarray(predictions(network, params, batch._replace(inputs=seen)))[:, : t + 1]
            require(same(usual, found), f"prediction {t} changes with a later input")


def _where(flags: np.ndarray, new: np.ndarray, old: jax.Array) -> np.ndarray:
    return np.where(flags.reshape(1, -1, *[1] * (old.ndim - 2)), new, old)


@ARCHITECTURE_LAWS.add
def gradients(make: Make) -> None:
    """Gradients are finite, some parameter has one, and probes change no prediction."""
    for network, params, batch in networks(make):
        probes = network.zero_probes(params, batch)

        def total(
            params: Params, network: Any = network, batch: Batch = batch, probes: Any = probes
        ) -> jax.Array:
            return jnp.sum(jnp.sin(network.apply(params, batch, None, probes)))

        value, grads = jax.jit(jax.value_and_grad(total))(params)
        leaves = jax.tree.leaves(grads)
        require(all(np.isfinite(leaf).all() for leaf in leaves), "a gradient is not finite")
        require(any(np.any(leaf) for leaf in leaves), "every gradient is zero")
        plain = np.sum(np.sin(predictions(network, params, batch)))
        require_close(value, plain, 1e-5, "predictions with and without probes")


@ARCHITECTURE_LAWS.add
def decoding(make: Make) -> None:
    """Where a causal network generates, each step predicts what it predicts of the whole sequence at once."""
    for network, params, batch in networks(make):
        if not isinstance(network, Recurrent) or not network.causal or network.framing == "one_to_one":
            continue
        whole = np.asarray(predictions(network, params, batch))
        prefill, decode_step = jax.jit(network.prefill), jax.jit(network.decode_step)
        if network.framing == "many_to_one":
            _, prediction = prefill(params, batch.inputs)
            require_close(prediction, whole, 1e-5, "the prediction of prefill and of apply")
            continue
        reads_itself = network.framing == "many_to_many"
        fed, start = (batch.inputs, 3) if reads_itself else (batch.targets, 0)
        given = batch.inputs[:, : start + 1] if reads_itself else batch.inputs
        state, prediction = prefill(params, given)
        require_close(prediction, whole[:, start], 1e-5, "the prediction of prefill and of apply")
        for t in range(start, start + 2):
            chosen = fed[:, t + 1] if reads_itself else fed[:, t]
            state, prediction = decode_step(params, state, chosen)
            require_close(
                prediction, whole[:, t + 1], 1e-5, f"the prediction of decode_step {t + 1} and of apply"
            )


@ARCHITECTURE_LAWS.add
def compiles_once(make: Make) -> None:
    """Equal networks with other parameters share one compiled program."""
    for network, params, batch in networks(make):
        traces: list[int] = []

        def counted(
            network: Any, params: Params, traces: list[int] = traces, batch: Batch = batch
        ) -> jax.Array:
            traces.append(1)
            return network.apply(params, batch)

        jitted = jax.jit(counted, static_argnums=0)
        again = make(cell=GRU(5), inputs=network.inputs, outputs=network.outputs)
        # A trace is kept with its program, and what is traced compiles: the other laws do compile.
        jitted.eval_shape(network, params)
        jitted.eval_shape(again, jax.tree.map(lambda leaf: 2 * leaf, params))
        require(len(traces) == 1, f"it was traced {len(traces)} times")
