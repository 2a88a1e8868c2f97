"""The xLSTM with a scalar memory (sLSTM)."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.cells import initializers
from seqlab.cells.cell import Cell
from seqlab.cells.gates import sow
from seqlab.checks import require_number, require_positive
from seqlab.types import Carry


class SLSTM(Cell):
    """The LSTM with exponential input gates and a normaliser, of the xLSTM.

        [i f z o] = x_t W + h_{t−1} R + b
        m_t = max(log σ(f) + m_{t−1}, i),  where n_{t−1} = 0: m_t = i
        i′ = exp(i − m_t),  f′ = exp(log σ(f) + m_{t−1} − m_t)
        c_t = f′ ⊙ c_{t−1} + i′ ⊙ tanh(z),  n_t = f′ ⊙ n_{t−1} + i′
        h_t = σ(o) ⊙ c_t / n_t

    R is block-diagonal: each of N heads reads its own features of h. The carry is `(c, n, m, h)`, each
    `(B, H)`; the output is h. Parameters: `input_kernel` W `(F, 4·H)`, `recurrent_kernel`, the blocks of R,
    `(N, H / N, 4·H / N)`, `bias` b `(4·H,)`.

    c and n stand for c exp(m) and n exp(m). As m is the largest exponent of the sum n, n is at least 1.

    Attributes:
        num_heads: N; it divides H.
        forget_bias_init: initial bias of the forget gate; it is only the initial value of a parameter.

    Source: Beck et al. 2024, "xLSTM: extended long short-term memory", eqs. 8–17 and appendix A.2. The forget
    gate is a sigmoid, and the first m is i, as in the authors' code.
    """

    num_heads: int = 1
    forget_bias_init: float = dataclasses.field(default=3.0, metadata={"traced": "initial"})

    gates: ClassVar[tuple[str, ...]] = ("i", "f", "z", "o")
    sigmoid_gates: ClassVar[tuple[str, ...]] = ("f", "o")
    num_states: ClassVar[int] = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "num_heads")
        if self.features % self.num_heads:
            raise ValueError(f"num_heads must divide features={self.features}, got {self.num_heads}")
        require_number(self, "forget_bias_init")

    def bias_start(self, key: jax.Array) -> jax.Array:
        zeros = jnp.zeros((4, self.features), self.param_dtype)
        return zeros.at[1].set(self.forget_bias_init).reshape(-1)

    def kernels(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        H, N = self.features, self.num_heads
        init = nn.initializers.lecun_normal()
        return (
            self.param("input_kernel", init, (x.shape[-1], 4 * H), self.param_dtype),
            self.param("recurrent_kernel", self._blocks, (N, H // N, 4 * H // N), self.param_dtype),
            self.param("bias", self.bias_start),
        )

    @nn.compact
    def __call__(self, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step: `carry, (B, F) -> carry, (B, H)`."""
        c, n, m_before, h = carry
        W, R, b = self.kernels(x)
        a = x @ W + b + self._recur(h, R)
        i, f, z, o = jnp.split(a, 4, axis=-1)
        log_forget, o = jax.nn.log_sigmoid(f), jax.nn.sigmoid(o)
        kept = jnp.where(n == 0, -jnp.inf, log_forget + m_before)
        m = jnp.maximum(kept, i)
        share = jnp.exp(kept - m)
        written = jnp.exp(i - m)
        sow(self, input=written, forget=jnp.exp(log_forget), output=o)
        c = share * c + written * jnp.tanh(z)
        n = share * n + written
        h = o * c / jnp.maximum(n, 1)
        return (c, n, m, h), h

    @nn.nowrap
    def zoneout_mask(self, drawn: Carry) -> Carry:
        """Return one mask for c, n and m, as c and n have no meaning beside another m; h has its own.

        All are bool `(B, T, H)`.
        """
        c, _, _, h = drawn
        return c, c, c, h

    @nn.nowrap
    def _recur(self, h: jax.Array, R: jax.Array) -> jax.Array:
        """Return the heads' share of the gates: `(…, H) -> (…, 4·H)`, gate after gate."""
        heads = h.reshape(*h.shape[:-1], self.num_heads, -1)
        found = jnp.einsum("...nd,ndg->...ng", heads, R)
        gates = found.reshape(*found.shape[:-1], 4, -1)
        return jnp.swapaxes(gates, -2, -3).reshape(*h.shape[:-1], -1)

    @nn.nowrap
    def _blocks(self, key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        """Return one recurrent kernel for each head."""
        init = initializers.recurrent(self.recurrent_init, self.recurrent_scale, 4)
        return jnp.stack([init(head, shape[1:], dtype) for head in jax.random.split(key, shape[0])])
