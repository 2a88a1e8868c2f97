"""Settings of how recurrences are computed: the `recurrence` group of the config."""

from __future__ import annotations

import dataclasses

from seqlab.checks import require_choice
from seqlab.recurrence.backward import BACKENDS, Backward

MEMORY = ("auto", "full", "chunked")


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
            or control of the backward pass need the steps; "native" for our kernel in C++, on a CPU, of an
            LSTM, under the same conditions; "auto" for "scan".

    Raises:
        ValueError: a value that is not legal, or "chunked" beside "cudnn" or "native".
    """

    memory: str = "auto"
    backend: str = "auto"

    def __post_init__(self) -> None:
        require_choice(self, "memory", MEMORY)
        require_choice(self, "backend", ("auto", *BACKENDS))
        if self.is_chunked and self.uses_kernel:
            raise ValueError(
                f"memory=chunked does not fit backend={self.backend}, which saves all steps: "
                "legal are auto, full"
            )

    @property
    def is_chunked(self) -> bool:
        """Whether chunks of steps are computed again."""
        return self.memory == "chunked"

    @property
    def uses_kernel(self) -> bool:
        """Whether cuDNN or our kernel computes the training steps that it can."""
        return self.backend in ("cudnn", "native")

    def applied(self, backward: Backward) -> Backward:
        """Return options of the backward pass with these settings."""
        return backward._replace(
            chunked=self.is_chunked, backend=self.backend if self.uses_kernel else "scan"
        )


AUTO_SETTINGS = RecurrenceSettings()
"""The settings of a run that says nothing of them."""
