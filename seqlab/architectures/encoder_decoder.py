"""Which steps read, which write? Every step of one sequence reads; then another sequence is written."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp

from seqlab.architectures.attention import ATTENTIONS
from seqlab.architectures.decoder import Decoder, Own, Writing
from seqlab.architectures.recurrent import Part, Recurrent
from seqlab.checks import require_bool, require_number
from seqlab.recurrence import FULL_BACKWARD, Backward
from seqlab.recurrence.steps import real_steps
from seqlab.types import Batch, IncompatibleError, Params, Spec

READING = "encoder/"
"""What stands before the names of the encoder's layers, where they stand beside the decoder's."""


@dataclasses.dataclass(frozen=True)
class EncoderDecoder(Recurrent):
    """A network that reads a sequence `(B, T)` and then writes another `(B, M)`.

        h_1 … h_T, s_0 = encoder(x_1 … x_T)
        h̃_j, s_j = decoder(s_{j−1}, y_{j−1}; h_1 … h_T),   the output reads h̃_j

    In training y_{j−1} is the target (teacher forcing), in free running what the network wrote itself. Where
    the encoder is bidirectional, s_0 is a linear map of both directions' carries, layer by layer. `Decoder`
    says how it attends. With attention="bahdanau", input feeding or scheduled sampling it goes step by step;
    else it runs over all steps at once.

    Attributes:
        bidirectional: whether the encoder also reads backwards.
        attention: None, "bahdanau" or "luong".
        input_feeding: whether each step reads what the output read at the step before.
        scheduled_sampling: the share of the y_{j−1} that are drawn from the network's own predictions at the
            end of training, in which it grows linearly from 0; each is drawn or not by itself.
        share: that share now; not a config key, set by `at_stage`.

    Raises:
        ValueError: an attribute outside its legal values.
        IncompatibleError: noise within layers where the decoder goes step by step, which would draw it anew.

    Source: Sutskever et al. 2014, arXiv:1409.3215; Bengio et al. 2015, "Scheduled sampling for sequence
    prediction with recurrent neural networks", arXiv:1506.03099. Deviations: no reversal of the inputs, which
    the encoder may read both ways; Bahdanau et al. start from a tanh of the backward carry alone, and write
    through a maxout layer.
    """

    attention: str | None = None
    input_feeding: bool = False
    scheduled_sampling: float = 0.0
    share: float | jax.Array = dataclasses.field(default=0.0, metadata={"config": False})

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
        noise = [name for name in ("recurrent_dropout", "zoneout", "weight_drop") if getattr(self, name)]
        if noise and (self.decoder.step_by_step or _positive(self.scheduled_sampling)):
            raise IncompatibleError(
                f"architecture.{noise[0]} must be 0 where an encoder_decoder goes step by step: "
                "with attention=bahdanau, input_feeding=true or scheduled_sampling"
            )

    @property
    def decoder(self) -> Decoder:
        """What writes; `stack` reads."""
        stack = dataclasses.replace(self.stack, bidirectional=False)
        return Decoder(
            stack, self.outputs, self.stack.features, self.attention, self.input_feeding, self.embedding
        )

    def init(self, key: jax.Array, batch: Batch) -> Params:
        ends, encoder, decoder, bridge = jax.random.split(key, 4)
        params = {
            **self.init_ends(ends, self.num_written),
            "encoder": self.stack.init(encoder, self.num_inputs),
            "decoder": self.decoder.init(decoder),
        }
        if self.bidirectional:
            width, layers = self._carry_width, self.stack.layers
            params["bridge"] = {
                layer: nn.Dense(width).init(one, jnp.zeros((1, 2 * width)))["params"]
                for layer, one in zip(layers, jax.random.split(bridge, len(layers)), strict=True)
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
        reading, writing = (None, None) if key is None else jax.random.split(key)
        above, below = (None, None) if probes is None else _parted(probes)
        begun = self._read_all(params, batch.inputs, batch.lengths, reading, below, backward)
        own = Own(self.share, self.read_out, params) if key is not None and _positive(self.share) else None
        _, written = self.decoder.write(
            params["decoder"], begun, batch.targets, writing, above, own, backward
        )
        return self.read_out(params, written)

    def at_stage(self, progress: jax.Array) -> EncoderDecoder:
        if not _positive(self.scheduled_sampling):
            return self
        return dataclasses.replace(self, share=self.scheduled_sampling * progress)

    def check_backward(self, backward: Backward) -> None:
        if backward.truncation is not None:
            raise IncompatibleError(
                f"training.bptt_window={backward.truncation.window} does not fit "
                f"architecture={self.framing}, where the gradient of every loss passes through all decoder "
                "steps to the encoder: legal value is null"
            )
        self.stack.check_backward(backward)

    # What it tells of its layers: the decoder's stand above the encoder's.

    def zero_probes(self, params: Params, batch: Batch) -> Any:
        B, T, M = *batch.inputs.shape[:2], batch.targets.shape[1]
        own = params["decoder"]["recurrence"]
        return _merged(
            self.decoder.stack.zero_probes(own, B, M), self.stack.zero_probes(params["encoder"], B, T)
        )

    def parts(self, params: Params, batch: Batch, carries: Any = None) -> dict[str, Part]:
        begun = self._read_all(params, batch.inputs, batch.lengths)
        read, _ = self.decoder.write(params["decoder"], begun, batch.targets)
        reads, own = self.encode(params, batch.inputs), params["decoder"]["recurrence"]
        return {
            READING: Part(self.stack, params["encoder"], reads, batch.lengths),
            "": Part(self.decoder.stack, own, read, _ends(batch.mask), begun.carries),
        }

    def layer_params(self, params: Params) -> Params:
        return _merged(params["decoder"]["recurrence"], params["encoder"])

    def ends(self, batch: Batch) -> dict[str, jax.Array | None]:
        layers = self.stack.layers
        return _merged(dict.fromkeys(layers, _ends(batch.mask)), dict.fromkeys(layers, batch.lengths))

    # Free running.

    @property
    def free_running(self) -> bool:
        return True

    @property
    def causal(self) -> bool:
        return True  # only the encoder may be bidirectional, and its whole input is given

    @property
    def num_written(self) -> int:
        return self.cell.features

    @property
    def read_back(self) -> Spec:
        return self.outputs

    def table(self, params: Params) -> jax.Array:
        return params["decoder"]["embedding"]["embedding"]

    def prefill(
        self, params: Params, inputs: jax.Array, lengths: jax.Array | None = None
    ) -> tuple[Any, jax.Array]:
        begun = self._read_all(params, inputs, lengths)
        return self._step(params, begun, self.decoder.start(params["decoder"], len(inputs)))

    def decode_step(self, params: Params, state: Any, chosen: jax.Array) -> tuple[Any, jax.Array]:
        return self._step(params, state, self.decoder.later(params["decoder"], chosen))

    def _step(self, params: Params, state: Writing, features: jax.Array) -> tuple[Writing, jax.Array]:
        state, _, written = self.decoder.step(params["decoder"], state, features)
        return state, self.read_out(params, written)

    # Reading.

    def _read_all(
        self,
        params: Params,
        inputs: jax.Array,
        lengths: jax.Array | None,
        key: jax.Array | None = None,
        probes: Any = None,
        backward: Backward = FULL_BACKWARD,
    ) -> Writing:
        """Read the inputs and return where the decoder begins."""
        features = self.encode(params, inputs)
        carries, hidden = self.stack.apply(
            params["encoder"], features, lengths, key=key, probes=probes, backward=backward
        )
        B, T = hidden.shape[:2]
        real = jnp.ones((B, T), bool) if lengths is None else real_steps(lengths, T)
        return self.decoder.prefill(params["decoder"], self._bridged(params, carries), hidden, real)

    def _bridged(self, params: Params, carries: Any) -> Any:
        """Return the decoder's first carries, given the encoder's last."""
        if not self.bidirectional:
            return carries
        bridged = {}
        for layer, directions in carries.items():
            leaves, form = jax.tree.flatten(directions["forward"])
            both = jnp.concatenate(jax.tree.leaves(directions), axis=-1)
            mapped = nn.Dense(self._carry_width).apply({"params": params["bridge"][layer]}, both)
            bridged[layer] = {"forward": form.unflatten(jnp.split(mapped, len(leaves), axis=-1))}
        return bridged

    @property
    def _carry_width(self) -> int:
        carry = self.cell.initialize_carry(jax.random.key(0), (1, 1))
        return sum(leaf.shape[-1] for leaf in jax.tree.leaves(carry))


def _positive(share: float | jax.Array) -> bool:
    """Say whether a share is above 0; one that is traced is."""
    return isinstance(share, jax.Array) or share > 0


def _ends(mask: jax.Array) -> jax.Array:
    """Return int32 `(B,)`, the steps up to the last that counts, of a bool mask `(B, M)`."""
    return jnp.max(jnp.where(mask, jnp.arange(mask.shape[1]) + 1, 0), axis=1)


def _merged(above: Any, below: Any) -> dict[str, Any]:
    """Return what is known of the layers of the decoder and of the encoder, by name, from the lowest up."""
    return {**{READING + layer: value for layer, value in below.items()}, **above}


def _parted(merged: Any) -> tuple[Any, Any]:
    """Undo `_merged`."""
    below = {layer.removeprefix(READING): one for layer, one in merged.items() if layer.startswith(READING)}
    return {layer: one for layer, one in merged.items() if not layer.startswith(READING)}, below
