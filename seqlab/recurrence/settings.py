"""Settings of how recurrences are computed: the `recurrence` group of the config."""

from __future__ import annotations

import dataclasses

from seqlab.checks import require_choice
from seqlab.recurrence.backward import Backward

MEMORY = ("auto", "full", "chunked")
BACKENDS = ("auto", "scan", "cudnn")


@dataclasses.dataclass(frozen=True)
class RecurrenceSettings:
    """How recurrences are computed. Results differ by rounding alone.

    Attributes:
        memory: what the backward pass saves: "full" for what it needs of all steps; "chunked" for the carries
            every √T steps, so that it computes chunks of √T steps again (`seqlab.recurrence.chunked`); "auto"
            for "chunked" where "full" would take more than half of the memory that is free when the run is
            built, and "full" elsewhere.
        backend: what computes training steps: "scan" for the forms of `unroll`; "cudnn" for cuDNN's layer,
            on a GPU of NVIDIA, of a cell that it has, wherever neither probes nor noise, resets, truncation
            or control of the backward pass need the steps; "auto" for "scan".

    Raises:
        ValueError: a value that is not legal, or both "chunked" and "cudnn".
    """

    memory: str = "auto"
    backend: str = "auto"

    def __post_init__(self) -> None:
        require_choice(self, "memory", MEMORY)
        require_choice(self, "backend", BACKENDS)
        if self.is_chunked and self.uses_cudnn:
            raise ValueError(
                "memory=chunked does not fit backend=cudnn, which saves all steps: legal are auto, full"
            )

    @property
    def is_chunked(self) -> bool:
        """Whether chunks of steps are computed again."""
        return self.memory == "chunked"

    @property
    def uses_cudnn(self) -> bool:
        """Whether cuDNN computes the training steps that it can."""
        return self.backend == "cudnn"

    def applied(self, backward: Backward) -> Backward:
        """Return options of the backward pass with these settings."""
        return backward._replace(chunked=self.is_chunked, cudnn=self.uses_cudnn)


AUTO_SETTINGS = RecurrenceSettings()
"""The settings of a run that says nothing of them."""
