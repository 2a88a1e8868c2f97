"""Reference gradients of a small cell's loss, by BPTT, truncated BPTT and RTRL.

    L = loss(y_1 … y_T),  (s_t, y_t) = cell(s_{t−1}, x_t; θ)

They are written for clarity, as a reference for other code and for approximations: nothing here shares a line
with `seqlab.recurrence`, and time and memory grow as the equations say. Throughout, `cell` is a
`flax.linen.RNNCellBase`, `params` are its parameters θ, `inputs` are `(B, T, F)`, `loss` maps the outputs
`(B, T, H)` to a scalar, and s_0 is the cell's initial carry. Each function returns ∂L/∂θ, in the form of
`params`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp

from seqlab.diagnostics.statistics import by_path
from seqlab.recurrence.norms import global_norm
from seqlab.recurrence.protocols import RecurrentCell
from seqlab.types import Carry, Params, Tree

Loss = Callable[[jax.Array], jax.Array]
Influence = tuple[Carry, Carry, jax.Array]
"""The state of RTRL: the carry s_t, its influence M_t, and the gradient so far."""


def bptt(cell: RecurrentCell, params: Params, inputs: jax.Array, loss: Loss) -> Params:
    """Return ∂L/∂θ by backpropagation through time: the derivative of the whole scan.

    Source: Werbos 1990, "Backpropagation through time: what it does and how to do it".
    """
    return jax.grad(lambda params: loss(_outputs(cell, params, inputs)[1]))(params)


def truncated_bptt(
    cell: RecurrentCell, params: Params, inputs: jax.Array, loss: Loss, num_steps: int
) -> Params:
    """Return the part of ∂L/∂θ that passes through at most k = `num_steps` steps before each output.

        Σ_t ∂L/∂y_t · ∂y_t/∂θ  with s_{t−k} held constant

    k = 1 sees the present step alone, and k ≥ T is `bptt`. Time and memory grow as T·k.

    Raises:
        ValueError: k is below 1.

    Source: Williams & Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent
    network trajectories", BPTT(h) with h = k.
    """
    if num_steps < 1:
        raise ValueError(f"num_steps must be a positive integer, got {num_steps!r}")
    befores, _ = _outputs(cell, params, inputs)

    def output(params: Params, t: jax.Array) -> jax.Array:
        """Return y_t, recomputed from s_{t−k}, or from s_0 where that is nearer."""

        def step(carry: Carry, i: jax.Array) -> tuple[Carry, jax.Array]:
            after, y = cell.apply({"params": params}, carry, inputs[:, jnp.maximum(i, 0)])
            return jax.tree.map(lambda new, old: jnp.where(i < 0, old, new), after, carry), y

        first = t - num_steps + 1
        start = jax.tree.map(lambda leaf: leaf[jnp.maximum(first, 0)], befores)
        return jax.lax.scan(step, start, first + jnp.arange(num_steps))[1][-1]

    def truncated(params: Params) -> jax.Array:
        outputs = jax.vmap(output, (None, 0), 1)(params, jnp.arange(inputs.shape[1]))
        return loss(outputs)

    return jax.grad(truncated)(params)


def rtrl(cell: RecurrentCell, params: Params, inputs: jax.Array, loss: Loss) -> Params:
    """Return ∂L/∂θ by real-time recurrent learning, forward in time.

        M_t = ds_t/dθ = ∂s_t/∂θ + ∂s_t/∂s_{t−1} M_{t−1},  M_0 = 0
        ∂L/∂θ = Σ_t ∂L/∂y_t · (∂y_t/∂θ + ∂y_t/∂s_{t−1} M_{t−1})

    The influence M_t holds B · H · |θ| numbers for each leaf of the carry, and a step costs |θ| tangents, so
    it is for small cells only.

    Source: Williams & Zipser 1989, "A learning algorithm for continually running fully recurrent neural
    networks", eqs. 8–10. Deviation: the parameters do not change during the sequence.
    """
    theta, unravel = jax.flatten_util.ravel_pytree(params)
    directions = jnp.eye(theta.size, dtype=theta.dtype)
    carry = _first_carry(cell, params, inputs)
    influence = jax.tree.map(lambda leaf: jnp.zeros((theta.size, *leaf.shape), leaf.dtype), carry)

    def step(state: Influence, now: tuple[jax.Array, jax.Array]) -> tuple[Influence, None]:
        carry, influence, gradient = state
        x, dy = now

        def along(direction: jax.Array, influence: Carry) -> tuple[Tree, Tree]:
            take = lambda theta, carry: cell.apply({"params": unravel(theta)}, carry, x)  # noqa: E731
            return jax.jvp(take, (theta, carry), (direction, influence))

        (after, _), (influence, dy_dtheta) = jax.vmap(along, out_axes=(None, 0))(directions, influence)
        return (after, influence, gradient + jnp.tensordot(dy_dtheta, dy)), None

    douts = jax.grad(loss)(_outputs(cell, params, inputs)[1])
    per_step = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), (inputs, douts))
    (_, _, gradient), _ = jax.lax.scan(step, (carry, influence, jnp.zeros_like(theta)), per_step)
    return unravel(gradient)


class Agreement(NamedTuple):
    """Agreement of two gradients of one parameter.

    Attributes:
        cosine: the cosine of the angle between them; NaN where either is zero.
        relative_norm: ‖a‖ / ‖b‖.
    """

    cosine: jax.Array
    relative_norm: jax.Array


def compare(a: Params, b: Params) -> dict[str, Agreement]:
    """Return the agreement of the gradients a and b for each parameter, by slash-joined path.

    It is exact over the whole range of floats, because norms and products are of scaled numbers.
    """
    others = by_path(b)
    return {path: _agreement(leaf, others[path]) for path, leaf in by_path(a).items()}


def _agreement(a: jax.Array, b: jax.Array) -> Agreement:
    """Return the agreement of two arrays."""
    (scale_a, norm_a), (scale_b, norm_b) = global_norm(a), global_norm(b)
    cosine = jnp.sum((a / scale_a / norm_a) * (b / scale_b / norm_b))
    return Agreement(cosine, norm_a / norm_b * (scale_a / scale_b))


def _outputs(cell: RecurrentCell, params: Params, inputs: jax.Array) -> tuple[Carry, jax.Array]:
    """Return s_0 … s_{T−1}, `(T, B, H)` a leaf, and the outputs `(B, T, H)`."""

    def step(carry: Carry, x: jax.Array) -> tuple[Carry, tuple[Carry, jax.Array]]:
        after, y = cell.apply({"params": params}, carry, x)
        return after, (carry, y)

    first = _first_carry(cell, params, inputs)
    _, (befores, outputs) = jax.lax.scan(step, first, jnp.swapaxes(inputs, 0, 1))
    return befores, jnp.swapaxes(outputs, 0, 1)


def _first_carry(cell: RecurrentCell, params: Params, inputs: jax.Array) -> Carry:
    dtype = jnp.result_type(inputs, *jax.tree.leaves(params))
    carry = cell.initialize_carry(jax.random.key(0), (inputs.shape[0], inputs.shape[-1]))
    return jax.tree.map(lambda leaf: leaf.astype(dtype), carry)
