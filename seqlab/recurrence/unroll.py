"""How do steps become time? One function, whatever the cell."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from seqlab.recurrence.associative import Linear, linear
from seqlab.recurrence.fused import Linearised, fused, where_real
from seqlab.recurrence.gradient_control import NO_CONTROL, GradientControl, clipped, refuse_regulariser
from seqlab.recurrence.probes import probe
from seqlab.recurrence.segments import segmented
from seqlab.types import Carry, Params

VJPS = ("fused", "autodiff")


def unroll(
    cell: Any,
    params: Params,
    inputs: jax.Array,
    lengths: jax.Array | None = None,
    carry: Carry | None = None,
    reverse: bool = False,
    vjp: str = "fused",
    probes: Carry | None = None,
    resets: jax.Array | None = None,
    cuts: jax.Array | None = None,
    control: GradientControl = NO_CONTROL,
) -> tuple[Carry, jax.Array]:
    """Run a cell over a batch of sequences.

        (carry_t, y_t) = cell(carry_{t−1}, x_t),  t = 1 … length

    A sequence's outputs after its end are zero, its final carry is the one at its last real step, and what
    its inputs hold after its end is never read.

    Args:
        cell: a `flax.linen.RNNCellBase` without its own variables beyond `params`.
        params: the cell's parameters.
        inputs: `(B, T, F)`, floating point.
        lengths: int32 `(B,)`, the real steps of each sequence, at most T; None for T each.
        carry: the carry before the first step; the cell's own (zeros) by default.
        reverse: whether each sequence is read from its last real step to its first. The outputs stand in the
            original order.
        vjp: "fused" for the hand-written backward pass, where the cell offers its mathematics, or
            "autodiff" for that of the plain scan, the reference, which also has forward-mode derivatives.
        probes: zeros, by `zero_probes`, whose gradient is the norm of the cotangent at every step's carry.
        resets: bool `(B, T)`, where the carry is set to the cell's own initial one before the step, in the
            order of reading; None for nowhere.
        cuts: bool `(T,)`, before which steps, counted in the order of reading, the gradient stops; None for
            none.
        control: what acts on the backward pass; clipping needs the steps one by one: a linear cell is then
            scanned sequentially.

    Returns:
        The final carry, and the outputs `(B, T, H)`.

    Raises:
        ValueError: `vjp` is neither of the two.
        IncompatibleError: `control.omega` is asked of another backward pass than the fused, or beside
            `resets` or `cuts`.

    Source: ONNX operators RNN, GRU and LSTM, `sequence_lens`, for the rule on padding.
    """
    if vjp not in VJPS:
        raise ValueError(f"vjp must be one of {', '.join(VJPS)}, got {vjp!r}")
    real = None if lengths is None else real_steps(lengths, inputs.shape[1])
    if real is not None:
        inputs = where_real(real, inputs, jnp.zeros_like(inputs))
    if carry is None:
        carry = initial_carry(cell, params, inputs)
    if reverse:
        inputs, probes, resets = jax.tree.map(lambda leaf: flip(leaf, lengths), (inputs, probes, resets))
    by_hand = vjp == "fused" and isinstance(cell, Linearised)
    whole = resets is None and cuts is None
    if control.omega is not None and not (by_hand and whole):
        refuse_regulariser(cell)
    if not whole:
        cell, inputs = segmented(cell, inputs, resets, cuts)
    steps_TB = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), (inputs, real))
    probes_TB = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), probes)
    if isinstance(cell, Linear) and cuts is None and control.clip is None:
        carry, outputs_TBH = linear(cell, params, *steps_TB, carry, probes_TB)
    else:
        run = fused if by_hand else plain
        carry, outputs_TBH = run(cell, params, *steps_TB, carry, probes_TB, control)
    outputs = jnp.swapaxes(outputs_TBH, 0, 1)
    if reverse:
        outputs = flip(outputs, lengths)
    return carry, outputs if real is None else where_real(real, outputs, jnp.zeros_like(outputs))


def zero_probes(carry: Carry, num_steps: int) -> Carry:
    """Return zeros `(B, T)` for each leaf of a carry, to be given to `unroll` as `probes`.

    The gradient of a loss L with respect to them is, exactly over the whole range of floats,

        ‖∂L/∂s_bt‖₂ over H,

    s_t being what step t hands on: h_t both as output and to step t + 1, or c_t to step t + 1. It is zero
    after a sequence's end. The gradient of zeros `(B, T, H)` is ∂L/∂s_bt itself.
    """
    return jax.tree.map(lambda leaf: jnp.zeros((leaf.shape[0], num_steps), leaf.dtype), carry)


def plain(
    cell: Any,
    params: Params,
    inputs_TBF: jax.Array,
    real_TB: jax.Array | None,
    carry: Carry,
    probes_TB: Carry | None,
    control: GradientControl = NO_CONTROL,
) -> tuple[Carry, jax.Array]:
    """Run any cell over time as a scan that autodiff differentiates; the arguments are those of `fused`."""

    def step(before: Carry, now: tuple) -> tuple[Carry, jax.Array]:
        x, real, probes = now
        after, y = cell.apply({"params": params}, before, x)
        if probes is not None:
            after, y = handed_on(jax.tree.map(probe, after, probes), after, y, x)
        if clip is not None:  # after the probe, and so before it on the way back
            after, y = handed_on(clipped(after, clip), after, y, x)
        if real is not None:
            after = where_real(real, after, before)
        return after, y

    def handed_on(watched: Carry, carry: Carry, y: jax.Array, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Return a watched carry in place of a carry, and the output as it is made from it."""
        if isinstance(cell, Linear):
            return watched, cell.out(params, x, cell.to_state(watched))
        pairs = zip(jax.tree.leaves(carry), jax.tree.leaves(watched), strict=True)
        return watched, next((new for old, new in pairs if old is y), y)

    clip = None if control.clip is None else jnp.asarray(control.clip)
    return jax.lax.scan(step, carry, (inputs_TBF, real_TB, probes_TB))


def initial_carry(cell: Any, params: Params, inputs: jax.Array) -> Carry:
    """Return the cell's initial carry for inputs `(B, T, F)`, in the dtype that a step returns."""
    dtype = jnp.result_type(inputs, *jax.tree.leaves(params))
    carry = cell.initialize_carry(jax.random.key(0), (inputs.shape[0], inputs.shape[-1]))
    return jax.tree.map(lambda leaf: leaf.astype(dtype), carry)


def real_steps(lengths: jax.Array, num_steps: int) -> jax.Array:
    """Return bool `(B, T)`: whether step t of each sequence is before its end."""
    return jnp.arange(num_steps) < lengths[:, None]


def flip(sequences: jax.Array, lengths: jax.Array | None) -> jax.Array:
    """Reverse the real steps of each sequence `(B, T, …)`, the padding staying behind them."""
    if lengths is None:
        return jnp.flip(sequences, axis=1)
    t = jnp.arange(sequences.shape[1])
    source = jnp.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)
    return jnp.take_along_axis(sequences, source.reshape(source.shape + (1,) * (sequences.ndim - 2)), axis=1)
