"""What is the gradient, truly? The same derivative of a small cell's loss in three independent ways.

    L = loss(y_1 … y_T),  (s_t, y_t) = cell(s_{t−1}, x_t; θ)

Written for clarity, to judge other code and approximations by: nothing here shares a line with
`seqlab.recurrence`, and time and memory grow as the equations say. Throughout, `cell` is a
`flax.linen.RNNCellBase`, `params` its parameters θ, `inputs` are `(B, T, F)`, `loss` maps the outputs
`(B, T, H)` to a scalar, and s_0 is the cell's initial carry; what returns is ∂L/∂θ, in the form of `params`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.flatten_util
import jax.numpy as jnp

from seqlab.diagnostics.statistics import by_path
from seqlab.recurrence.norms import global_norm
from seqlab.types import Carry, Params

Loss = Callable[[jax.Array], jax.Array]


def bptt(cell: Any, params: Params, inputs: jax.Array, loss: Loss) -> Params:
    """Return ∂L/∂θ by backpropagation through time: the derivative of the whole scan.

    Source: Werbos 1990, "Backpropagation through time: what it does and how to do it".
    """
    return jax.grad(lambda params: loss(_outputs(cell, params, inputs)[1]))(params)


def truncated_bptt(cell: Any, params: Params, inputs: jax.Array, loss: Loss, num_steps: int) -> Params:
    """Return ∂L/∂θ as far as each output's last k = `num_steps` steps tell.

        Σ_t ∂L/∂y_t · ∂y_t/∂θ  with s_{t−k} held constant

    so k = 1 knows the present step alone, and k ≥ T is `bptt`. Time and memory grow as T·k.

    Raises:
        ValueError: k is below 1.

    Source: Williams & Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent
    network trajectories", BPTT(h) with h = k.
    """
    if num_steps < 1:
        raise ValueError(f"num_steps must be a positive integer, got {num_steps!r}")
    befores, _ = _outputs(cell, params, inputs)

    def output(params: Params, t: jax.Array) -> jax.Array:
        """Return y_t, made anew from s_{t−k}, or from s_0 where that is nearer."""

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


def rtrl(cell: Any, params: Params, inputs: jax.Array, loss: Loss) -> Params:
    """Return ∂L/∂θ by real-time recurrent learning: forwards, with nothing of the past but its influence.

        M_t = ds_t/dθ = ∂s_t/∂θ + ∂s_t/∂s_{t−1} M_{t−1},  M_0 = 0
        ∂L/∂θ = Σ_t ∂L/∂y_t · (∂y_t/∂θ + ∂y_t/∂s_{t−1} M_{t−1})

    The influence M_t holds B · H · |θ| numbers a leaf of the carry, and a step costs |θ| tangents: for small
    cells only.

    Source: Williams & Zipser 1989, "A learning algorithm for continually running fully recurrent neural
    networks", eqs. 8–10. Deviation: the parameters do not change on the way.
    """
    theta, unravel = jax.flatten_util.ravel_pytree(params)
    directions = jnp.eye(theta.size, dtype=theta.dtype)
    carry = _first_carry(cell, params, inputs)
    influence = jax.tree.map(lambda leaf: jnp.zeros((theta.size, *leaf.shape), leaf.dtype), carry)

    def step(state: tuple, now: tuple) -> tuple[tuple, None]:
        carry, influence, gradient = state
        x, dy = now

        def along(direction: jax.Array, influence: Carry) -> tuple:
            take = lambda theta, carry: cell.apply({"params": unravel(theta)}, carry, x)  # noqa: E731
            return jax.jvp(take, (theta, carry), (direction, influence))

        (after, _), (influence, dy_dtheta) = jax.vmap(along, out_axes=(None, 0))(directions, influence)
        return (after, influence, gradient + jnp.tensordot(dy_dtheta, dy)), None

    douts = jax.grad(loss)(_outputs(cell, params, inputs)[1])
    per_step = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), (inputs, douts))
    (_, _, gradient), _ = jax.lax.scan(step, (carry, influence, jnp.zeros_like(theta)), per_step)
    return unravel(gradient)


class Agreement(NamedTuple):
    """How far two gradients of one parameter agree.

    Attributes:
        cosine: of the angle between them; NaN where either is zero.
        relative_norm: ‖a‖ / ‖b‖.
    """

    cosine: jax.Array
    relative_norm: jax.Array


def compare(a: Params, b: Params) -> dict[str, Agreement]:
    """Return how far the gradients a and b agree, parameter by parameter, by slash-joined path.

    Exact over the whole range of floats, as norms and products are taken of scaled numbers.
    """
    others = by_path(b)
    return {path: _agreement(leaf, others[path]) for path, leaf in by_path(a).items()}


def _agreement(a: jax.Array, b: jax.Array) -> Agreement:
    (scale_a, norm_a), (scale_b, norm_b) = global_norm(a), global_norm(b)
    cosine = jnp.sum((a / scale_a / norm_a) * (b / scale_b / norm_b))
    return Agreement(cosine, norm_a / norm_b * (scale_a / scale_b))


def _outputs(cell: Any, params: Params, inputs: jax.Array) -> tuple[Carry, jax.Array]:
    """Return s_0 … s_{T−1}, `(T, B, H)` a leaf, and the outputs `(B, T, H)`."""

    def step(carry: Carry, x: jax.Array) -> tuple[Carry, tuple[Carry, jax.Array]]:
        after, y = cell.apply({"params": params}, carry, x)
        return after, (carry, y)

    first = _first_carry(cell, params, inputs)
    _, (befores, outputs) = jax.lax.scan(step, first, jnp.swapaxes(inputs, 0, 1))
    return befores, jnp.swapaxes(outputs, 0, 1)


def _first_carry(cell: Any, params: Params, inputs: jax.Array) -> Carry:
    dtype = jnp.result_type(inputs, *jax.tree.leaves(params))
    carry = cell.initialize_carry(jax.random.key(0), (inputs.shape[0], inputs.shape[-1]))
    return jax.tree.map(lambda leaf: leaf.astype(dtype), carry)
