"""The recurrence of any cell over a batch of sequences."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from seqlab.recurrence.autodiff import scan_cell
from seqlab.recurrence.backward import BACKENDS
from seqlab.recurrence.chunked import in_chunks
from seqlab.recurrence.cudnn import cudnn_layer
from seqlab.recurrence.fused import fused
from seqlab.recurrence.gradient_control import NO_CONTROL, GradientControl, refuse_regulariser
from seqlab.recurrence.linear import linear
from seqlab.recurrence.native import native_layer
from seqlab.recurrence.noise import Noise
from seqlab.recurrence.protocols import Linear, Linearised, Parallel, RecurrentCell
from seqlab.recurrence.steps import Steps, flip, mask_rows, real_steps, time_major
from seqlab.types import Carry, Params

VJPS = ("fused", "autodiff")


def unroll(
    cell: RecurrentCell,
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
    noise: Noise | None = None,
    chunked: bool = False,
    backend: str = "scan",
) -> tuple[Carry, jax.Array]:
    """Run a cell over a batch of sequences.

        (carry_t, y_t) = cell(carry_{t−1}, x_t),  t = 1 … length

    After a sequence's end, its outputs are zero and its inputs are never read. Its final carry is the one at
    its last real step. Inside `shard_map` over rows, pass `check_vma=False` and sum the gradients of the
    parameters explicitly.

    A cell that is `Linear` or `Parallel` computes all steps at once, except with cuts, noise or clipping, and
    where it is `Parallel` except with probes.

    Args:
        cell: a `flax.linen.RNNCellBase` without variables other than `params`.
        params: the cell's parameters.
        inputs: `(B, T, F)`, floating point.
        lengths: int32 `(B,)`, the real steps of each sequence, at most T; None for T each.
        carry: the carry before the first step; the cell's initial carry (zeros) by default.
        reverse: whether each sequence is read from its last real step to its first. The outputs keep the
            order of the inputs.
        vjp: "fused" for the hand-written backward pass where the cell is `Linearised`, or "autodiff" for that
            of the plain scan. Only "autodiff" has forward-mode derivatives.
        probes: zeros, by `zero_probes`; their gradient is the norm of the cotangent at every step's carry.
        resets: bool `(B, T)`, where the carry is set to the cell's initial one before the step; None for
            nowhere.
        cuts: bool `(B, T)`, before which steps, counted in the order of reading, the gradient stops; None for
            none.
        control: what acts on the backward pass.
        noise: noise in the steps, by `draw_noise`; None for none.
        chunked: whether the backward pass computes chunks of √T steps again, in place of saving what it needs
            of all steps (`seqlab.recurrence.chunked`).
        backend: "cudnn" for cuDNN's layer (`seqlab.recurrence.cudnn`) or "native" for our kernel
            (`seqlab.recurrence.native`), where no probes, resets, cuts, control or noise need the steps;
            "scan" for neither.

    Returns:
        The final carry, and the outputs `(B, T, H)`.

    Raises:
        ValueError: `vjp` is neither of the two, a length that is known at this time is not from 0 to T, or
            `chunked` is true and `backend` is not "scan".
        IncompatibleError: `control.omega` is given, and the backward pass is not the fused one, or there are
            resets or cuts.

    Source: ONNX operators RNN, GRU and LSTM, `sequence_lens`, for the rule on padding.
    """
    if vjp not in VJPS:
        raise ValueError(f"vjp must be one of {', '.join(VJPS)}, got {vjp!r}")
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    if chunked and backend != "scan":
        raise ValueError(f"chunked must be false where backend={backend}")
    _require_lengths(lengths, inputs.shape[1])
    real = None if lengths is None else real_steps(lengths, inputs.shape[1])
    steps = Steps(mask_rows(real, inputs), real, resets, None, probes, noise.hold if noise else None)
    if carry is None:
        carry = initial_carry(cell, params, inputs)
    if reverse:
        steps = jax.tree.map(lambda leaf: flip(leaf, lengths), steps)
    if (
        backend != "scan"
        and probes is None
        and resets is None
        and cuts is None
        and noise is None
        and control == NO_CONTROL
    ):
        layer = cudnn_layer if backend == "cudnn" else native_layer
        carry, outputs = layer(cell, params, steps.x, lengths, carry)
        return carry, mask_rows(real, flip(outputs, lengths) if reverse else outputs)
    steps = time_major(steps._replace(cut=cuts))
    is_fused = vjp == "fused" and noise is None and isinstance(cell, Linearised)
    if control.omega is not None and not (is_fused and steps.stop is None):
        refuse_regulariser(cell)
    run = functools.partial(_run, cell, params, vjp, control, noise)
    carry, outputs_TBH = in_chunks(run, steps, carry) if chunked else run(steps, carry)
    outputs = time_major(outputs_TBH)
    if reverse:
        outputs = flip(outputs, lengths)
    return carry, mask_rows(real, outputs)


def _run(
    cell: RecurrentCell,
    params: Params,
    vjp: str,
    control: GradientControl,
    noise: Noise | None,
    steps: Steps,
    carry: Carry,
) -> tuple[Carry, jax.Array]:
    """Run a cell over time-major steps, in the fastest form that has what is asked for."""
    if vjp == "fused" and noise is None and isinstance(cell, Linearised):
        return fused(cell, params, steps, carry, control)
    if noise is not None or steps.cut is not None or control.clip is not None:
        return scan_cell(cell, params, steps, carry, control, noise.mask if noise else None)
    if isinstance(cell, Linear):
        return linear(cell, params, steps, carry)
    if isinstance(cell, Parallel) and cell.is_parallel and steps.probes is None:
        return cell.parallel(params, steps.x, steps.real, steps.reset, carry)
    return scan_cell(cell, params, steps, carry)


def _require_lengths(lengths: jax.Array | None, num_steps: int) -> None:
    """Raise ValueError where a length is not from 0 to T; lengths that are traced cannot be checked."""
    if lengths is None or isinstance(lengths, Tracer):
        return
    known = np.asarray(lengths)  # NumPy compares at this time, also within a trace
    if known.size and not 0 <= known.min() <= known.max() <= num_steps:
        raise ValueError(f"lengths must be from 0 to T={num_steps}, got {known}")


def zero_probes(carry: Carry, num_steps: int) -> Carry:
    """Return zeros `(B, T)` for each leaf of a carry, to be given to `unroll` as `probes`.

    The gradient of a loss L with respect to them is, exactly over the whole range of floats,

        ‖∂L/∂s_bt‖₂ over all axes but B,

    where s_t is the carry after step t: h_t both as output and as input of step t + 1, or c_t as input of
    step t + 1. It is zero after a sequence's end. The gradient of zeros `(B, T, …)`, with the axes of the
    leaf, is ∂L/∂s_bt itself.
    """
    return jax.tree.map(lambda leaf: jnp.zeros((leaf.shape[0], num_steps), leaf.dtype), carry)


def initial_carry(cell: RecurrentCell, params: Params, inputs: jax.Array) -> Carry:
    """Return the cell's initial carry for inputs `(B, T, F)`, in the dtype that a step returns."""
    dtype = jnp.result_type(inputs, *jax.tree.leaves(params))
    carry = cell.initialize_carry(jax.random.key(0), (inputs.shape[0], inputs.shape[-1]))
    return jax.tree.map(lambda leaf: leaf.astype(dtype), carry)
