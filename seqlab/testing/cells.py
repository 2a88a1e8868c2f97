"""Laws of a cell: what every scan, layer, direction and sweep relies on."""

from __future__ import annotations

import copy
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.checks import require_positive
from seqlab.recurrence import Stack, unroll
from seqlab.recurrence.noise import Noise
from seqlab.recurrence.protocols import RecurrentCell, reads_whole_sequences
from seqlab.testing.laws import Laws, require, require_close, require_equal_by_value, same
from seqlab.types import Carry, Params, Tree

B, T, F = 3, 6, 3
"""The sizes of the problems: three sequences of six steps with three features."""

LENGTHS = (6, 1, 4)
"""The real steps of each sequence, where some are padded."""

LONG = 70
"""The steps of a sequence that is read at once: no multiple of a usual chunk."""

CELL_LAWS = Laws("cell")
"""The laws of a cell; each takes a cell."""


def check_cell(cell: RecurrentCell) -> None:
    """Check every law of a cell, of any width.

    Args:
        cell: a `flax.linen.RNNCellBase`; a small width, such as 6, is checked as well as a large one.

    Raises:
        BrokenLawError: the first law that does not hold.
    """
    CELL_LAWS.check(cell)


@functools.lru_cache(maxsize=256)
def problem(cell: RecurrentCell, dtype: str = "float32") -> tuple[Params, Any, Carry]:
    """Return random parameters (none is 0), inputs `(B, T, F)` and an initial carry.

    They are NumPy arrays: what a law does with them outside of its compiled function compiles nothing.
    """
    random = np.random.default_rng(0)
    params = _initialized(cell, jax.random.key(0))["layer_0"]["forward"]
    carry = cell.initialize_carry(jax.random.key(0), (B, F))

    def shifted(leaf: Any, scale: float) -> np.ndarray:
        leaf = np.asarray(leaf)
        return (leaf + scale * random.standard_normal(leaf.shape)).astype(dtype)

    return (
        jax.tree.map(lambda leaf: shifted(leaf, 0.2), params),
        shifted(np.zeros((B, T, F)), 1.0),
        jax.tree.map(lambda leaf: shifted(leaf, 1.0), carry),
    )


@functools.partial(jax.jit, static_argnums=0)
def _initialized(cell: RecurrentCell, key: jax.Array) -> Params:
    """Return new parameters of a stack of one layer."""
    return Stack(cell).init(key, F)


@functools.partial(jax.jit, static_argnames=("cell", "reverse"))
def run(
    cell: RecurrentCell,
    params: Params,
    inputs: Any,
    lengths: Any = None,
    carry: Carry | None = None,
    reverse: bool = False,
) -> tuple[Carry, jax.Array]:
    """Unroll a cell, compiled."""
    return unroll(cell, params, inputs, lengths, carry, reverse)


@CELL_LAWS.add
def interface(cell: RecurrentCell) -> None:
    """A cell is hashable by value, its carry is zeros (B, …) at first, and its output is (B, H)."""
    require_equal_by_value(cell)
    require_positive(cell, "features")
    params, inputs, carry = problem(cell)
    fresh = _initialized(cell, jax.random.key(1))
    require(all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(fresh)), "a new parameter is not finite")
    first = jax.tree.leaves(cell.initialize_carry(jax.random.key(0), (B, F)))
    shapes = [leaf.shape for leaf in first]
    require(
        all(len(shape) > 1 and shape[0] == B for shape in shapes),
        f"the carry has the shapes {shapes}, not B={B} and other axes after it",
    )
    other = jax.tree.leaves(cell.initialize_carry(jax.random.key(0), (B, F + 1)))
    require([leaf.shape for leaf in other] == shapes, "the shapes of the carry depend on F")
    require(not any(np.any(leaf) for leaf in first), "the initial carry is not zero")
    after, output = jax.eval_shape(cell.apply, {"params": params}, carry, inputs[:, 0])
    require(
        jax.tree.map(jnp.shape, after) == jax.tree.map(jnp.shape, carry), "a step changes the carry's form"
    )
    require(output.shape == (B, cell.features), f"the output has the shape {output.shape}")


