"""Lines of the console that many runs share."""

from __future__ import annotations

import dataclasses
import io

import rich.console

from seqlab.tracking import Console, GroupConsole, progress


def printed(info, mode="plain"):
    """Return what is printed of three runs, the last of which ends early."""
    screen = rich.console.Console(file=io.StringIO(), width=200)
    group_console = GroupConsole(Console(mode=mode, screen=screen), "3 at a time")
    for seed in range(3):
        axes = ("cell=gru", f"seed={seed}")
        group_console.start(dataclasses.replace(info, seed=seed, axes=axes, sweep="sweeps/one"))
    for step, losses in ((100, (0.5, 0.1, 0.3)), (200, (0.2, 0.4))):
        for loss in losses:
            group_console.log({"step": step, "train/loss": loss, "grads/through_time/log10_norm": [0.0]})
        for loss in losses:
            group_console.log({"step": step, "eval/accuracy": 1 - loss})
        for loss in losses:
            group_console.log({"step": step, "test/accuracy": loss})
    for status in ("finished", "finished", "diverged"):
        reason = None if status == "finished" else "why"
        group_console.finish({"status": status, "reason": reason, "test": {"test/accuracy": 0.5}})
    return screen.file.getvalue().splitlines()


def test_a_line_has_median_and_range_and_the_end_a_line_for_the_group(info, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0)
    monkeypatch.setattr(progress, "SHARE", 0)
    assert printed(info) == [
        "3 runs as one program, 3 at a time: gru many_to_one parity_check: 12,345 parameters, "
        "2,000 steps of 640 tokens",
        "3 runs  step  100/2000  loss 0.3 (0.1 to 0.5)",
        "3 runs  step  100/2000  loss 0.3 (0.1 to 0.5)  accuracy 0.7 (0.5 to 0.9)",
        "3 runs  step  200/2000  loss 0.3 (0.2 to 0.4)",
        "3 runs  step  200/2000  loss 0.3 (0.2 to 0.4)  accuracy 0.7 (0.6 to 0.8)",
        "cell=gru: 2 finished, 1 diverged, test/accuracy 0.5 (0.5 to 0.5), solved 0 of 3",
        "  seed 2 diverged: why",
    ]


def test_lines_are_apart_in_time(info):
    assert len([line for line in printed(info) if "step" in line[:15]]) == 2


def test_nothing_is_printed_where_the_console_is_off(info):
    assert printed(info, "off") == []
