"""Protocol of networks: what training, evaluation and diagnostics need of any architecture."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import jax

from seqlab.recurrence import FULL_BACKWARD, Backward
from seqlab.recurrence.protocols import RecurrentCell
from seqlab.types import Batch, Params, Spec


class Network(Protocol):
    """A network that reads one spec and predicts another: a frozen dataclass with these members.

    A recurrent architecture is a subclass of `Recurrent`, which has most of them. `OneToOne` is an example of
    an architecture that is not.
    """

    framing: ClassVar[str]
    """The framing of the batches that it reads, by which a task is asked for them."""

    @property
    def cell(self) -> RecurrentCell:
        """The recurrent cell; `cell.features` is the width of every hidden layer."""
        ...

    @property
    def inputs(self) -> Spec:
        """What stands at one position of the inputs."""
        ...

    @property
    def outputs(self) -> Spec:
        """What stands at one position of the targets."""
        ...

    def init(self, key: jax.Array, batch: Batch) -> Params:
        """Return new parameters for batches shaped like `batch`."""
        ...

    def apply(
        self,
        params: Params,
        batch: Batch,
        key: jax.Array | None = None,
        probes: Any = None,
        backward: Backward = FULL_BACKWARD,
    ) -> jax.Array:
        """Predict the targets of a batch.

        Args:
            params: as `init` returns them.
            batch: the examples. The targets are read only by architectures with teacher forcing.
            key: PRNG key of the dropout masks, in training; None in evaluation.
            probes: as `zero_probes` returns them, to measure norms through time; None for none.
            backward: the options of the backward pass, which `check_backward` accepts.

        Returns:
            Float `(B, O)` or `(B, T, O)`: values where the output spec is `Vectors`, logits otherwise.
        """
        ...

    def zero_probes(self, params: Params, batch: Batch) -> Any:
        """Return the probes of every recurrent layer; None where there is none."""
        ...

    def check_backward(self, backward: Backward) -> None:
        """Raise IncompatibleError where the network has no backward pass with these options."""
        ...

    def at_stage(self, progress: jax.Array) -> Network:
        """Return the network at a stage of training; the network itself where nothing changes.

        Args:
            progress: float scalar in [0, 1], the share of the updates that are done.
        """
        ...

    @property
    def free_running(self) -> bool:
        """Whether it is also evaluated on what it predicts from its own outputs in place of the targets."""
        ...