@CELL_LAWS.add
def causality(cell: RecurrentCell) -> None:
    """An output depends on the present input and not on later ones, bit for bit."""
    params, inputs, carry = problem(cell)
    _, outputs = jax.device_get(run(cell, params, inputs, None, carry))
    for t in (0, 3):
        changed = np.where(np.arange(T)[:, None] > t, np.float32(7), inputs)
        _, others = jax.device_get(run(cell, params, changed, None, carry))
        require(
            same(outputs[:, : t + 1], others[:, : t + 1]), f"outputs up to step {t} change with later inputs"
        )
        require(
            not same(outputs[:, t + 1], others[:, t + 1]), f"output {t + 1} does not change with its input"
        )


@CELL_LAWS.add
def padding(cell: RecurrentCell) -> None:
    """What stands after the end of a sequence changes nothing, in both directions."""
    params, inputs, carry = problem(cell)
    lengths = np.array(LENGTHS)
    hidden = (np.arange(T) >= lengths[:, None])[..., None]
    usual = None
    for reverse in (False, True):
        usual = run(cell, params, inputs, lengths, carry, reverse=reverse)
        filled = run(cell, params, np.where(hidden, np.float32(1e3), inputs), lengths, carry, reverse=reverse)
        require(same(usual, filled), f"other padding gives other results, reverse={reverse}")
    longer = np.pad(inputs, ((0, 0), (0, 3), (0, 0)), constant_values=5.0)
    final, outputs = jax.device_get(run(cell, params, longer, lengths, carry, reverse=True))
    require_close((final, outputs[:, :T]), usual, 1e-6, "results with more padding")
    require(not outputs[:, T:].any(), "outputs after the end are not zero")


@CELL_LAWS.add
def batch_rows(cell: RecurrentCell) -> None:
    """A batch equals its rows, one by one."""
    params, inputs, carry = problem(cell)
    lengths = np.array(LENGTHS)
    together = jax.device_get(run(cell, params, inputs, lengths, carry))
    for b in range(B):
        row = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], (inputs, lengths, carry))
        expected = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], together)
        require_close(run(cell, params, *row), expected, 1e-6, f"row {b} alone and in its batch")


@CELL_LAWS.add
def splits_of_time(cell: RecurrentCell) -> None:
    """A sequence that is split anywhere and continued from the carry equals the whole sequence."""
    params, inputs, carry = problem(cell)
    whole = run(cell, params, inputs, None, carry)
    for t in range(1, T):  # as lengths, which compile once
        middle, first = jax.device_get(run(cell, params, inputs, np.full(B, t), carry))
        end, rest = jax.device_get(run(cell, params, np.roll(inputs, -t, axis=1), np.full(B, T - t), middle))
        require_close(
            (end, first + np.roll(rest, t, axis=1)),
            whole,
            1e-6,
            f"the parts split at step {t} and the whole",
        )


@CELL_LAWS.add
def whole_sequences(cell: RecurrentCell) -> None:
    """What reads a whole sequence at once equals one step after another, in outputs and gradients."""
    if not reads_whole_sequences(cell):
        return
    params, _, carry = problem(cell)
    random = np.random.default_rng(1)
    inputs = random.standard_normal((B, LONG, F)).astype("float32")
    weights = random.standard_normal((B, LONG, cell.features)).astype("float32") / LONG
    lengths, resets = jax.device_put((np.array([LONG, 0, 41]), random.random((B, LONG)) < 0.04))

    @functools.partial(jax.jit, static_argnums=0)
    def everything(noise: Noise | None, *arguments: Any) -> tuple[Tree, Tree]:
        def loss(params: Params, inputs: jax.Array, carry: Carry) -> tuple[jax.Array, Tree]:
            found = unroll(cell, params, inputs, lengths, carry, resets=resets, noise=noise)
            ends = [jnp.mean(jnp.sin(leaf)) for leaf in jax.tree.leaves(found[0])]
            return jnp.vdot(found[1], weights) + sum(ends), found

        (_, found), slopes = jax.value_and_grad(loss, (0, 1, 2), has_aux=True)(*arguments)
        return found, slopes

    at_once = everything(None, params, inputs, carry)
    step_by_step = everything(Noise(), params, inputs, carry)  # any noise, even none in it
    require_close(at_once[0], step_by_step[0], 1e-5, "the results at once and step by step")
    # Of a quotient such as the mLSTM's, the gradient in float32 has fewer digits than the result.
    require_close(at_once[1], step_by_step[1], 1e-4, "the gradients at once and step by step")


