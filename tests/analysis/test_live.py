"""Live view: folders in every state, read by their appended bytes alone, in frames that fit the screen."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rich.console
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_runs import tiny

from seqlab.analysis.live import view, watched
from seqlab.analysis.live.characters import Curve, digit, draw_curve, draw_heat_map
from seqlab.analysis.live.followed import DAMAGED, RUNNING, STOPPED, WAITING, Followed
from seqlab.analysis.live.frame import frame
from seqlab.analysis.live.view import watch
from seqlab.analysis.live.watched import Watched
from seqlab.tracking import STATUSES, RunFolder, RunInfo
from seqlab.tracking.encoding import to_json
from seqlab.tracking.lock import locked
from seqlab.types import ConfigError, Goal

FLOW = "grads/through_time/log10_norm"
ROWS = [
    {"step": 5, "train/loss": 0.7, FLOW: [-3.0, -1.0, math.nan], "grads/through_time/slope": -1.0},
    {"step": 10, "train/loss": math.nan, FLOW: [-2.0, -math.inf, 0.0], "timing/steps_per_second": 3.0},
    {"step": 10, "eval/accuracy": 0.75, "reference/chance": 0.5, "reference/solved_at": 0.9},
    {"step": 20, "eval/accuracy": 0.95, "reference/chance": 0.5, "reference/solved_at": 0.9},
]
STATES = (WAITING, RUNNING, STOPPED, DAMAGED, *STATUSES)


def begin(folder, steps=20):
    """Begin a run as training does, and return its folder."""
    RunFolder(folder).start(
        RunInfo(folder, Goal("accuracy", True), cell="gru", task="adding", seed=1, steps=steps)
    )
    return folder


def make(folder, state, rows=ROWS):
    """Write a run folder by hand in a state; a live process is not part of it."""
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text("- cell=gru\n- optimizer.learning_rate=0.1\n")
    if state == WAITING:
        return folder
    begin(folder)
    for row in rows:
        RunFolder(folder).log(row)
    if state == DAMAGED:
        (folder / "summary.json").write_text("{")
    elif state in STATUSES:
        RunFolder(folder).finish({"status": state, "reason": "why", "steps": 20, "verdict": f"It {state}."})
    else:
        with (folder / "metrics.jsonl").open("a") as file:
            file.write('{"step": 25, "train/lo')  # a row that is being written
    return folder


@contextlib.contextmanager
def states(root):
    """Have a folder with a run in every state."""
    for state in STATES:
        make(root / state, state)
    with locked([root / RUNNING]):
        yield root


def screen(width=100, colours=True):
    system = "truecolor" if colours else None
    file = io.StringIO()
    return rich.console.Console(file=file, width=width, force_terminal=colours, color_system=system)


def shown(followed, one, lines=None):
    with one.capture() as capture:
        one.print(frame(followed, one, lines))
    return capture.get()


def test_every_state_is_told(tmp_path):
    with states(tmp_path) as root:
        found = Watched(root)
    assert {str(run.folder.name): run.status for run in found.runs} == {state: state for state in STATES}
    assert found.chosen.folder.name == RUNNING
    assert found.counts == dict.fromkeys((run.status for run in found.runs), 1)


@pytest.mark.parametrize("colours", [True, False])
@pytest.mark.parametrize(("width", "height"), [(60, 12), (80, 24), (140, 50)])
def test_a_frame_fits_the_screen_and_names_every_status_that_has_room(tmp_path, width, height, colours):
    with states(tmp_path) as root:
        one = screen(width, colours)
        text = shown(Watched(root), one, height)
        plain = rich.text.Text.from_ansi(text).plain.splitlines()
    assert len(plain) <= height
    assert max(map(len, plain)) <= width
    assert "▶ running" in "\n".join(plain)
    assert any("more" in line for line in plain) == (height < 24 or width < 100)
    if height >= 24:
        assert "validation accuracy" in "\n".join(plain)
        assert "gradient through time" in "\n".join(plain)


@pytest.mark.parametrize("state", STATES)
def test_a_run_of_every_state_can_be_shown(tmp_path, state):
    make(tmp_path / "run", state)
    text = rich.text.Text.from_ansi(shown(Watched(tmp_path / "run"), screen(120))).plain
    assert (f"It {state}." in text) == (state in STATUSES)
    if state != WAITING and state != DAMAGED:
        assert "✓ 0.95" in text
        assert "20/20" in text


@given(st.lists(st.integers(0, 400), max_size=6), st.booleans())
def test_rows_that_are_read_in_pieces_are_the_rows(tmp_path_factory, cuts, detailed):
    data = "".join(f"{to_json(row)}\n" for row in ROWS).encode() + b'{"step": 25, "train/lo'
    folder = begin(tmp_path_factory.mktemp("run"))
    pieces, whole = Followed(folder), Followed(folder)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    pieces.detail(detailed)
    for start, end in itertools.pairwise(ends):
        with (folder / "metrics.jsonl").open("ab") as file:
            file.write(data[start:end])
        pieces.update()
    whole.detail(detailed)
    whole.update()
    assert pieces.status == whole.status == STOPPED
    for name in ("step", "losses", "scores", "flow", *(["latest"] if detailed else [])):
        np.testing.assert_equal(getattr(pieces, name), getattr(whole, name))
    assert whole.scores == ([10, 20], [0.75, 0.95])
    assert len(whole.flow) == (2 if detailed else 0)


def test_nothing_is_read_where_nothing_was_appended(tmp_path, monkeypatch):
    run = Followed(make(tmp_path / "run", "finished"))
    run.update()
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("the rows are read again"))
    monkeypatch.setattr(Path, "read_bytes", lambda *_: pytest.fail("a file is read again"))
    run.update()
    assert run.status == "finished"


def test_rows_that_a_resumed_run_writes_anew_replace_the_old_ones(tmp_path):
    folder = make(tmp_path / "run", "interrupted")
    run = Followed(folder)
    run.update()
    begin(folder)
    RunFolder(folder).log({"step": 10, "eval/accuracy": 0.5})
    run.update()
    assert (run.status, run.scores) == (STOPPED, ([10], [0.5]))


@pytest.mark.parametrize(
    "line",
    [
        "",
        '{"step": 1e300, "eval/accuracy": 1}',
        '{"step": -1, "train/loss": 1}',
        '{"step": 30, "train/loss": {"a": 1}}',
        '{"step": 30, "eval/accuracy": "much"}',
    ],
)
def test_a_line_that_is_no_row_is_damage_which_can_be_shown(tmp_path, line):
    folder = make(tmp_path / "run", STOPPED)
    (folder / "metrics.jsonl").write_text(f"{line}\n")
    watched = Watched(tmp_path)
    assert watched.runs[0].status == DAMAGED
    assert DAMAGED in shown(watched, screen())
    watched.update()
    assert watched.runs[0].status == DAMAGED


@pytest.mark.parametrize("key", ["steps", "validation", "total_steps"])
def test_a_summary_with_other_values_is_damage_which_can_be_shown(tmp_path, key):
    folder = make(tmp_path / "run", "finished")
    (folder / "run.json").unlink()
    summary = {"status": "finished", "steps": 2, "total_steps": 2, key: "?"}
    (folder / "summary.json").write_text(to_json(summary))
    assert DAMAGED in shown(Watched(tmp_path), screen())


@pytest.mark.parametrize(
    ("state", "sweep", "summarised", "ended"),
    [
        ("finished", False, False, True),
        (WAITING, False, False, True),
        (STOPPED, False, False, True),
        ("finished", True, False, False),  # the sweep may begin further runs
        (WAITING, True, False, False),
        ("finished", True, True, True),
        (WAITING, True, True, True),
    ],
)
def test_the_view_ends_when_nothing_more_is_to_come(tmp_path, state, sweep, summarised, ended):
    make(tmp_path / "sweep" / "0", state)
    for name, there in (("multirun.yaml", sweep), ("sweep.json", summarised)):
        if there:
            (tmp_path / "sweep" / name).touch()
    found = Watched(tmp_path)
    assert found.ended == ended
    with locked([tmp_path / "sweep" / "0"]):
        found.update()
        assert not found.ended or state == "finished"


def test_the_view_of_one_run_does_not_wait_for_its_sweep(tmp_path):
    make(tmp_path / "0", "finished")
    (tmp_path / "multirun.yaml").touch()
    assert not Watched(tmp_path).ended
    assert Watched(tmp_path / "0").ended


def test_a_sweep_that_was_killed_is_given_up(tmp_path, monkeypatch):
    make(tmp_path / "0", STOPPED)
    (tmp_path / "multirun.yaml").touch()
    monkeypatch.setattr(watched, "PATIENCE", -1.0)
    assert Watched(tmp_path).ended


def test_the_view_follows_runs_until_they_end(tmp_path, monkeypatch):
    events = [
        lambda: (tmp_path / "multirun.yaml").touch(),
        lambda: make(tmp_path / "0", STOPPED, rows=ROWS[:2]),
        lambda: make(tmp_path / "1", "finished"),
        lambda: RunFolder(tmp_path / "0").finish({"status": "failed", "verdict": "Failed: why."}),
        lambda: (tmp_path / "sweep.json").touch(),
    ]
    monkeypatch.setattr(view.time, "sleep", lambda _: events.pop(0)())
    one = screen(100)
    watch(tmp_path, screen=one)
    assert events == []
    text = one.file.getvalue()
    assert "no run yet" in text
    assert "Failed: why." in text or "It finished." in text


def test_a_pipe_gets_the_state_once(tmp_path, capsys):
    make(tmp_path / "one" / "0", "finished")
    watch(tmp_path)
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "one/0 gru adding seed 1" in text


@pytest.mark.parametrize(
    ("name", "run", "message"),
    [
        ("absent", None, "DIR=.*absent is no folder: legal is a folder of runs"),
        ("", "3", "run=3 is no run in .*: legal are one/0"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path, name, run, message):
    make(tmp_path / "one" / "0", "finished")
    with pytest.raises(ConfigError, match=message):
        Watched(tmp_path / name, run)


@pytest.mark.parametrize("name", ["0", "one/0", "{root}/one/0"])
def test_a_run_is_chosen_by_the_end_of_its_path(tmp_path, name):
    for place in ("one/0", "one/10"):
        make(tmp_path / place, "finished")
    assert Watched(tmp_path, name.format(root=tmp_path)).chosen.folder == tmp_path / "one" / "0"


def test_the_command_needs_no_jax(tmp_path):
    make(tmp_path / "0", "finished")
    code = (
        f"import sys; sys.argv = ['watch', {str(tmp_path)!r}, '--once']\n"
        "from seqlab.cli.watch import main; main(); assert 'jax' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 run: 1 finished" in done.stdout


@pytest.mark.runs
def test_a_real_run_is_seen_while_it_is_trained_and_after_it(command, tmp_path):
    overrides = tiny("adding", "many_to_one", "training.steps=300000", "training.steps_per_call=5")
    with subprocess.Popen(
        [sys.executable, "-m", "seqlab.train", *overrides, "hydra.run.dir=runs/one"], cwd=tmp_path
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and not (tmp_path / "runs/one/run.json").exists():
                time.sleep(0.2)
            seen = command("watch", "runs", "--once")
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(timeout=60) == 130
        finally:
            process.kill()
    assert "1 running" in seen.stdout
    after = command("watch", "runs")
    assert (after.returncode, after.stderr) == (0, "")
    assert "1 interrupted" in after.stdout  # also before its first row, while it compiles
    assert json.loads((tmp_path / "runs/one/summary.json").read_text())["verdict"][:60] in after.stdout


values = st.one_of(st.floats(-1e9, 1e9), st.sampled_from([math.nan, math.inf, -math.inf, 0.0]))


@given(st.lists(values, max_size=8), st.lists(values, max_size=2), st.integers(24, 90), st.integers(4, 12))
@settings(max_examples=40)
def test_a_curve_takes_the_room_that_it_is_given(numbers, levels, width, height):
    named = {f"level {place}": level for place, level in enumerate(levels)}
    lines = draw_curve(Curve("loss", range(len(numbers)), numbers, named, 10), width, height).plain.split(
        "\n"
    )
    if not any(map(math.isfinite, numbers)):
        assert lines == ["loss: no value yet"]
        return
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert "".join(lines).count("●") == 1


@given(
    st.integers(1, 5),
    st.integers(1, 9),
    st.integers(1, 20),
    st.integers(1, 6),
    st.booleans(),
    st.integers(0, 9),
)
def test_a_heat_map_takes_the_room_that_it_is_given(rows, times, width, height, colours, seed):
    decades = np.random.default_rng(seed).choice(
        [0.0, -3.0, 2.5, math.nan, math.inf, -math.inf], (rows, times)
    )
    lines = draw_heat_map(decades, width, height, 6.0, colours).plain.split("\n")
    assert [len(line) for line in lines] == [width] * height
    if not colours:
        assert set("".join(lines)) <= {digit(value) for value in decades.ravel()}


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_digits_of_decades_keep_sign_and_size(decades):
    found = digit(decades)
    assert len(found) == 1
    assert (found in "123456789") == (decades < -0.5)
    assert (found in "ABCDEFGHI") == (decades > 0.5)
