"""The RG-LRU in plain JAX: a scan over time, and an associative scan."""

import jax
import jax.numpy as jnp


def forward(params, x, associative):
    """Return y `(B, T, H)` for x `(B, T, F)`."""
    r, i, v = jnp.split(x @ params["input_kernel"] + params["bias"], 3, axis=-1)
    log_a = 8.0 * jax.nn.sigmoid(r) * jax.nn.log_sigmoid(params["decay"])
    a = jnp.exp(log_a)
    b = jnp.sqrt(1 - jnp.exp(2 * log_a)) * jax.nn.sigmoid(i) * v
    a, b = jnp.swapaxes(a, 0, 1), jnp.swapaxes(b, 0, 1)
    if associative:
        compose = lambda i, j: (j[0] * i[0], j[0] * i[1] + j[1])  # noqa: E731
        h = jax.lax.associative_scan(compose, (a, b))[1]
    else:
        step = lambda h, now: (now[0] * h + now[1],) * 2  # noqa: E731
        h = jax.lax.scan(step, jnp.zeros_like(b[0]), (a, b))[1]
    return jnp.swapaxes(h, 0, 1)


FORMS = {
    "scan": lambda params, x: forward(params, x, associative=False),
    "associative": lambda params, x: forward(params, x, associative=True),
}
