"""Parts of the diagonal state-space models: initial eigenvalues, step sizes and discretisation.

ds/dt = λ ⊙ s + B u   becomes   s_t = λ̄ ⊙ s_{t−1} + ḡ ⊙ (B u_t)
"""

from __future__ import annotations

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from seqlab.checks import require_choice, require_number, require_positive
from seqlab.types import Params

DISCRETIZATIONS = ("zoh", "bilinear")


def discretized(eigenvalues: jax.Array, step: jax.Array, method: str) -> tuple[jax.Array, jax.Array]:
    """Return λ̄ and ḡ of eigenvalues λ at steps Δ, which broadcast.

        zero-order hold: λ̄ = exp(λ Δ),  ḡ = (λ̄ − 1) / λ
        bilinear:        λ̄ = (1 + λ Δ/2) / (1 − λ Δ/2),  ḡ = Δ / (1 − λ Δ/2)

    Args:
        eigenvalues: λ, complex or real, none 0.
        step: Δ, positive.
        method: one of `DISCRETIZATIONS`.

    Source: Gu et al. 2022, "On the parameterization and initialization of diagonal state space models",
    section 3.1.
    """
    if method == "zoh":
        factor = jnp.exp(eigenvalues * step)
        return factor, (factor - 1) / eigenvalues
    below = 1 - eigenvalues * step / 2
    return (1 + eigenvalues * step / 2) / below, step / below


def eigenvalues(weights: Params) -> jax.Array:
    """Return λ = −exp(`log_decay`) + i `frequency`, without the imaginary part where it is no parameter."""
    real = -jnp.exp(weights["log_decay"])
    return jax.lax.complex(real, weights["frequency"]) if "frequency" in weights else real


def log_uniform(low: float, high: float) -> nn.initializers.Initializer:
    """Return an initialiser of log Δ, with Δ between both uniform in its logarithm."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, math.log(low), math.log(high))

    return init


def require_diagonal(cell: nn.Module, eigenvalues: tuple[str, ...]) -> None:
    """Raise ValueError where a field of a diagonal state-space model is outside its legal values.

    Args:
        cell: a cell with the fields of `S4D`.
        eigenvalues: the legal names of its initial λ.
    """
    require_positive(cell, "num_states")
    if (count := getattr(cell, "num_states")) % 2:  # noqa: B009
        raise ValueError(f"num_states must be even, got {count}")
    require_choice(cell, "eigenvalues", eigenvalues)
    require_choice(cell, "discretization", DISCRETIZATIONS)
    require_steps(cell)


def require_steps(cell: nn.Module) -> None:
    """Raise ValueError unless 0 < `min_step` < `max_step`."""
    require_number(cell, "max_step", 1e-6)
    require_number(cell, "min_step", 1e-6)
    low, high = getattr(cell, "min_step"), getattr(cell, "max_step")  # noqa: B009
    if not low < high:
        raise ValueError(f"min_step must be below max_step={high}, got {low}")


def legs(num_pairs: int) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return the eigenvalues of the normal part of HiPPO-LegS, and its eigenvectors.

    Of each pair of conjugates the one with a positive imaginary part is returned: complex `(num_pairs,)`, and
    `(2·num_pairs, num_pairs)`.

    Source: Gu et al. 2022, section 4.1 (HiPPO-LegS-D); Smith et al. 2023, "Simplified state space layers for
    sequence modeling", appendix B.1.1.
    """
    n = np.arange(2 * num_pairs)
    roots = np.sqrt(2 * n + 1)
    skew = -0.5 * (np.tril(np.outer(roots, roots), -1) - np.triu(np.outer(roots, roots), 1))
    imaginary, vectors = np.linalg.eigh(-1j * skew)  # the symmetric part is −1/2 times the identity
    positive = imaginary > 0
    return -0.5 + 1j * imaginary[positive], vectors[:, positive]
