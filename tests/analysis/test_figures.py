"""Figures of runs: every word can be read, and the best is where it is looked for."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hand_made import write_run
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

import seqlab
from seqlab.analysis.direct_labels import spread
from seqlab.analysis.dynamics.figure import draw_dynamics
from seqlab.analysis.dynamics.fixed_points import FixedPoints
from seqlab.analysis.dynamics.network_map import Visited
from seqlab.analysis.gate_figure import draw_gates, gates_of
from seqlab.analysis.groups import group_runs
from seqlab.analysis.panels import panels, value_texts
from seqlab.analysis.parallel_coordinates import parallel_coordinates, score_axis
from seqlab.analysis.principal_axes import principal_axes
from seqlab.analysis.run_titles import run_titles
from seqlab.analysis.state_figure import Trajectories, draw_states, principal_components
from seqlab.analysis.studies import StateSizes
from seqlab.analysis.sweep_figures import gradient_slope, learning_curves
from seqlab.analysis.sweep_runs import read_sweep, swept_keys
from seqlab.runs.by_length import ByLength
from seqlab.tracking.figure_style import WIDTHS, read_width
from seqlab.tracking.flow_figure import draw as draw_flows
from seqlab.tracking.gradient_flow import LOG10_NORM, SLOPE, flow_of
from seqlab.types import ConfigError, Goal

RATES = (0.001, 0.004430375245218269, 0.02)


def assert_readable(figure):
    """Every word that is drawn lies within the picture, and none lies on another."""
    canvas, drawn = FigureCanvasAgg(figure), []

    def draw(text, *arguments, original=Text.draw):
        drawn.append(text)
        return original(text, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        figure.draw_without_rendering()  # the layout is computed
        patch.setattr(Text, "draw", draw)
        canvas.draw()
    renderer, (width, height) = canvas.get_renderer(), canvas.get_width_height()
    shown = [text for text in drawn if text.get_visible() and text.get_text().strip()]
    boxes = {text: Text.get_window_extent(text, renderer) for text in shown}
    for text, box in boxes.items():
        inside = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert inside, f"{text.get_text()!r} is cut off: {box}"
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across < 1 or down < 3, f"{one.get_text()!r} lies on {other.get_text()!r}"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Write the runs of two cells and three rates, with a seed each, and one that diverged."""
    folder = tmp_path_factory.mktemp("sweep")
    for number, (cell, rate) in enumerate(itertools.product(("elman", "gru"), RATES)):
        overrides = [f"cell={cell}", f"optimizer.learning_rate={rate}"]
        write_run(folder / str(number), overrides, [0.2, 0.002 * (number + 1)], [-0.1 * number + 0.2])
    write_run(folder / "bad", ["optimizer.learning_rate=1.0"], [0.2, np.nan], status="diverged")
    return folder


def groups_of(folder):
    runs = read_sweep(folder)
    return group_runs(runs, swept_keys(runs))


@pytest.mark.parametrize("draw", [learning_curves, gradient_slope, parallel_coordinates])
@pytest.mark.parametrize("width", [None, WIDTHS["page"]])
def test_every_word_of_a_sweeps_figure_can_be_read(sweep, draw, width):
    figure = draw(groups_of(sweep), width)
    assert_readable(figure)
    assert "0.00443" in "".join(
        text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))
    )
    assert width is None or figure.get_size_inches()[0] == width


@pytest.mark.parametrize("draw", [learning_curves, gradient_slope, parallel_coordinates])
def test_many_kinds_of_run_have_labels_that_can_be_read(tmp_path, draw):
    for number in range(20):
        overrides = [f"optimizer.learning_rate={1.37**number}e-4", f"cell.forget_bias_init={number}"]
        write_run(tmp_path / str(number), overrides, [0.1, 0.1 * 1.1**number], [0.1])
    assert_readable(draw(groups_of(tmp_path)))


def test_a_curve_of_one_evaluation_is_seen(tmp_path):
    write_run(tmp_path / "0", [], [0.2])
    (ax,) = learning_curves(groups_of(tmp_path)).axes
    (curve,) = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert curve.get_marker() == "o"


def test_each_problem_has_a_panel(tmp_path):
    for number, (length, cell) in enumerate(itertools.product((10, 20), ("gru", "lstm"))):
        write_run(tmp_path / str(number), [f"task.length={length}", f"cell={cell}"], [0.2, 0.1])
    axes = learning_curves(groups_of(tmp_path)).axes
    titles = [ax.get_title("left") for ax in axes]
    assert titles == ["adding, many_to_one, length=10", "adding, many_to_one, length=20"]
    assert [{text.get_text() for text in ax.texts} >= {"gru", "lstm"} for ax in axes] == [True, True]


