"""The selective SSM in plain JAX: a scan over time, and an associative scan."""

import jax
import jax.numpy as jnp

N = 16


def forward(params, x, associative):
    """Return y `(B, T, H)` for x `(B, T, F)`."""
    T, (K, E) = x.shape[1], params["conv_kernel"].shape
    u, z = jnp.split(x @ params["in_kernel"], 2, axis=-1)
    v = jax.lax.conv_general_dilated(
        u, params["conv_kernel"][:, None], (1,), [(K - 1, 0)],
        dimension_numbers=("NWC", "WIO", "NWC"), feature_group_count=E,
    )  # fmt: skip
    v = jax.nn.silu(v + params["conv_bias"])
    Q = len(params["step_kernel"])
    d, B, C = jnp.split(v @ params["x_kernel"], (Q, Q + N), axis=-1)
    delta = jax.nn.softplus(d @ params["step_kernel"] + params["step_bias"])
    delta, read, B, C = (jnp.swapaxes(one, 0, 1) for one in (delta, delta * v, B, C))
    A = -jnp.exp(params["A_log"])
    if associative:
        a = jnp.exp(delta[..., None] * A)
        compose = lambda i, j: (j[0] * i[0], j[0] * i[1] + j[1])  # noqa: E731
        s = jax.lax.associative_scan(compose, (a, read[..., None] * B[:, :, None]))[1]
        y = jnp.einsum("tben,tbn->tbe", s, C)
    else:

        def step(s, now):
            delta, read, B, C = now
            s = jnp.exp(delta[..., None] * A) * s + read[..., None] * B[:, None]
            return s, jnp.einsum("ben,bn->be", s, C)

        y = jax.lax.scan(step, jnp.zeros((x.shape[0], E, N)), (delta, read, B, C))[1]
    assert len(y) == T
    return ((jnp.swapaxes(y, 0, 1) + params["D"] * v) * jax.nn.silu(z)) @ params["out_kernel"]


FORMS = {
    "scan": lambda params, x: forward(params, x, associative=False),
    "associative": lambda params, x: forward(params, x, associative=True),
}
