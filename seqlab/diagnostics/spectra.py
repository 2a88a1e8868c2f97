"""How far does a recurrent matrix stretch? Its spectral radius and its spectral norm."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from seqlab.recurrence.norms import global_norm
from seqlab.types import Metrics, Params

SQUARINGS = 16


def spectra(params: Params, place: str = "") -> Metrics:
    """Return the spectral radius and norm of a cell's recurrent matrix, the largest of its gates' `(H, H)`.

    Args:
        params: of one cell, ours or Flax's.
        place: what stands before the name in the keys, such as `layer_0/`.

    Returns:
        `recurrent/<place>spectral_radius` and `…spectral_norm`; nothing where there is no such matrix, as in
        a cell that is linear in its state.
    """
    blocks = recurrent_blocks(params)
    if not blocks:
        return {}
    stacked = jnp.stack(blocks)
    return {
        f"recurrent/{place}spectral_radius": jnp.max(jax.vmap(spectral_radius)(stacked)),
        f"recurrent/{place}spectral_norm": jnp.max(jnp.linalg.svd(stacked, compute_uv=False)),
    }


def spectral_radius(matrix: jax.Array) -> jax.Array:
    """Return the largest modulus of the eigenvalues of an `(H, H)` matrix.

        ρ(R) = lim (‖R²ᵐ‖ / ‖Rᵐ‖)^(1/m)

    at m = 2¹⁵, reached by squaring; every power is divided by its norm, and the logs of the norms are added
    up. The ratio ends closer than ‖Rᵐ‖^(1/m): at once where R is a multiple of an orthogonal matrix. It runs
    on every device, where an unsymmetric eigenvalue solver does not.

    Source: Gelfand 1941, "Normierte Ringe".
    """

    def square(power: jax.Array, share: jax.Array) -> tuple[jax.Array, jax.Array]:
        norm = global_norm(power)
        power = power / norm.scale / jnp.where(norm.relative > 0, norm.relative, 1)
        return power @ power, share * (jnp.log(norm.relative) + jnp.log(norm.scale))

    shares = 0.5 ** jnp.arange(SQUARINGS + 1, dtype=matrix.dtype)
    shares = shares.at[-1].multiply(2)
    return jnp.exp(jnp.sum(jax.lax.scan(square, matrix, shares)[1]))


def recurrent_blocks(params: Params) -> list[jax.Array]:
    """Return the `(H, H)` matrices through which a cell's gates read h_{t−1}.

    Ours hold them side by side in `recurrent_kernel`, Flax's as `h<gate>/kernel`.
    """
    if "recurrent_kernel" in params:
        kernel = params["recurrent_kernel"]
        return jnp.split(kernel, kernel.shape[1] // kernel.shape[0], axis=1)
    return [part["kernel"] for name, part in params.items() if name.startswith("h") and "kernel" in part]
