"""Lines of the console that many runs share."""

from __future__ import annotations

import io

import rich.console

from seqlab.tracking import Console, GroupConsole


def printed(info, mode="plain"):
    """Return what is printed of three runs, the last of which ends early."""
    screen = rich.console.Console(file=io.StringIO(), width=200)
    group_console = GroupConsole(Console(mode=mode, screen=screen))
    for _ in range(3):
        group_console.start(info)
    for step, losses in ((100, (0.5, 0.1, 0.3)), (200, (0.2, 0.4))):
        for loss in losses:
            group_console.log({"step": step, "train/loss": loss, "grads/through_time/log10_norm": [0.0]})
        for loss in losses:
            group_console.log({"step": step, "eval/accuracy": 1 - loss})
        for loss in losses:
            group_console.log({"step": step, "test/accuracy": loss})
    for seed, status in enumerate(("finished", "finished", "diverged")):
        group_console.finish(
            {"seed": seed, "status": status, "reason": None if status == "finished" else "why"}
        )
    return screen.file.getvalue().splitlines()


def test_a_line_is_the_median_of_the_rows_of_a_step(info):
    assert printed(info)[1:] == [
        "step  100/2000  median of 3: train/loss 0.3",
        "step  100/2000  median of 3: eval/accuracy 0.7",
        "step  200/2000  median of 2: train/loss 0.3",
        "step  200/2000  median of 2: eval/accuracy 0.7",
        "seed 2 diverged: why",
    ]


def test_nothing_is_printed_where_the_console_is_off(info):
    assert printed(info, "off") == []
