"""Usage of a trained network: the command that its task allows."""

from __future__ import annotations

from seqlab.generation.generate import can_generate
from seqlab.tasks import Task
from seqlab.tasks.new_rows import ReadsRows
from seqlab.tasks.series.series import Series
from seqlab.training import Program


def usage_of(program: Program) -> list[str]:
    """Return the command that uses a run, and the words after the run folder.

    It is `predict FILE` where the task reads the rows of a file, `generate` where the network reads its own
    outputs, `generate --prompt PROMPT` where it answers a prompt, and else the figure of the gradient through
    time. Empty where none of these applies.
    """
    task, network = program.task, program.network
    if isinstance(task, (ReadsRows, Series)):
        return ["predict", "FILE"]
    if can_generate(task, network):
        return ["generate"]
    if type(task).read_prompt is not Task.read_prompt:
        return ["generate", "--prompt", "PROMPT"]
    has_flow = bool(program.diagnostics) and network.framing != "one_to_one"
    return ["figure"] if has_flow else []