def test_a_band_does_not_widen_the_axes(tmp_path):
    for seed, score in enumerate((0.2, 0.9, 1.0, 1.0, 1.0, 1.0)):
        write_run(tmp_path / str(seed), [f"seed={seed}"], [score, score], higher_is_better=True)
    (ax,) = learning_curves(groups_of(tmp_path)).axes
    assert ax.get_ylim()[1] < 1.1


def test_a_run_that_goes_on_is_drawn_so_far(tmp_path):
    write_run(tmp_path / "0", [], [0.3, 0.2], status=None)
    figure = seqlab.draw(tmp_path, "curves")
    assert [line for line in figure.axes[0].lines if list(line.get_ydata()) == [0.3, 0.2]]
    write_run(tmp_path / "1", ["cell=lstm"], [0.2])
    assert_readable(seqlab.draw(tmp_path, "curves"))


@pytest.mark.parametrize("higher", [True, False])
def test_the_best_score_is_on_top(tmp_path, higher):
    write_run(tmp_path / "0", [], [0.2], higher_is_better=higher)
    (panel,) = panels(groups_of(tmp_path))
    scores = np.array([0.1, np.nan, 3.0, 0.5])
    found = score_axis(scores, panel)
    best = np.nanargmax(scores if higher else -scores)
    assert found.places[best] == 1
    assert np.isnan(found.places[1])
    assert len(found.ticks) == 5


def test_the_words_about_a_slope_meet_at_zero(sweep):
    (ax,) = gradient_slope(groups_of(sweep)).axes
    words = {
        text.get_text(): text.xy[0] for text in ax.texts if text.get_text() in ("← vanishing", "exploding →")
    }
    assert set(words.values()) == {0}


def test_texts_of_values_are_short_and_differ():
    texts = value_texts([0.004430375245218269, 0.01, "tanh", None])
    assert list(texts.values()) == ["0.00443", "0.01", "tanh", "null"]
    assert set(value_texts([0.10001, 0.10002]).values()) == {"0.10001", "0.10002"}


def test_titles_name_keys_and_values(sweep):
    runs = [run for run in read_sweep(sweep) if run.is_finished][:2]
    titles, common = run_titles(runs)
    assert titles == ["learning_rate=0.001", "learning_rate=0.00443"]
    assert common == "elman, many_to_one, adding, seed 0"


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_spread_without_overlap(seed):
    wanted = np.random.default_rng(seed).random(9)
    places = spread(wanted, np.full(9, 0.1))
    ordered = np.sort(places)
    assert (np.diff(ordered) > 0.1 - 1e-6).all()
    assert ordered[0] >= 0.05 - 1e-6
    assert ordered[-1] <= 0.95 + 1e-6
    np.testing.assert_array_equal(np.argsort(places), np.argsort(wanted))


@pytest.mark.parametrize("width", [None, *WIDTHS.values()])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_every_word_of_flows_can_be_read(width, scale):
    rows = [{"step": step, LOG10_NORM: np.linspace(-3, 0, 30), SLOPE: -0.1} for step in range(1, 1200, 100)]
    titles = ["cell=elman, learning_rate=0.00443", "cell=gru", "Elman ρ = 0.5", ""]
    flows = [
        flow_of(rows, title, theory) for title, theory in zip(titles, (-0.3, 0.02, None, 0), strict=True)
    ]
    assert_readable(draw_flows(flows, scale, width, "adding, many_to_one, seed 0"))


def test_a_width_is_a_name_or_inches():
    assert (read_width("column"), read_width("5.5")) == (3.4, 5.5)
    for wrong in ("wide", "0", "nan", "1000"):
        with pytest.raises(ConfigError, match=f"^width={wrong}: legal values are column, page, or inches"):
            read_width(wrong)


def test_gates_are_drawn_over_the_step():
    rows = [
        {"step": step, "gates/forget/mean": 0.9, "gates/forget/histogram": [0] * 10 + [step] * 10}
        for step in (1, 5, 9)
    ]
    (gate,) = gates_of(rows)
    np.testing.assert_allclose(gate.shares.sum(axis=1), 1)
    assert_readable(draw_gates([[gate] * 3, [gate]], ["cell=lstm", "cell=gru"], "adding", WIDTHS["column"]))


