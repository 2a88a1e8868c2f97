"""Figures of the pages in docs/learn, from the folders that their commands write.

    python scripts/make_learn_figures.py runs/learn/vanishing [more folders]

The name of the folder says which figure is drawn. It is written into the folder as `figure.png`, or with
`--output docs/learn/figures` as `vanishing.png` into that folder.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from learn_drawing import COLORS, axes, draw_lines, forms, label_lines
from matplotlib.figure import Figure
from PIL import Image

from seqlab import TrainedRun, load_run
from seqlab.cells import Elman
from seqlab.recurrence import unroll
from seqlab.runs.states import states

THROUGH_TIME = "grads/through_time/log10_norm"


def runs_in(folder: Path) -> list[TrainedRun]:
    """Return the runs of a sweep in the order of their numbers."""
    numbered = sorted(
        (path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name)
    )
    return [load_run(path) for path in numbered]


def value(run: TrainedRun, key: str) -> Any:
    """Return a value of a run's config by its key with dots."""
    found: Any = run.config
    for part in key.split("."):
        found = found[part]
    return found


def curve(run: TrainedRun, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps and the values of a scalar metric."""
    column = run.metrics[metric].dropna().astype(float)
    return column.index.to_numpy(), column.to_numpy()


def first_gradient(run: TrainedRun) -> np.ndarray:
    """Return log10 ‖∂L/∂h_t‖ over t before the first update."""
    return np.asarray(run.metrics[THROUGH_TIME].dropna().iloc[0], float)


def state(folder: Path) -> Figure:
    """Accuracy of a feed-forward and a recurrent network, and the hidden state on one string."""
    runs = {run.summary["architecture"]: run for run in runs_in(folder)}
    figure, (left, right) = axes(columns=2, width_ratios=[1, 1.1])
    names = {"one_to_one": "feed-forward", "many_to_many": "Elman"}
    left.set(xlabel="optimiser step", ylabel="accuracy, training", ylim=(0.4, 1.03))
    draw_lines(left, [(*curve(run, "train/accuracy"), names[name]) for name, run in runs.items()])
    run = runs["many_to_many"]
    batch = run.task.batch(jax.random.key(3), 32, split="test", framing="many_to_many")
    row = int(np.argmax(batch.lengths))
    length = int(batch.lengths[row])
    hidden = np.asarray(states(run.network, run.params, batch)["layer_0"].hidden)[row, :length]
    parity = np.asarray(batch.targets)[row, :length].astype(int).ravel()
    order = np.argsort(np.nan_to_num([np.corrcoef(unit, parity)[0, 1] for unit in hidden.T]))
    right.imshow(hidden.T[order], cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    bits = np.asarray(batch.inputs)[row, :length].astype(int).ravel()
    right.set_xticks(range(length), [f"{bit}\n{odd}" for bit, odd in zip(bits, parity, strict=True)])
    right.set(xlabel="bit read (above), parity so far (below)", ylabel="hidden unit")
    right.grid(visible=False)
    return figure


def elman(folder: Path) -> Figure:
    """How long the state of untrained networks echoes one input, by the scale of R."""
    figure, (ax,) = axes()
    impulse = jnp.zeros((1, 40, 1)).at[0, 0].set(1.0)
    lines = []
    for scale in (0.5, 0.9, 1.1):
        cell = Elman(32, recurrent_scale=scale)
        carry = cell.initialize_carry(jax.random.key(0), (1, 1))
        params = cell.init(jax.random.key(1), carry, impulse[:, 0])["params"]
        _, outputs = unroll(cell, params, impulse)
        lines.append((np.arange(1, 41), np.linalg.norm(outputs[0], axis=-1), f"g = {scale:g}"))
    ax.set(xlabel="time step t", ylabel="‖h_t‖ after one input at t = 1", ylim=(0, 1.05 * max(lines[-1][1])))
    draw_lines(ax, lines)
    return figure


def bptt(folder: Path) -> Figure:
    """The gradient through time with a loss at the end, and with one at every step."""
    figure, (ax,) = axes()
    names = {"many_to_one": "loss at the\nlast step", "many_to_many": "loss at\nevery step"}
    lines = []
    for run in runs_in(folder):
        norms = first_gradient(run)
        lines.append((np.arange(1, len(norms) + 1), norms, names[run.summary["architecture"]]))
    ax.set(xlabel="time step t", ylabel="log10 ‖∂L/∂h_t‖")
    draw_lines(ax, lines)
    return figure


def vanishing(folder: Path) -> Figure:
    """The gradient through time of linear networks, by the scale of their recurrent matrix."""
    figure, (ax,) = axes(height=3.2)
    ends = []
    for run, color in zip(runs_in(folder), COLORS, strict=True):
        scale, norms = value(run, "cell.recurrent_scale"), first_gradient(run)
        steps = np.arange(1, len(norms) + 1)
        theory = norms[-1] + np.log10(scale) * (len(norms) - steps)
        ax.plot(steps, theory, color="0.6", linewidth=4, alpha=0.5)
        ax.plot(steps, norms, color=color, linewidth=1.2)
        ends.append((1, norms[0], f"g = {scale:g}", color))
    ax.set(xlabel="time step t", ylabel="log10 ‖∂L/∂h_t‖", xlim=(100, 0))
    label_lines(ax, ends)
    return figure


def forget(folder: Path) -> Figure:
    """The gradient through time of LSTMs before training, by the initial bias of the forget gate."""
    figure, (ax,) = axes(height=3.2)
    ends = []
    for run, color in zip(runs_in(folder), COLORS, strict=True):
        norms = np.asarray(run.metrics["grads/through_time/cell/log10_norm"].dropna().iloc[0], float)
        memory = float(run.metrics["gates/forget/memory_steps"].dropna().iloc[0])
        ax.plot(np.arange(1, len(norms) + 1), norms, color=color, linewidth=1.3)
        bias, first = value(run, "cell.forget_bias_init"), int(np.flatnonzero(np.isfinite(norms))[0])
        ends.append((first + 1, norms[first], f"bias {bias:g}: {memory:.2g} steps", color))
    ax.set(xlabel="time step t", ylabel="log10 ‖∂L/∂c_t‖", xlim=(100, 0))
    label_lines(ax, ends)
    return figure


def gates(folder: Path) -> Figure:
    """Learning curves of three cells, and the slope of their gradients through time."""
    figure, (left, right) = axes(columns=2)
    runs = runs_in(folder)
    metric = f"eval/{runs[0].summary['metric']}"
    left.set(xlabel="optimiser step", ylabel=metric.replace("eval/", "validation "), yscale="log")
    draw_lines(left, [(*curve(run, metric), run.summary["cell"]) for run in runs])
    right.set(xlabel="optimiser step", ylabel="slope, decades a step")
    draw_lines(right, [(*curve(run, "grads/through_time/slope"), run.summary["cell"]) for run in runs])
    return figure


def truncation(folder: Path) -> Figure:
    """Learning curves by the number of steps that the gradient may travel."""
    figure, (ax,) = axes()
    runs = runs_in(folder)
    metric = f"eval/{runs[0].summary['metric']}"
    ax.set(xlabel="optimiser step", ylabel=metric.replace("eval/", "validation "), yscale="log")
    windows = [value(run, "training.bptt_window") for run in runs]
    names = [f"{window} steps" if window else "all steps" for window in windows]
    draw_lines(ax, [(*curve(run, metric), name) for run, name in zip(runs, names, strict=True)])
    return figure


def clipping(folder: Path) -> Figure:
    """Gradient norms before clipping, and the loss, with and without it."""
    figure, (left, right) = axes(columns=2)
    runs = runs_in(folder)
    names = ["clipped" if value(run, "training.clip_norm") else "not clipped" for run in runs]
    for ax, metric, text in (
        (left, "grads/norm", "‖gradient‖ before clipping"),
        (right, "train/loss", "loss, training"),
    ):
        ax.set(xlabel="optimiser step", ylabel=text, yscale="log")
        for run, name, color in zip(runs, names, COLORS, strict=False):
            steps, values = curve(run, metric)
            ax.plot(steps[::2], values[::2], color=color, linewidth=0.9, label=name)
    right.legend(fontsize=8, frameon=False)
    return figure


def lengths(folder: Path) -> Figure:
    """Accuracy at lengths inside and outside those of training."""
    figure, found = axes(columns=2, sharey=True)
    for run in runs_in(folder):
        longest, varied = value(run, "task.length"), value(run, "task.curriculum") == "uniform"
        at, scores = run.evaluate(lengths=range(2, 4 * longest + 1)).curve
        ax, cell = found[varied], run.summary["cell"]
        ax.plot(at, scores, color=COLORS[cell == "gru"], linewidth=1.3, label=cell)
        ax.set_xlabel("length of the string")
        ax.set_title(f"trained at length{f's 1 to {longest}' if varied else f' {longest}'}", fontsize=9)
        if cell == "gru":
            ax.axvspan(0.5 if varied else longest - 0.5, longest + 0.5, color="0.88", zorder=0)
    found[0].set_ylabel("accuracy, test")
    found[1].legend(fontsize=8, frameon=False)
    return figure


def fair(folder: Path) -> Figure:
    """The score of each seed, and the mean with its 95 % interval, of two cells."""
    figure, (ax,) = axes(height=2.2)
    groups = json.loads((folder / "sweep.json").read_text())["groups"]
    runs = runs_in(folder)
    for row, (group, color) in enumerate(zip(groups, COLORS, strict=False)):
        own = [run for run in runs if run.summary["cell"] == group["cell"]]
        scores = [run.summary["test"][f"test/{run.summary['metric']}"] for run in own]
        ax.plot(scores, [row] * len(scores), "o", color=color, alpha=0.5)
        ax.plot(group["interval_95"], [row - 0.25] * 2, color=color, linewidth=2)
        ax.plot(group["mean"], row - 0.25, "|", color=color, markersize=12, markeredgewidth=2)
    ax.set_yticks(range(len(groups)), [group["cell"] for group in groups])
    ax.set(xlabel=f"test {runs[0].summary['metric']} of each seed, and the mean with its 95 % interval")
    ax.set_ylim(-0.6, len(groups) - 0.6)
    return figure


def applications(folder: Path) -> Figure:
    """The error of a forecast next to that of simple forecasts."""
    figure, (ax,) = axes(height=1.9)
    summary = load_run(folder).summary
    scores = {**summary["baselines"], "network": summary["test"][f"test/{summary['metric']}"]}
    names = sorted(scores, key=lambda name: -scores[name])
    colors = [COLORS[0] if name == "network" else "0.7" for name in names]
    ax.barh(names, [scores[name] for name in names], color=colors, height=0.6)
    for row, name in enumerate(names):
        ax.text(scores[name], row, f" {scores[name]:.2f}", va="center", fontsize=8)
    ax.set(xlabel=f"test {summary['metric']} (lower is better)")
    return figure


FIGURES: dict[str, Callable[[Path], Figure]] = {
    draw.__name__: draw
    for draw in (
        state,
        elman,
        bptt,
        vanishing,
        forget,
        gates,
        truncation,
        clipping,
        lengths,
        fair,
        applications,
        forms,
    )
}


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a small PNG, of 64 colours."""
    drawn = io.BytesIO()
    figure.savefig(drawn)
    Image.open(drawn).convert("RGB").quantize(64).save(path, optimize=True)


def main() -> None:
    """Draw the figure of each folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help=f"one of {', '.join(FIGURES)}"
    )
    parser.add_argument("--output", type=Path, help="a folder for all figures")
    options = parser.parse_args()
    for folder in options.folders:
        path = options.output / f"{folder.name}.png" if options.output else folder / "figure.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        save(FIGURES[folder.name](folder), path)
        print(path)


if __name__ == "__main__":
    main()
