"""The encoder-decoder architecture: one sequence is read, then another is predicted."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.architectures.attention import ATTENTIONS
from seqlab.architectures.decoder import Decoder, DecoderState, ScheduledSampling
from seqlab.architectures.layers import apply_layer, dense, init_layer
from seqlab.architectures.recurrent import Recurrent
from seqlab.checks import require_bool, require_number
from seqlab.recurrence import FULL_BACKWARD, Backward
from seqlab.recurrence.carries import from_vector, state_size, to_vector
from seqlab.recurrence.stack import INPUTS, Carries
from seqlab.recurrence.steps import real_steps
from seqlab.recurrence.trajectory import StackInputs
from seqlab.types import Batch, IncompatibleError, Params, Spec

ENCODER = "encoder/"
"""Prefix of the names of the encoder's layers where they stand next to the decoder's."""


NOISE = ("recurrent_dropout", "zoneout", "weight_drop", "stochastic_depth")
"""The rates whose masks are the same at all steps of a sequence."""


@dataclasses.dataclass(frozen=True)
class EncoderDecoder(Recurrent):
    """A network that reads a sequence `(B, T)` and then predicts another `(B, M)`.

        h_1 … h_T, s_0 = encoder(x_1 … x_T)
        h̃_j, s_j = decoder(s_{j−1}, y_{j−1}; h_1 … h_T),   the readout reads h̃_j

    In training y_{j−1} is the target (teacher forcing), in free running the network's own output. Where the
    encoder is bidirectional, s_0 is a linear map of the carries of both directions, layer by layer. `Decoder`
    has the equations of attention. With attention="bahdanau", input feeding or scheduled sampling the decoder
    takes its steps one by one; otherwise one scan runs each layer over all steps.

    Attributes:
        bidirectional: whether the encoder also reads backwards.
        attention: None, "bahdanau" or "luong".
        input_feeding: whether each step reads what the readout read at the step before.
        scheduled_sampling: the probability with which each y_{j−1} is drawn from the network's own
            prediction, at the end of training; it grows linearly from 0 (`at_stage`).

    Raises:
        ValueError: an attribute outside its legal values.
        IncompatibleError: noise within layers where the decoder takes its steps one by one, since the noise
            would be drawn again at every step.

    Source: Sutskever et al. 2014, arXiv:1409.3215; Bengio et al. 2015, "Scheduled sampling for sequence
    prediction with recurrent neural networks", arXiv:1506.03099. Deviations: the inputs are not reversed, as
    the encoder can read in both directions; Bahdanau et al. start from a tanh of the backward carry alone,
    and predict with a maxout layer.
    """

    attention: str | None = None
    input_feeding: bool = False
    scheduled_sampling: float | jax.Array = 0.0

    framing: ClassVar[str] = "encoder_decoder"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.attention is not None and self.attention not in ATTENTIONS:
            raise ValueError(
                f"attention must be one of null, {', '.join(ATTENTIONS)}, got {self.attention!r}"
            )
        require_bool(self, "input_feeding")
        if self.input_feeding and self.attention is None:
            raise ValueError(f"input_feeding must be false, or attention one of {', '.join(ATTENTIONS)}")
        require_number(self, "scheduled_sampling", 0.0, 1.0)
        noise = [name for name in NOISE if getattr(self, name)]
        if noise and self._is_sequential:
            raise IncompatibleError(
                f"architecture.{noise[0]} must be 0 where an encoder_decoder goes step by step: "
                "with attention=bahdanau, input_feeding=true or scheduled_sampling"
            )

    @property
    def decoder(self) -> Decoder:
        """The decoder; `stack` is the encoder."""
        stack = dataclasses.replace(self.stack, bidirectional=False)
        return Decoder(
            stack, self.outputs, self.stack.features, self.attention, self.input_feeding, self.embedding
        )

    @property
    def state_size(self) -> int:
        return self.stack.state_size + self.decoder.stack.state_size

    @property
    def readout_features(self) -> int:
        return self.cell.features

    @property
    def feedback(self) -> Spec:
        return self.outputs

    def feedback_embedding(self, params: Params) -> jax.Array:
        return params["decoder"]["embedding"]["embedding"]

    @property
    def _samples(self) -> bool:
        """Whether scheduled sampling is on; a rate that is traced is not 0."""
        return isinstance(self.scheduled_sampling, jax.Array) or self.scheduled_sampling > 0

    @property
    def _is_sequential(self) -> bool:
        """Whether the decoder takes its steps in training one by one."""
        return self.decoder.is_sequential or self._samples

    # Training.

    def init(self, key: jax.Array, batch: Batch) -> Params:
        key_ends, key_encoder, key_decoder, key_bridge = jax.random.split(key, 4)
        params = {
            **self.init_ends(key_ends),
            "encoder": self.stack.init(key_encoder, self.num_inputs),
            "decoder": self.decoder.init(key_decoder),
        }
        if self.bidirectional:
            layers = self.stack.layers
            params["bridge"] = {
                layer: init_layer(self._bridge, one, jnp.zeros((1, 2 * self._bridge.features)))
                for layer, one in zip(layers, jax.random.split(key_bridge, len(layers)), strict=True)
            }
        return params

    def apply(
        self,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        probes: Any = None,
        backward: Backward = FULL_BACKWARD,
    ) -> jax.Array:
        """Predict the targets of a batch; see `Network.apply`."""
        key_encoder, key_decoder = (None, None) if key is None else jax.random.split(key)
        above, below = (None, None) if probes is None else _split(probes)
        state = self.first_state(params, batch.inputs, batch.lengths, key_encoder, below, backward)
        sampling = None
        if key is not None and self._samples:
            sampling = ScheduledSampling(self.scheduled_sampling, self.read_out, params)
        _, attended = self.decoder.unroll(
            params["decoder"], state, batch.targets, key_decoder, above, sampling, backward
        )
        return self.read_out(params, attended)

    def at_stage(self, progress: jax.Array) -> EncoderDecoder:
        """Return the network with its rate of scheduled sampling at a stage of training."""
        if not self._samples:
            return self
        return dataclasses.replace(self, scheduled_sampling=self.scheduled_sampling * progress)

    def check_backward(self, backward: Backward) -> None:
        if backward.truncation is not None:
            raise IncompatibleError(
                f"training.bptt_window={backward.truncation.window} does not fit "
                f"architecture={self.framing}, where the gradient of every loss passes through all decoder "
                "steps to the encoder: legal value is null"
            )
        if backward.backend != "scan" and self._is_sequential:
            raise IncompatibleError(
                f"recurrence.backend={backward.backend} does not fit an encoder_decoder that goes step by "
                "step, with attention=bahdanau, input_feeding=true or scheduled_sampling: "
                "legal are auto, scan"
            )
        self.stack.check_backward(backward)

    @property
    def free_running(self) -> bool:
        return True

    # Diagnostics: the layers of the decoder stand above those of the encoder.

    def zero_probes(self, params: Params, batch: Batch) -> Any:
        B, T, M = *batch.inputs.shape[:2], batch.targets.shape[1]
        above = self.decoder.stack.zero_probes(params["decoder"]["recurrence"], B, M)
        return _joined(above, self.stack.zero_probes(params["encoder"], B, T))

    def stack_inputs(
        self, params: Params, batch: Batch, carries: Carries | None = None
    ) -> dict[str, StackInputs]:
        state = self.first_state(params, batch.inputs, batch.lengths)
        inputs, _ = self.decoder.unroll(params["decoder"], state, batch.targets)
        features, weights = self.encode(params, batch.inputs), params["decoder"]["recurrence"]
        return {
            ENCODER: StackInputs(self.stack, params["encoder"], features, batch.lengths),
            "": StackInputs(self.decoder.stack, weights, inputs, _target_lengths(batch.mask), state.carries),
        }

    def layer_params(self, params: Params) -> Params:
        return _joined(params["decoder"]["recurrence"], params["encoder"])

    def layer_lengths(self, batch: Batch) -> dict[str, jax.Array | None]:
        layers = INPUTS, *self.stack.layers
        above = dict.fromkeys(layers, _target_lengths(batch.mask))
        return _joined(above, dict.fromkeys(layers, batch.lengths))

    # Generation.

    @property
    def causal(self) -> bool:
        return True  # only the encoder may be bidirectional, and its whole input is given

    def prefill(
        self, params: Params, inputs: jax.Array, lengths: jax.Array | None = None
    ) -> tuple[DecoderState, jax.Array]:
        state = self.first_state(params, inputs, lengths)
        return self._step(params, state, self.decoder.start_features(params["decoder"], len(inputs)))

    def decode_step(
        self, params: Params, state: DecoderState, chosen: jax.Array
    ) -> tuple[DecoderState, jax.Array]:
        return self._step(params, state, self.decoder.output_features(params["decoder"], chosen))

    def _step(
        self, params: Params, state: DecoderState, features: jax.Array
    ) -> tuple[DecoderState, jax.Array]:
        state, _, attended = self.decoder.step(params["decoder"], state, features)
        return state, self.read_out(params, attended)

    # The encoder.

    def first_state(
        self,
        params: Params,
        inputs: jax.Array,
        lengths: jax.Array | None,
        key: jax.Array | None = None,
        probes: Carries | None = None,
        backward: Backward = FULL_BACKWARD,
    ) -> DecoderState:
        """Read inputs `(B, T, …)` and return the decoder's state before its first step."""
        features = self.encode(params, inputs)
        carries, hidden = self.stack.apply(
            params["encoder"], features, lengths, key=key, probes=probes, backward=backward
        )
        B, T = hidden.shape[:2]
        real = jnp.ones((B, T), bool) if lengths is None else real_steps(lengths, T)
        return self.decoder.initial_state(params["decoder"], self._bridged(params, carries), hidden, real)

    def _bridged(self, params: Params, carries: Carries) -> Carries:
        """Return the decoder's first carries, given the encoder's last."""
        if not self.bidirectional:
            return carries
        bridged: Carries = {}
        for layer in self.stack.layers:
            directions = carries[layer]
            mapped = apply_layer(self._bridge, params["bridge"][layer], to_vector(directions))
            bridged[layer] = {"forward": from_vector(mapped, directions["forward"])}
        return bridged

    @property
    def _bridge(self) -> nn.Dense:
        """The map from the carries of both directions to one carry, its leaves side by side."""
        return dense(state_size(self.cell, self.num_inputs))


def _target_lengths(mask: jax.Array) -> jax.Array:
    """Return int32 `(B,)`, the steps up to the last True of a mask `(B, M)`."""
    return jnp.max(jnp.where(mask, jnp.arange(mask.shape[1]) + 1, 0), axis=1)


def _joined(above: Any, below: Any) -> dict[str, Any]:
    """Join dicts by layer of the decoder, above, and of the encoder, below; the lowest layer is the first."""
    return {**{ENCODER + layer: value for layer, value in below.items()}, **above}


def _split(joined: Any) -> tuple[Any, Any]:
    """Undo `_joined`."""
    below = {layer.removeprefix(ENCODER): one for layer, one in joined.items() if layer.startswith(ENCODER)}
    return {layer: one for layer, one in joined.items() if not layer.startswith(ENCODER)}, below