@CELL_LAWS.add
def vmap(cell: RecurrentCell) -> None:
    """The call under vmap over parameters equals a loop over them."""
    params, inputs, carry = problem(cell)
    several = jax.tree.map(lambda leaf: np.stack([leaf, 0.5 * leaf, -leaf]), params)
    every = jax.jit(jax.vmap(lambda one: unroll(cell, one, inputs, None, carry)))
    together = jax.device_get(every(several))
    for r in range(3):
        alone = run(cell, jax.tree.map(lambda leaf, r=r: leaf[r], several), inputs, None, carry)
        require_close(
            jax.tree.map(lambda leaf, r=r: leaf[r], together), alone, 1e-5, f"replica {r}, vmapped and alone,"
        )


@CELL_LAWS.add
def directions(cell: RecurrentCell) -> None:
    """In a bidirectional layer each padded sequence equals itself alone."""
    params, inputs, _ = problem(cell)
    stack = Stack(cell, bidirectional=True)
    both = {"layer_0": {"forward": params, "backward": jax.tree.map(lambda leaf: 0.7 * leaf, params)}}
    apply = jax.jit(stack.apply)
    lengths = np.array(LENGTHS)
    final, outputs = jax.device_get(apply(both, inputs, lengths))
    require(outputs.shape == (B, T, 2 * cell.features), f"the outputs have the shape {outputs.shape}")
    for b, length in enumerate(LENGTHS):
        # Among copies of itself, which compiles once.
        copies, rows = jax.device_get(apply(both, np.stack([inputs[b]] * B), np.full(B, length)))
        require_close(rows[0], outputs[b], 1e-6, f"the outputs of sequence {b} alone and in its batch")
        alone = jax.tree.map(lambda leaf: leaf[:1], copies)
        expected = jax.tree.map(lambda leaf, b=b: leaf[b : b + 1], final)
        require_close(alone, expected, 1e-6, f"the final carries of sequence {b} alone and in its batch")
        require(not outputs[b, length:].any(), "outputs after the end are not zero")


@CELL_LAWS.add
def finite_differences(cell: RecurrentCell) -> None:
    """Gradients are those of finite differences, also where chunks of steps are computed again."""
    with jax.enable_x64(True):
        arguments = problem(cell, "float64")
        _, slopes = differentiated(cell, arguments)
        random, eps = np.random.default_rng(2), 1e-6
        way = jax.tree.map(lambda leaf: random.standard_normal(leaf.shape), arguments)
        ends = [
            differentiated(cell, jax.tree.map(lambda leaf, by, eps=eps: leaf + eps * by, arguments, way))[0]
            for eps in (eps, -eps)
        ]
        along = sum(jax.tree.leaves(jax.tree.map(np.vdot, slopes, way)))
        slope = (float(ends[0]) - float(ends[1])) / (2 * eps)
        require_close(slope, along, 1e-6, "the slope of the loss and its gradient")
        _, chunked = differentiated(cell, arguments, chunked=True)
        require_close(chunked, slopes, 1e-6, "the gradients in chunks that are computed again, and at once,")


@functools.partial(jax.jit, static_argnames=("cell", "chunked"))
def differentiated(cell: RecurrentCell, arguments: Tree, chunked: bool = False) -> tuple[jax.Array, Tree]:
    """Return a loss of a cell's outputs and final carry, and its gradients with respect to the arguments."""

    def loss(arguments: Tree) -> jax.Array:
        params, inputs, carry = arguments
        final, outputs = unroll(cell, params, inputs, jnp.array(LENGTHS), carry, chunked=chunked)
        ends = [jnp.sum(jnp.cos(leaf)) for leaf in jax.tree.leaves(final)]
        return jnp.sum(jnp.sin(outputs)) + sum(ends)

    return jax.value_and_grad(loss)(arguments)


@CELL_LAWS.add
def compiles_once(cell: RecurrentCell) -> None:
    """Equal cells with other parameters and lengths share one compiled program."""
    params, inputs, _ = problem(cell)
    traces: list[int] = []

    @functools.partial(jax.jit, static_argnums=0)
    def counted(cell: RecurrentCell, params: Params, lengths: jax.Array) -> jax.Array:
        traces.append(1)
        return unroll(cell, params, inputs, lengths)[1]

    # A trace is kept with its program, and what is traced compiles: the other laws do compile.
    counted.eval_shape(cell, params, np.array(LENGTHS))
    counted.eval_shape(copy.copy(cell), jax.tree.map(lambda leaf: 2 * leaf, params), np.array([T] * B))
    require(len(traces) == 1, f"it was traced {len(traces)} times")
