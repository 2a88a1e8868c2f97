"""What the backward pass of a run saves: the choice of `recurrence.memory=auto`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqlab.runs.hyperparameters import replaced
from seqlab.runs.objects import make_family, num_devices
from seqlab.training import Program
from seqlab.training.memory import needs_chunks

KEY = "recurrence.memory"


def with_chosen_memory(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a resolved config with "full" or "chunked" where `recurrence.memory` is "auto".

    The choice depends on the shapes of a batch, so the data of the task are read.
    """
    program = make_family(config)[0].program
    if program.recurrence.memory != "auto":
        return config
    chunked = not program.recurrence.uses_kernel and needs_chunks(program, num_devices)
    return replaced(config, {KEY: "chunked" if chunked else "full"})


def memory_note(config: Mapping[str, Any], program: Program) -> tuple[str, ...]:
    """Return a sentence where "auto" chose another value than the usual one; none elsewhere.

    Args:
        config: the resolved config of the run, before the choice.
        program: its program, after the choice.
    """
    if config["recurrence"].get("memory", "auto") != "auto" or not program.recurrence.is_chunked:
        return ()
    return (f"{KEY}=chunked, chosen as the backward pass would save more than half of the free memory",)
