"""A stack of recurrent layers, with directions, blocks and dropout."""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp

from seqlab.checks import require_bool, require_choice, require_number, require_positive
from seqlab.recurrence.backward import FULL_BACKWARD, Backward
from seqlab.recurrence.block import Block
from seqlab.recurrence.carries import state_size
from seqlab.recurrence.connections import Connections
from seqlab.recurrence.cudnn import require_cudnn
from seqlab.recurrence.gradient_control import refuse_regulariser
from seqlab.recurrence.input_conv import InputConv
from seqlab.recurrence.native import require_native
from seqlab.recurrence.noise import (
    Noise,
    draw_noise,
    drop_weights,
    require_maskable,
    require_recurrent_kernel,
    require_zoneout,
)
from seqlab.recurrence.probes import probe
from seqlab.recurrence.protocols import Linearised, RecurrentCell
from seqlab.recurrence.truncated import truncated
from seqlab.recurrence.unroll import VJPS, initial_carry, unroll, zero_probes
from seqlab.types import Carry, Params

Carries = dict[str, dict[str, Carry]]
"""`{layer: {direction: carry}}`; under `INPUT_CONV` the window of the convolution before the layers."""

INPUT_CONV = "input_conv"
INPUTS = "inputs"
"""The entry of the probes that measures the cotangent of the inputs, where a layer's name would stand."""
PLAIN = Block()


