"""Console tracker: plain lines in a pipe, a progress bar on a terminal."""

import dataclasses
import io

import numpy as np
import pytest
import rich.console

from seqlab.tracking import Console

ROWS = [
    {"step": 100, "train/loss": 0.69314, "timing/compile_seconds": 3.14},
    {
        "step": 200,
        "train/loss": np.float32(0.5),
        "eval/accuracy": 0.625,
        "grads/norm": 1.25,
        "timing/steps_per_second": 812.4,
        "timing/tokens_per_second": 519936.0,
    },
    {"step": 2000},
]
SUMMARY = {
    "status": "finished",
    "reason": "all 2000 steps done",
    "best": {"eval/accuracy": 0.975},
    "final": {"eval/accuracy": 0.9375},
    "baselines": {"majority": 0.5, "bigram": 0.61},
    "test": {"test/accuracy": 0.96},
    "chance": 0.5,
    "baseline": "a coin",
    "solved_at": 0.95,
    "sample": "one line\nanother",
    "seconds": 12.34,
    "compile_seconds": 3.14,
}
NUMBERS = "train/loss 0.5  eval/accuracy 0.625  grads/norm 1.25  812.4 steps/s  519,936 tokens/s"
HEADLINE = "gru many_to_one parity_check, seed 3: 12,345 parameters, 2,000 steps of 640 tokens"


def _run(console, info, summary=SUMMARY):
    console.start(info)
    for row in ROWS:
        console.log(row)
    console.finish(summary)


def test_a_pipe_gets_plain_lines(info, capsys):
    _run(Console(), info)  # auto: captured output is no terminal
    assert capsys.readouterr().out.splitlines() == [
        HEADLINE,
        "compiled in 3.1 s",
        "step  100/2000  train/loss 0.6931",
        f"step  200/2000  {NUMBERS}",
        "finished: all 2000 steps done",
        "eval/accuracy  best 0.975  final 0.9375",
        "test/accuracy  0.96  baseline 0.5 (a coin)  solved at 0.95",
        "baselines:  majority 0.5  bigram 0.61",
        "sample:",
        "  one line",
        "  another",
        "took 12.3 s",
        "compiled in 3.1 s",
        str(info.folder),
    ]


def test_the_closing_lines_say_only_what_is_known(info, capsys):
    _run(Console("plain"), info, summary={"status": "interrupted"})
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "interrupted",
        str(info.folder),
    ]


def test_a_resumed_run_says_so(info, capsys):
    Console("plain").start(dataclasses.replace(info, resumed_from=500))
    assert capsys.readouterr().out == f"{HEADLINE}, resumed from step 500\n"


def test_off_prints_nothing(info, capsys):
    _run(Console("off"), info)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("mode", ["rich", "auto"])
def test_a_terminal_gets_a_progress_bar(info, mode):
    screen = rich.console.Console(record=True, file=io.StringIO(), force_terminal=True, width=160)
    _run(Console(mode, screen), info)
    shown = screen.export_text()
    assert "━━━━" in shown
    assert "2000/2000" in shown
    # Numbers stay until a row brings newer ones.
    assert f"2000/2000 {NUMBERS}" in shown
    assert shown.count("compiled in 3.1 s") == 2
    assert "finished: all 2000 steps done" in shown
    assert "step  200/2000" not in shown


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode must be one of auto, rich, plain, off, got 'loud'"):
        Console("loud")
