"""S5 in plain JAX: a scan over time, and an associative scan as in the paper."""

import jax
import jax.numpy as jnp


def forward(params, x, associative):
    """Return y `(B, T, H)` for x `(B, T, F)`."""
    eigenvalues = -jnp.exp(params["log_decay"]) + 1j * params["frequency"]
    a = jnp.exp(eigenvalues * jnp.exp(params["log_step"]))
    b = jnp.swapaxes((a - 1) / eigenvalues * (x @ (params["B"][0] + 1j * params["B"][1])), 0, 1)
    if associative:
        compose = lambda i, j: (j[0] * i[0], j[0] * i[1] + j[1])  # noqa: E731
        s = jax.lax.associative_scan(compose, (jnp.broadcast_to(a, b.shape), b))[1]
    else:
        step = lambda s, b: (a * s + b,) * 2  # noqa: E731
        s = jax.lax.scan(step, jnp.zeros_like(b[0]), b)[1]
    s = jnp.swapaxes(s, 0, 1)
    return 2 * (s @ (params["C"][0] + 1j * params["C"][1])).real + x @ params["D"]


FORMS = {
    "scan": lambda params, x: forward(params, x, associative=False),
    "associative": lambda params, x: forward(params, x, associative=True),
}