@dataclasses.dataclass(frozen=True)
class Stack:
    """Layers of one cell, each reading the outputs of the layer below.

    Attributes:
        cell: a `flax.linen.RNNCellBase`, used for every layer and direction with separate parameters.
        num_layers: the number of layers.
        bidirectional: whether each layer also reads its input backwards; its outputs are then
            `[forward, backward]` `(B, T, 2·H)` (Schuster & Paliwal 1997).
        dropout: the rate on the inputs of every layer and on the outputs of the top one, drawn independently
            for every element and time step (Zaremba et al. 2014, arXiv:1409.2329, section 3.1).
        vjp: as in `unroll`.
        recurrent_dropout: the rate at which a layer's h is dropped before its recurrent kernel reads it, one
            mask a sequence for all time steps (Gal & Ghahramani 2016).
        zoneout: the rate at which an element of the carry keeps its old value (Krueger et al. 2017). What
            has one meaning together, such as the parts of a complex number, keeps its values together.
        weight_drop: the rate at which elements of the recurrent kernels are dropped (Merity et al. 2018).
            Unlike the two above, it works with the fused backward pass.
        block: what surrounds every layer.
        input_conv: the steps of a causal convolution before the layers (`InputConv`); None for none.

    Raises:
        ValueError: an attribute outside its legal values, or noise that the cell cannot have.
    """

    cell: RecurrentCell
    num_layers: int = 1
    bidirectional: bool = False
    dropout: float = 0.0
    vjp: str = "fused"
    recurrent_dropout: float = 0.0
    zoneout: float = 0.0
    weight_drop: float = 0.0
    block: Block = PLAIN
    input_conv: int | None = None

    def __post_init__(self) -> None:
        require_positive(self, "num_layers")
        require_bool(self, "bidirectional")
        for rate in ("dropout", "recurrent_dropout", "zoneout", "weight_drop"):
            require_number(self, rate, 0.0, 1.0)
        if self.recurrent_dropout:
            require_maskable(self.cell)
        if self.zoneout:
            require_zoneout(self.cell)
        if self.weight_drop:
            require_recurrent_kernel(self.cell)
        require_choice(self, "vjp", VJPS)
        _ = self.connections  # checks its fields

    def check_backward(self, backward: Backward) -> None:
        """Raise IncompatibleError where the stack has no backward pass with these options."""
        if backward.backend == "cudnn":
            require_cudnn(self.cell)
        if backward.backend == "native":
            require_native(self.cell)
        noise = self.recurrent_dropout or self.zoneout
        fused = self.vjp == "fused" and isinstance(self.cell, Linearised) and not noise
        if backward.control.omega is not None and not fused:
            refuse_regulariser(self.cell)

    @property
    def features(self) -> int:
        """The width of the outputs: H, or 2·H where bidirectional."""
        return self.cell.features * len(self.directions)

    @property
    def state_size(self) -> int:
        """The number of elements of the layers' carries of one sequence, over all directions."""
        return self.num_layers * len(self.directions) * state_size(self.cell, self.features)

    @property
    def directions(self) -> tuple[str, ...]:
        """The directions of each layer."""
        return ("forward", "backward") if self.bidirectional else ("forward",)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers' names, the lowest first."""
        return tuple(f"layer_{index}" for index in range(self.num_layers))

    @property
    def connections(self) -> Connections:
        """What lies between the inputs, the layers and the outputs."""
        conv = None if self.input_conv is None else InputConv(self.input_conv)
        return Connections(self.layers, self.features, self.block, conv, self.dropout)

    def init(self, key: jax.Array, num_inputs: int) -> Params:
        """Return the parameters for inputs of `num_inputs` features.

        They are `{layer: {direction: the cell's}}`, and those of `Connections`.
        """
        num_cells = self.num_layers * len(self.directions)
        keys = iter(jax.random.split(key, num_cells))
        params, num_inputs = self.connections.init(jax.random.fold_in(key, num_cells), num_inputs)
        for layer in self.layers:
            x = jnp.zeros((1, num_inputs))
            carry = self.cell.initialize_carry(jax.random.key(0), x.shape)
            cells = {
                direction: self.cell.init(next(keys), carry, x)["params"] for direction in self.directions
            }
            params = {**params, layer: {**cells, **params.get(layer, {})}}
            num_inputs = self.features
        return params

    def initial_carries(self, params: Params, inputs: jax.Array) -> Carries:
        """Return the carries before the first step, for inputs `(B, T, F)`."""
        carry = initial_carry(self.cell, params, inputs)
        carries = {layer: dict.fromkeys(self.directions, carry) for layer in self.layers}
        return self.with_first_window(params, carries)

    def with_first_window(self, params: Params, carries: Carries) -> Carries:
        """Return the carries of all layers with that of the convolution before its first step."""
        window = self.connections.first_window(params, len(jax.tree.leaves(carries)[0]))
        return carries if window is None else {**carries, INPUT_CONV: {"forward": window}}

    def zero_probes(self, params: Params, num_rows: int, num_steps: int) -> Carries:
        """Return the `probes` of `apply`, of all carries and the inputs, for B and T."""
        dtype = jnp.result_type(*jax.tree.leaves(params))
        carry = self.cell.initialize_carry(jax.random.key(0), (num_rows, 1))
        one = zero_probes(jax.tree.map(lambda leaf: leaf.astype(dtype), carry), num_steps)
        inputs = {INPUTS: {"forward": jnp.zeros((num_rows, num_steps), dtype)}}
        return {**inputs, **{layer: dict.fromkeys(self.directions, one) for layer in self.layers}}

    def apply(
        self,
        params: Params,
        inputs: jax.Array,
        lengths: jax.Array | None = None,
        carries: Carries | None = None,
        key: jax.Array | None = None,
        probes: Carries | None = None,
        resets: jax.Array | None = None,
        backward: Backward = FULL_BACKWARD,
    ) -> tuple[Carries, jax.Array]:
        """Run all layers over inputs `(B, T, F)`.

        Args:
            params: as `init` returns them.
            inputs: `(B, T, F)`.
            lengths: int32 `(B,)`, or None where every step is real.
            carries: the carries before the first step; the cell's initial ones by default.
            key: PRNG key of all masks; None, in evaluation, for no noise.
            probes: as `zero_probes` returns them; their gradients are the norms through time, ‖∂L/∂s_t‖ of
                every carry and ‖∂L/∂x_t‖ of the inputs.
            resets: bool `(B, T)`, the steps before which every layer's carry is reset; None for none.
            backward: the options of the backward pass. A window of T steps or more is full BPTT; each
                direction counts the windows back from the last step that it reads of each sequence.

        Returns:
            The final carries, and the top layer's outputs `(B, T, features)`.

        Raises:
            ValueError: `resets` for a bidirectional stack, whose directions would reset at different steps.
        """
        if resets is not None and self.bidirectional:
            raise ValueError("resets must be None where bidirectional is true")
        if probes is not None and INPUTS in probes:
            zeros = probes[INPUTS]["forward"]
            inputs = probe(inputs.astype(jnp.result_type(inputs, zeros)), zeros)
            probes = {layer: probes[layer] for layer in self.layers}
        run = functools.partial(self._run, params, inputs, lengths, carries, key, resets, backward)
        truncation = backward.truncation
        if truncation is None or truncation.window >= inputs.shape[1]:
            return run(probes, None)
        starts = jax.eval_shape(self.initial_carries, params, inputs)
        shapes = {layer: starts[layer] for layer in self.layers}
        return truncated(
            run, truncation, inputs, lengths, probes, shapes, self.cell.features, self.directions
        )

    def _run(
        self,
        params: Params,
        inputs: jax.Array,
        lengths: jax.Array | None,
        carries: Carries | None,
        key: jax.Array | None,
        resets: jax.Array | None,
        backward: Backward,
        probes: Carries | None,
        cuts: jax.Array | None,
    ) -> tuple[Carries, jax.Array]:
        """Run all layers; the gradient stops before the steps `cuts`."""
        final: Carries = {}

        def run_layer(index: int, layer: str, inputs: jax.Array) -> jax.Array:
            final[layer], outputs = {}, []
            for number, direction in enumerate(self.directions):
                weights, noise = params[layer][direction], None
                if key is not None:
                    stream = 1 + self.num_layers + index * len(self.directions) + number
                    weights, noise = self._with_noise(jax.random.fold_in(key, stream), weights, inputs)
                final[layer][direction], output = unroll(
                    self.cell,
                    weights,
                    inputs,
                    lengths,
                    carry=None if carries is None else carries[layer][direction],
                    reverse=direction == "backward",
                    vjp=self.vjp,
                    probes=None if probes is None else probes[layer][direction],
                    resets=resets,
                    cuts=cuts,
                    control=backward.control,
                    noise=noise,
                    chunked=backward.chunked,
                    backend=backward.backend,
                )
                outputs.append(output)
            return outputs[0] if len(outputs) == 1 else jnp.concatenate(outputs, axis=-1)

        window = None if carries is None else window_of(carries)
        window, outputs = self.connections.apply(run_layer, params, inputs, lengths, window, resets, key)
        return final if window is None else {**final, INPUT_CONV: {"forward": window}}, outputs

    def _with_noise(self, key: jax.Array, params: Params, inputs: jax.Array) -> tuple[Params, Noise | None]:
        """Return a layer's parameters with their elements dropped, and the noise in its steps."""
        key_weights, key_steps = jax.random.split(key)
        if self.weight_drop:
            params = drop_weights(key_weights, params, self.weight_drop)
        return params, draw_noise(key_steps, self.cell, inputs, self.recurrent_dropout, self.zoneout)


def window_of(carries: Carries) -> jax.Array | None:
    """Return the window of the convolution before the layers; None where there is no convolution."""
    return carries[INPUT_CONV]["forward"] if INPUT_CONV in carries else None
