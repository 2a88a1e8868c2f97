"""Figure of the gradient flow: shows what the rows contain, for any rows."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from seqlab.cli.figure import main
from seqlab.tracking import RunFolder
from seqlab.tracking.figure_style import pixels
from seqlab.tracking.flow_canvas import picture
from seqlab.tracking.flow_figure import draw
from seqlab.tracking.gradient_flow import LOG10_NORM, MAX_DECADES, SLOPE, flow_of

INF, NAN = np.inf, np.nan


def rows(*lines):
    return [
        {"step": 10 * step, LOG10_NORM: list(line), SLOPE: -0.3} for step, line in enumerate(lines, start=1)
    ]


def test_decades_are_counted_from_the_last_t_with_a_gradient():
    flow = flow_of(
        rows([-3, -2, -1], [INF, 3, 1], [-INF, -1, 0], [-4, -3, -INF], [NAN, 2, 1], [INF, NAN, -INF]), "run"
    )
    expected = [[-2, -1, 0], [INF, 2, 0], [-INF, -1, 0], [-1, 0, NAN], [NAN, 1, 0], [NAN, NAN, NAN]]
    np.testing.assert_array_equal(flow.relative, expected)


def test_rows_without_a_gradient_and_of_another_length_are_left_out():
    flow = flow_of([{"step": 1, "eval/loss": 2.0}, *rows([1, 2], [1, 2, 3], [4, 5, 6])], "run")
    np.testing.assert_array_equal(flow.steps, [20, 30])


@pytest.mark.parametrize("size", [1, 4, 50])
def test_thinning_keeps_the_ends(size):
    flow = flow_of(rows(*np.arange(7.0 * size).reshape(size, 7)), "run")
    thin = flow.thinned(5)
    assert thin.log10_norm.shape == (min(size, 5), 5)
    assert (thin.steps[0], thin.steps[-1]) == (flow.steps[0], flow.steps[-1])
    np.testing.assert_array_equal(thin.log10_norm[-1, [0, -1]], flow.log10_norm[-1, [0, -1]])


@pytest.mark.parametrize(
    ("slope", "word"),
    [(-0.3, "vanishes"), (-0.2, "flows"), (0.2, "flows"), (0.3, "explodes"), (NAN, "not a number")],
)
def test_a_word_says_whether_a_hundredth_is_left(slope, word):
    first, last = rows(range(9), range(9))
    flow = flow_of([first, {**last, SLOPE: slope}], "run")
    assert (flow.verdict(0)[0], flow.verdict(-1)[0]) == ("vanishes", word)
    assert [text.get_text() for text in draw([flow]).axes[0].texts] == ["vanishes", word]


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("lines", [[[-3.0, 0.0]], [[0.0]], [[NAN, NAN]], [[-30, 0], [INF, 1], [-INF, -INF]]])
def test_anything_can_be_drawn(lines, scale):
    flow = flow_of(rows(*lines), "run", theory=-0.3)
    figure = draw([flow, flow], scale)
    figure.canvas.draw()
    assert "vanished" in [text.get_text() for text in figure.axes[-1].texts]


def test_colours_are_one_scale_for_all():
    figure = draw([flow_of(rows(line), "run") for line in ([-1, 0], [4, 0], [20, 0])])
    meshes = [mesh for axis in figure.axes[:-1] for mesh in axis.collections]
    limits = {mesh.get_clim() for mesh in meshes}
    assert len(meshes) == 3
    assert limits == {(-6, 6)}


def test_the_pictures_of_a_run_share_one_scale():
    drawn = draw([flow_of(rows([-1, 0]), "run")], decades=MAX_DECADES)
    assert drawn.axes[0].collections[0].get_clim() == (-6, 6)


def test_pictures_on_one_figure_are_those_of_their_own():
    slopes = [-0.3, 0.0, 2.5, NAN]
    lines = [[-3, -2, -1], [INF, 3, 1], [-INF, -1, 0], [-4, -3, -INF]]
    drawn = [rows(*lines[turn:], *lines[:turn]) for turn in range(len(lines))] + [
        rows(*lines[:2]),
        rows([0, 1]),
    ]
    for number, found in enumerate(drawn):
        flow = flow_of([row | {SLOPE: slopes[(number + row["step"]) % 4]} for row in found], "run")
        np.testing.assert_array_equal(picture(flow), pixels(draw([flow], decades=MAX_DECADES)))


@pytest.fixture
def plot(monkeypatch, capsys):
    """Run the script and return its exit status and what it printed."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["figure", *map(str, arguments)])
        try:
            status = main()
        except SystemExit as stop:
            status = stop.code
        return status or 0, *capsys.readouterr()

    return call


def test_command_draws_runs_that_ended_badly_or_not_at_all(plot, tmp_path):
    for name, ended in (("diverged", True), ("running", False)):
        (tmp_path / name / ".hydra").mkdir(parents=True)
        (tmp_path / name / ".hydra" / "config.yaml").write_text("seed: 0")
        folder = RunFolder(tmp_path / name)
        for row in rows([-2, 0], [NAN, NAN]):
            folder.log(row)
        if ended:
            folder.finish({"status": "diverged", "cell": "elman", "task": "adding"})
    own, both = tmp_path / "diverged" / "gradient_flow.png", tmp_path / "both.png"
    assert plot(tmp_path / "diverged") == (0, f"{own}\n", "")
    assert plot(tmp_path / "diverged", tmp_path / "running", "--output", both) == (0, f"{both}\n", "")
    assert own.read_bytes()[:4] == both.read_bytes()[:4] == b"\x89PNG"


def test_script_says_in_one_line_what_it_cannot_do(plot, tmp_path):
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text("seed: 0")
    RunFolder(tmp_path).log({"step": 1, "train/loss": 1.0})
    for run, reason in ((tmp_path, "gradients=norms"), (tmp_path / "nowhere", "does not exist")):
        status, _, error = plot(run)
        assert (status, error.count("\n")) == (2, 1)
        assert error.startswith(f"error: RUN_DIR={run}")
        assert reason in error
    RunFolder(tmp_path).log(rows([1, 2])[0])
    status, _, error = plot(tmp_path, "--output", tmp_path / "picture.txt")
    assert (status, error.count("\n")) == (2, 1)
    assert error.startswith(f"error: --output={tmp_path}")


@pytest.mark.parametrize(("real", "word"), [(7, "flows"), (64, "vanishes")])
def test_a_verdict_is_about_the_steps_that_sequences_have(real, word):
    """Padding after the longest sequence has no gradient, and no slope leads through it."""
    line = [-0.07 * (real - t) if t <= real else -INF for t in range(1, 65)]
    row = {"step": 1, LOG10_NORM: line, SLOPE: -0.07}
    assert flow_of([row], "run").verdict(0)[0] == word
