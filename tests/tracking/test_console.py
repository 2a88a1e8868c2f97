"""Console tracker: plain lines in a pipe, a progress bar on a terminal, a line a group in a sweep."""

import dataclasses
import io
import types

import numpy as np
import pytest
import rich.console
from hypothesis import given
from hypothesis import strategies as st

from seqlab.tracking import Console, progress
from seqlab.tracking.console import gather_ended
from seqlab.tracking.lines import duration

ROWS = [
    {"step": 100, "train/loss": 0.69314, "timing/compile_seconds": 3.14},
    {
        "step": 200,
        "train/loss": np.float32(0.5),
        "eval/accuracy": 0.625,
        "reference/chance": 0.5,
        "reference/solved_at": 0.95,
        "grads/norm": 1.25,
        "timing/steps_per_second": 812.4,
        "timing/tokens_per_second": 519936.0,
    },
    {"step": 2000},
    {"step": 200, "test/accuracy": 0.96},
]
SUMMARY = {
    "status": "finished",
    "verdict": "Learnt: all of it.",
    "best": {"eval/accuracy": 0.975, "step": 1500},
    "final": {"eval/accuracy": 0.9375},
    "baselines": {"a coin": 0.5, "bigram": 0.61},
    "baseline": "a coin; bigram 0.61",
    "sample": "one line\nanother",
    "seconds": 12.34,
    "compile_seconds": 3.14,
}
NUMBERS = "loss 0.5  accuracy 0.625 [baseline 0.5, solved at 0.95]  gradient norm 1.25  812.4 steps/s"
HEADLINE = "gru many_to_one parity_check, seed 3: 12,345 parameters, 2,000 steps of 640 tokens"
COMPILED = "compiled in 3.1 s: XLA builds the program of a step once, before the first one"


def _run(console, info, summary=SUMMARY, rows=ROWS):
    console.start(info)
    for row in rows:
        console.log(row)
    console.finish(summary)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = types.SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(progress, "time", types.SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def test_a_pipe_gets_plain_lines(info, capsys, clock):
    _run(Console(), info)  # auto: captured output is no terminal
    assert capsys.readouterr().out.splitlines() == [
        HEADLINE,
        COMPILED,
        "step  100/2000  loss 0.6931",
        f"step 2000/2000  {NUMBERS}",
        "Learnt: all of it.",
        "validation accuracy: best 0.975 at step 1,500, last 0.9375",
        "other baselines: bigram 0.61",
        "sample:",
        "  │ one line",
        "  │ another",
        "took 12.3 s, of which compilation 3.1 s",
        str(info.folder),
    ]


def test_the_closing_lines_say_only_what_is_known(info, capsys):
    _run(Console("plain"), info, summary={"status": "interrupted"})
    assert capsys.readouterr().out.splitlines()[-2:] == ["interrupted", str(info.folder)]


def test_the_closing_line_names_the_average_whose_parameters_were_the_best(info, capsys):
    best = {"eval/accuracy": 0.975, "step": 1500, "params": "ema"}
    _run(Console("plain"), info, summary={**SUMMARY, "best": best})
    told = "best 0.975 at step 1,500 with averaged parameters (ema), last 0.9375"
    assert f"validation accuracy: {told}" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(("hours", "most"), [(0.01, 9), (1, 200), (24, 380)])
def test_the_lines_of_a_pipe_do_not_grow_with_the_rows(info, capsys, clock, hours, most):
    console = Console("plain")
    console.start(info)
    for step in range(1, 2001):
        clock.seconds = 3600 * hours * step / 2000
        console.log({"step": step, "train/loss": 1.0})
    console.finish({"status": "finished"})
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step")]
    assert 2 <= len(lines) <= most
    assert lines[-1].startswith("step 2000/2000")


def test_a_resumed_run_says_so(info, capsys):
    Console("plain").start(dataclasses.replace(info, resumed_from=500))
    assert capsys.readouterr().out == f"{HEADLINE}, resumed from step 500\n"


def test_off_prints_nothing(info, capsys):
    _run(Console("off"), info)
    assert capsys.readouterr() == ("", "")


def terminal(width=160):
    return rich.console.Console(record=True, file=io.StringIO(), force_terminal=True, width=width)


@pytest.mark.parametrize("mode", ["rich", "auto"])
def test_a_terminal_gets_a_progress_bar(info, mode):
    screen = terminal()
    _run(Console(mode, screen), info)
    shown = screen.export_text()
    assert "━━━━" in shown
    assert "2000/2000" in shown
    assert NUMBERS in shown  # numbers stay until a row brings newer ones
    assert COMPILED in shown
    assert "Learnt: all of it." in shown
    assert "step  200/2000" not in shown


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_progress_bar_takes_one_line(info, width):
    screen = terminal(width)
    _run(Console("rich", screen), info)
    bars = [line for line in screen.export_text().splitlines() if "2000/2000" in line]
    assert bars
    assert all(len(line) % width == 0 for line in bars)  # each picture of the bar is as wide as the screen
    assert all("solved at 0.95]" in line for line in bars if "compiling" not in line) or width < 80


@pytest.mark.parametrize("is_worker", [False, True])
def test_a_sweep_prints_a_line_for_each_group_of_seeds(is_worker, info, capsys, clock, monkeypatch):
    monkeypatch.setattr("seqlab.tracking.console._gathers", [])
    if not is_worker:
        gather_ended()
    for cell, scores in (("gru", (0.9, 1.0, 0.8)), ("elman", (0.5, None))):
        for seed, score in enumerate(scores):
            axes = (f"cell={cell}", f"seed={seed}")
            test = {} if score is None else {"test": {"test/accuracy": score}, "solved": score > 0.85}
            summary = {"status": "finished" if test else "failed", "reason": "why", "chance": 0.5, **test}
            of_sweep = dataclasses.replace(info, sweep="sweeps/one", axes=axes, cell=cell, seed=seed)
            _run(Console(), of_sweep, summary, rows=[{"step": 2000, "train/loss": 1.0}])
    Console().print_ended()
    Console().print_ended()
    lines = capsys.readouterr().out.splitlines()
    if is_worker:  # the other runs of its groups may be trained by others
        assert [line.partition(":")[0] for line in lines] == [
            *(f"cell=gru seed={seed}" for seed in range(3)),
            *("cell=elman seed=0", "cell=elman seed=1", "  seed 1 failed"),
        ]
        return
    assert [line for line in lines if "step 2000" not in line] == [
        "cell=gru: 3 finished, test/accuracy 0.9 (0.8 to 1), baseline 0.5, solved 2 of 3",
        "cell=elman: 1 finished, 1 failed, test/accuracy 0.5, baseline 0.5, solved 0 of 2",
        "  seed 1 failed: why",
    ]
    assert len(lines) == 3  # a run of a sweep that takes a moment has no line of its own


def test_a_long_run_of_a_sweep_has_lines_far_apart(info, capsys, clock):
    console = Console("plain")
    console.start(dataclasses.replace(info, sweep="sweeps/one", axes=("cell=gru", "seed=0")))
    for step in range(1, 101):
        clock.seconds += 1
        console.log({"step": step, "train/loss": 1.0})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines] == [
        ["cell=gru", "seed=0", "step", f"{step}/2000"] for step in (30, 60, 90)
    ]


@given(st.integers(0, 10**6))
def test_a_duration_is_written_as_clocks_do(seconds):
    parts = [int(part) for part in duration(seconds).split(":")]
    assert sum(part * 60**place for place, part in enumerate(reversed(parts))) == seconds


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="mode must be one of auto, rich, plain, off, got 'loud'"):
        Console("loud")
