"""Spectral radius and spectral norm of a cell's recurrent matrices."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.recurrence.norms import global_norm
from seqlab.types import Metrics, Params

SQUARINGS = 16


def spectra(params: Params, place: str = "") -> Metrics:
    """Return the largest spectral radius and norm of a cell's recurrent matrices, one `(H, H)` for each gate.

    Args:
        params: the parameters of one cell, ours or Flax's.
        place: the prefix of a name in the keys, such as `layer_0/`.

    Returns:
        `recurrent/<place>spectral_radius` and `…spectral_norm`; empty for a cell without such a matrix, such
        as one that is linear in its state.
    """
    blocks = recurrent_blocks(params)
    if not blocks:
        return {}
    stacked = jnp.stack(blocks)
    return {
        f"recurrent/{place}spectral_radius": jnp.max(jax.vmap(spectral_radius)(stacked)),
        f"recurrent/{place}spectral_norm": jnp.max(jax.vmap(spectral_norm)(stacked)),
    }


def spectral_radius(matrix: jax.Array) -> jax.Array:
    """Return the largest modulus of the eigenvalues of an `(H, H)` matrix.

        ρ(R) = lim (‖R²ᵐ‖ / ‖Rᵐ‖)^(1/m)

    at m = 2¹⁵, reached by squaring. Every power is divided by its norm, and the logs of the norms are added
    up. The ratio converges faster than ‖Rᵐ‖^(1/m), and at once for a multiple of an orthogonal matrix. It
    runs on every device; an unsymmetric eigenvalue solver does not. LAPACK's solvers for batches of matrices
    can also wait for each other for ever, in jaxlib 0.10 on a CPU of two cores.

    Source: Gelfand 1941, "Normierte Ringe".
    """

    def square(power: jax.Array, share: jax.Array) -> tuple[jax.Array, jax.Array]:
        norm = global_norm(power)
        power = power / norm.scale / jnp.where(norm.relative > 0, norm.relative, 1)
        return power @ power, share * (jnp.log(norm.relative) + jnp.log(norm.scale))

    shares = 0.5 ** jnp.arange(SQUARINGS + 1, dtype=matrix.dtype)
    shares = shares.at[-1].multiply(2)
    return jnp.exp(jnp.sum(jax.lax.scan(square, matrix, shares)[1]))


def spectral_norm(matrix: jax.Array) -> jax.Array:
    """Return the largest singular value of a matrix, the root of the spectral radius of RᵀR."""
    norm = global_norm(matrix)
    scaled = matrix / norm.scale / jnp.where(norm.relative > 0, norm.relative, 1)
    return jnp.sqrt(spectral_radius(scaled.T @ scaled)) * norm.value


def recurrent_blocks(params: Params) -> list[jax.Array]:
    """Return the `(H, H)` matrices by which a cell's gates read h_{t−1}; of one with heads, those of each.

    Our cells hold them side by side in `recurrent_kernel`, Flax's cells as `h<gate>/kernel`.
    """
    if "recurrent_kernel" in params:
        kernel = params["recurrent_kernel"]
        width = kernel.shape[-2]
        gates = jnp.split(kernel, kernel.shape[-1] // width, axis=-1)
        return [block for gate in gates for block in gate.reshape(-1, width, width)]
    return [part["kernel"] for name, part in params.items() if name.startswith("h") and "kernel" in part]
