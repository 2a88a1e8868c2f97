"""Gaussian predictions: their density, their score and how often they cover what comes."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.scipy.stats import norm

LEAST_DEVIATION = 1e-4
"""The smallest standard deviation, which keeps densities finite."""
NINETY_PERCENT = 1.6448536269514722
"""Half the width of the central interval of probability .9 of a Gaussian, in standard deviations."""


def means_and_deviations(predictions: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Split predictions `(…, 2K)` of `Gaussians` into means and standard deviations `(…, K)`.

        σ = ln(1 + e^s) + 10⁻⁴

    Source: D. Salinas, V. Flunkert, J. Gasthaus & T. Januschowski, "DeepAR: Probabilistic forecasting with
        autoregressive recurrent networks", International Journal of Forecasting 36(3), 2020, section 3.1.
    """
    means, s = jnp.split(predictions, 2, axis=-1)
    return means, jax.nn.softplus(s) + LEAST_DEVIATION


def negative_log_density(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    """Return −ln N(y; μ, σ²) of `(…, 2K)` and `(…, K)`, averaged over features: `(…)`."""
    means, deviations = means_and_deviations(predictions)
    return -jnp.mean(norm.logpdf(targets, means, deviations), axis=-1)


def ranked_probability_score(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    """Return the continuous ranked probability score, averaged over features: `(…)`.

        CRPS = σ (z (2 Φ(z) − 1) + 2 φ(z) − 1/√π),   z = (y − μ) / σ

    It is in the unit of the targets, and |y − μ| where σ → 0.

    Args:
        predictions: `(…, 2K)`.
        targets: `(…, K)`.

    Source: T. Gneiting & A. Raftery, "Strictly proper scoring rules, prediction, and estimation", Journal of
        the American Statistical Association 102(477), 2007, section 4.2.
    """
    means, deviations = means_and_deviations(predictions)
    z = (targets - means) / deviations
    score = z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / math.sqrt(math.pi)
    return jnp.mean(deviations * score, axis=-1)


def covered(predictions: jax.Array, targets: jax.Array) -> jax.Array:
    """Return the share of features that lie in the central interval of probability .9: `(…)`."""
    means, deviations = means_and_deviations(predictions)
    inside = jnp.abs(targets - means) <= NINETY_PERCENT * deviations
    return jnp.mean(inside.astype(predictions.dtype), axis=-1)
