"""Base class of the cells whose memory is a matrix of keys and values."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from seqlab.cells.chunks import from_chunks, into_chunks, segments_of
from seqlab.checks import require_choice, require_positive
from seqlab.types import Carry, Params

SCANS = ("auto", "sequential", "chunked")
SMALL_MEMORY = 256  # at most 16 keys by 16 values: on a CPU, its steps are faster than products of chunks


class MatrixCell(nn.RNNCellBase):
    """A recurrent cell that writes values under keys into matrices and reads them by queries.

        S_t = write(S_{t−1}, k_t, v_t),  o_t = S_tᵀ q_t,  y_t = out(x_t, o_t)

    where q_t, k_t, v_t and all gates depend on x_t only. So a chunk of L steps is a few matrix products.
    Each of the N heads has a memory S of `(K, V)`, with V = H / N.

    Attributes:
        features: H, the width of the output.
        num_heads: N; it divides H.
        key_features: K, the width of a head's keys; None for V.
        scan: "chunked", all steps of a chunk at once, or "sequential", one step after another. Both compute
            the same function, with sums in a different order. "auto" is "sequential" on a CPU where a head
            has at most 16 keys by 16 values, and "chunked" elsewhere: the faster one.
        param_dtype: dtype of the parameters; by default float32, and float64 under `jax_enable_x64`.
            Computations promote it with the dtype of the input.

    Raises:
        ValueError: an attribute is outside its legal values.
    """

    features: int
    num_heads: int = 1
    key_features: int | None = None
    scan: str = "auto"
    param_dtype: DTypeLike = float

    idle: ClassVar[NamedTuple]
    """The steps, as of `project`, that leave every carry as it is: one number for each array."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "features", "num_heads")
        if self.features % self.num_heads:
            raise ValueError(f"num_heads must divide features={self.features}, got {self.num_heads}")
        if self.key_features is not None:
            require_positive(self, "key_features")
        require_choice(self, "scan", SCANS)

    @property
    def num_feature_axes(self) -> int:
        """Number of feature axes of an input."""
        return 1

    @property
    def key_width(self) -> int:
        """K."""
        return self.value_width if self.key_features is None else self.key_features

    @property
    def value_width(self) -> int:
        """V = H / N."""
        return self.features // self.num_heads

    @property
    def is_parallel(self) -> bool:
        """Whether sequences are computed in chunks; see `scan`."""
        if self.scan == "auto":
            return jax.default_backend() != "cpu" or self.key_width * self.value_width > SMALL_MEMORY
        return self.scan == "chunked"

    @property
    def longest_chunk(self) -> int:
        """The number of steps of a chunk in a long sequence."""
        return 32

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> Carry:
        """Return zeros, `(*input_shape[:-1], N, K, V)`; `rng` is part of Flax's interface and not used."""
        shape = (*input_shape[:-1], self.num_heads, self.key_width, self.value_width)
        return jnp.zeros(shape, self.param_dtype)

    @nn.compact
    def __call__(self, carry: Carry, x: jax.Array) -> tuple[Carry, jax.Array]:
        """Take one step: `carry, (B, F) -> carry, (B, H)`."""
        weights = self.declare(x)
        now = self.project(weights, x)
        carry = self.write(carry, now)
        return carry, self.out(weights, now, self.read(carry, now))

    @nn.nowrap
    def read_carry(self, params: Params, x: jax.Array, before: Carry, after: Carry) -> jax.Array:
        """Return the output of a step that left the carry `after`."""
        now = self.project(params, x)
        return self.out(params, now, self.read(after, now))

    @nn.nowrap
    def parallel(
        self,
        params: Params,
        x: jax.Array,
        real: jax.Array | None,
        reset: jax.Array | None,
        carry: Carry,
    ) -> tuple[Carry, jax.Array]:
        """Run all steps, chunk after chunk.

        Args:
            params: the cell's parameters.
            x: `(T, B, F)`.
            real: bool `(T, B)`, False where the carry stays as it is; None for True everywhere.
            reset: bool `(T, B)`, True where the carry is set to zeros before the step; None for nowhere.
            carry: the carry before the first step.

        Returns:
            The final carry, and the outputs `(T, B, H)`.
        """
        length = min(self.longest_chunk, 1 << (len(x) - 1).bit_length())
        x_NBLF, real, reset = into_chunks(x, real, reset, length)
        now = self.project(params, x_NBLF)
        read = now if real is None else jax.tree.map(lambda a, rest: _rows(real, a, rest), now, self.idle)
        read = jax.tree.map(lambda a: jnp.swapaxes(a, 2, 3), read)  # (C, B, N, L, …)

        def advance(carry: Carry, chunk: Any) -> tuple[Carry, jax.Array]:
            return self.advance(carry, *chunk)

        carry, o = jax.lax.scan(advance, carry, (read, segments_of(reset)))
        y = self.out(params, now, jnp.swapaxes(o, 2, 3))
        return carry, from_chunks(y, len(x))

    @abc.abstractmethod
    def declare(self, x: jax.Array) -> Params:
        """Declare the parameters for an input `x` of `(…, F)` and return them by name."""

    @abc.abstractmethod
    def project(self, weights: Params, x: jax.Array) -> Any:
        """Return queries, keys, values and gates, `(…, N, ·)` each, for inputs `(…, F)`: a named tuple."""

    @abc.abstractmethod
    def write(self, carry: Carry, now: Any) -> Carry:
        """Return the carry after a step, given what `project` returns, and sow the gates."""

    @nn.nowrap
    def read(self, carry: Carry, now: Any) -> jax.Array:
        """Return o = Sᵀ q `(…, N, V)`, which the queries read in the carry after their step."""
        return jnp.einsum("...k,...kv->...v", now.q, carry)

    @abc.abstractmethod
    def advance(self, carry: Carry, now: Any, segments: jax.Array | None) -> tuple[Carry, jax.Array]:
        """Take the L steps of a chunk at once.

        Args:
            carry: the carry before the chunk.
            now: what `project` returns, with the chunk's steps after the heads, `(B, N, L, ·)` each.
            segments: int32 `(B, 1, L)`, the number of resets up to each step, itself included; None where
                there are no resets.

        Returns:
            The carry after the chunk, and o `(B, N, L, V)`.
        """

    @abc.abstractmethod
    def out(self, weights: Params, now: Any, o: jax.Array) -> jax.Array:
        """Return the outputs `(…, H)` from o `(…, N, V)`."""

    def input_kernel(self, x: jax.Array, width: int) -> jax.Array:
        """Declare the kernel of all projections of an input side by side, `(F, width)`."""
        init = nn.initializers.lecun_normal()
        return self.param("input_kernel", init, (x.shape[-1], width), self.param_dtype)

    def readout(self) -> Params:
        """Declare the gain of the norm over a head, `(V,)`, and the kernel that mixes the heads, `(H, H)`."""
        init, H = nn.initializers.lecun_normal(), self.features
        return {
            "norm_gain": self.param("norm_gain", nn.initializers.ones, (self.value_width,), self.param_dtype),
            "output_kernel": self.param("output_kernel", init, (H, H), self.param_dtype),
        }

    @nn.nowrap
    def heads(self, array: jax.Array) -> jax.Array:
        """Split the last axis by heads: `(…, N·D) -> (…, N, D)`."""
        return array.reshape(*array.shape[:-1], self.num_heads, -1)


def merge_heads(array: jax.Array) -> jax.Array:
    """Join the last two axes: `(…, N, D) -> (…, N·D)`."""
    return array.reshape(*array.shape[:-2], -1)


def rms_norm(a: jax.Array) -> jax.Array:
    """Return a / sqrt(mean a² + ε), with the mean over the last axis and ε = 1e-5.

    Source: Zhang & Sennrich 2019, "Root mean square layer normalization", eq. 4.
    """
    return a * jax.lax.rsqrt(jnp.mean(a * a, axis=-1, keepdims=True) + 1e-5)


def _rows(real: jax.Array, array: jax.Array, rest: float) -> jax.Array:
    flags = real.reshape(real.shape + (1,) * (array.ndim - real.ndim))
    return jnp.where(flags, array, jnp.asarray(rest, array.dtype))
