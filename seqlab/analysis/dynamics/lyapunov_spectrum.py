"""The whole Lyapunov spectrum of a recurrence, along a few trajectories."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from seqlab.diagnostics.lyapunov import Step


def lyapunov_spectrum(
    step: Step, states_TBN: np.ndarray, inputs_TBF: np.ndarray, real_TB: np.ndarray
) -> np.ndarray:
    """Return all N finite-time Lyapunov exponents, in nats a step, the largest first.

    They are those of `seqlab.diagnostics.lyapunov.lyapunov_exponents`, which computes the largest within a
    compiled program. All of them need the whole Jacobian, and here the decompositions QU are NumPy's.

    Args:
        step: one step of the recurrence, `(B, N), (B, F) -> (B, N)`.
        states_TBN: s_{t−1}, the state that step t reads, float64.
        inputs_TBF: x_t, float64.
        real_TB: bool, False at steps that do not count.

    Source: Engelken et al. 2023, "Lyapunov spectra of chaotic recurrent neural networks".
    """
    _, B, N = states_TBN.shape

    @jax.jit
    @jax.vmap
    def jacobian(state: jax.Array, x: jax.Array) -> jax.Array:
        return jax.jacrev(lambda one: step(one[None], x[None])[0])(state)

    draw = np.random.default_rng(0).standard_normal((N, N))
    frames = np.broadcast_to(np.linalg.qr(draw)[0], (B, N, N))
    logs = np.zeros(N)
    for states, inputs, real in zip(states_TBN, inputs_TBF, real_TB, strict=True):
        with jax.enable_x64(True):
            J = np.asarray(jacobian(jnp.asarray(states), jnp.asarray(inputs)))
        turned, upper = np.linalg.qr(J @ frames)
        with np.errstate(divide="ignore"):
            stretched = np.log(np.abs(np.diagonal(upper, axis1=1, axis2=2)))
        logs += stretched[real].sum(axis=0)
        frames = np.where(real[:, None, None], turned, frames)
    return np.sort(logs / real_TB.sum())[::-1]