def test_principal_components_of_a_plane_are_that_plane():
    generator = np.random.default_rng(0)
    plane, _ = np.linalg.qr(generator.normal(size=(7, 2)))
    inside = generator.normal(size=(5, 4, 2)) * [3, 1]
    real = np.arange(4) < np.array([4, 1, 3, 4, 2])[:, None]
    places, explained = principal_components(inside @ plane.T, real)
    assert sum(explained) == pytest.approx(1)
    distance = lambda one: np.linalg.norm(one[real][:, None] - one[real][None], axis=-1)  # noqa: E731
    np.testing.assert_allclose(distance(places), distance(inside), atol=1e-12)


@pytest.mark.parametrize("width", [None, WIDTHS["column"]])
def test_fixed_points_are_drawn_among_trajectories(width):
    generator = np.random.default_rng(0)
    visited = Visited(generator.normal(size=(9, 4, 5)), np.zeros((9, 4, 1)), np.ones((9, 4), bool))
    jacobians = generator.normal(size=(4, 5, 5)) * np.array([0.1, 0.6, 0.6, 9])[:, None, None]
    eigenvalues = np.linalg.eigvals(jacobians).astype(complex)
    speeds, states = np.array([0, 0, 1e-5, 0]), generator.normal(size=(4, 5))
    points = FixedPoints(states, speeds, jacobians, eigenvalues, np.ones(4, int))
    axes = principal_axes(visited.states[visited.real])
    exponents = np.array([0.1, 0, -1, -2, -np.inf])
    figure = draw_dynamics(
        points, visited, axes, exponents, "layer_norm_lstm, many_to_many, flip_flop", width
    )
    assert_readable(figure)
    assert {"stable", "saddle"} <= set(points.kinds)


@pytest.mark.parametrize("labels", [None, np.arange(6) % 2, np.ones((6, 4), int), np.linspace(0, 1, 6)])
def test_states_are_drawn_with_whatever_labels_there_are(labels):
    places = np.random.default_rng(0).normal(size=(6, 4, 2))
    found = Trajectories(places, np.ones((6, 4), bool), labels, (0.6, 0.3))
    assert_readable(draw_states([found], [""], "gru, parity_check"))
    if labels is None:
        with pytest.raises(ConfigError, match="colour=label"):
            draw_states([found], [""], "gru", colour="label")


def test_a_name_tells_split_and_lengths():
    def name(lengths, split="test"):
        rows = [{"length": length} for length in lengths]
        return (
            ByLength(rows, split, Goal("accuracy", True), 0.5, (1, 2))
            ._replace(rows=[{**row, f"{split}/accuracy": 1.0} for row in rows])
            .name
        )

    assert name(range(41, 501)) == "test_41-500"
    assert name([5, 9], "validation") == "validation_5_9"
    assert name(range(1, 200, 2)) == "test_1-199_of_100"


def test_one_call_draws_a_kind_and_writes_both_forms(sweep, tmp_path):
    output = tmp_path / "curves.png"
    seqlab.draw(sweep, "curves", width=5.0, output=output)
    assert output.read_bytes().startswith(b"\x89PNG")
    assert b"eval/mse" in output.with_suffix(".svg").read_bytes()
    for wrong in ({"kind": "flows"}, {"kind": "gates"}, {"kind": "curves", "scale": "log"}):
        with pytest.raises(ConfigError):
            seqlab.draw(sweep, **wrong)
    assert json.loads((sweep / "0" / "summary.json").read_text())["status"] == "finished"


def test_scores_over_the_size_of_the_state_leave_out_a_size_that_is_missing(tmp_path):
    sizes = {"elman": 8, "lstm": 16, "gru": None}
    for cell, size in sizes.items():
        known = {} if size is None else {"state_size": size}
        write_run(tmp_path / cell, [f"cell={cell}"], [0.5], **known)
    figure, table = StateSizes(str(tmp_path)).summarise(tmp_path)
    (ax,) = figure.axes
    drawn = [float(x) for line in ax.lines if line.get_marker() == "o" for x in line.get_xdata()]
    assert drawn == [8, 16]
    assert {"baseline", "solved at"} <= {line.get_label() for line in ax.lines}
    assert [line.split("|")[-2].strip() for line in table.splitlines()[2:5]] == ["8", "–", "16"]
    assert_readable(figure)
