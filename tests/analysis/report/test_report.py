"""The report: whole from run folders of any state, safe with any text in them, and readable by a browser."""

from __future__ import annotations

import html.parser
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hand_made import write_run
from plotly.offline import get_plotlyjs

from seqlab.analysis.report import page, write_report
from seqlab.analysis.sweep_summary import SweepSummary
from seqlab.tracking.encoding import to_json
from seqlab.types import ConfigError

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MAX_BYTES = 6 * 2**20


def write_logged(folder: Path, overrides=(), num_rows: int = 5, T: int = 12, **summary) -> Path:
    """Write a run folder with rows as a recurrent run with `gradients=full` logs them."""
    run = write_run(folder, overrides, scores=[0.2, 0.1, 0.005], **summary)
    steps = [10 * place for place in range(1, num_rows + 1)]
    gate = {"mean": 0.5, "closed": 0.1, "open": 0.2, "memory_steps": 3.0, "histogram": [1] * 20}
    with (run / "metrics.jsonl").open("a") as file:
        for step in steps:
            through = (-0.05 * np.arange(T)[::-1] - step / 1000).round(3)
            row = {
                "step": step,
                "train/loss": 1 / step,
                "grads/norm": 0.1,
                "recurrent/lyapunov": [-0.1, -0.2],
            }
            row |= {"grads/through_time/log10_norm": through, "grads/through_time/slope": -0.05}
            row |= {f"gates/forget/{name}": value for name, value in gate.items()}
            file.write(f"{to_json({**row, 'recurrent/spectral_radius': 1.0})}\n")
    return run


def write_answers(run: Path, text: str) -> None:
    """Write examples as a classifier and as an encoder-decoder with attention store them."""
    one = {"input": text, "target": text, "answer": text, "targets": [0.1, 0.2], "answers": [0.2, 0.1]}
    one |= {"attention": [[0.25, 0.75]], "read": [text, text], "written": [text]}
    reliability = {"confidence": [0.5, 0.9], "accuracy": [0.4, 1.0], "count": [2, 3]}
    confusion = {"names": [text, "other"], "counts": [[1, 2], [0, 2]]}
    told = {"split": "test", "exact": True, "examples": [one], "confusion": confusion}
    told |= {"reliability": reliability, "calibration_error": 0.1}
    told |= {"regression": {"targets": [0.5, -1], "answers": [0.4, 2]}}
    (run / "examples.json").write_text(json.dumps(told))


def write_sweep(folder: Path, num_seeds: int = 2, **rows) -> Path:
    for cell in ("elman", "lstm", "gru"):
        for task in ("adding", "parity_check"):
            for seed in range(num_seeds):
                overrides = [f"cell={cell}", f"task={task}", f"seed={seed}"]
                write_logged(folder / f"{cell}-{task}-{seed}", overrides, **rows)
    return folder


class Page(html.parser.HTMLParser):
    """The elements, the text and the figures of a page, without Plotly's source."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        source = path.read_text()
        assert source.count(get_plotlyjs()) == 1
        self.source = source.replace(get_plotlyjs(), "")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(self.source)
        start = self.source.index('id="figures">') + len('id="figures">')
        self.figures = json.loads(self.source[start : self.source.index("</script>", start)])

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)

    def count(self, tag: str) -> int:
        return [name for name, _ in self.elements].count(tag)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_a_sweep_has_every_section_and_figures_without_gaps(tmp_path):
    write_sweep(tmp_path)
    (tmp_path / "lstm-adding-0" / "lengths.csv").write_text("length,test/mse\n10,0.1\n20,0.2\n")
    write_answers(tmp_path / "gru-adding-0", "a")
    found = Page(write_report(tmp_path))
    sections = [attributes["id"] for tag, attributes in found.elements if tag == "section"]
    expected = [
        "groups",
        "learning",
        "gradients",
        "gates",
        "jacobian",
        "lengths",
        "predictions",
        "runs",
        "timing",
        "again",
    ]
    assert [name for name in sections if name in expected] == expected
    charts = [
        int(attributes["data-chart"]) for tag, attributes in found.elements if "data-chart" in attributes
    ]
    assert charts == list(range(len(found.figures)))
    assert found.count("figure") == sum(
        "aria-label" in a for tag, a in found.elements if a.get("class") == "plot"
    )
    maps = [one for figure in found.figures for one in figure["data"] if one["type"] == "heatmap"]
    flows = [one for one in maps if one.get("zmin", 0) < 0]
    assert len(flows) == 6
    assert len({(one["zmin"], one["zmax"]) for one in flows}) == 1
    assert "Target over prediction: " in found.text
    assert all(np.shape(one["z"]) == (len(one["y"]), len(one["x"])) for one in maps)


@pytest.mark.parametrize("status", ["finished", "diverged", "failed", "incompatible", "interrupted", None])
@pytest.mark.parametrize("rows", ["none", "whole", "half a line"])
def test_a_run_in_any_state_has_a_report(tmp_path, status, rows):
    write = write_run if rows == "none" else write_logged
    run = write(tmp_path / "run", ["cell=gru"], status=status, reason="because of it")
    if rows == "half a line":
        with (run / "metrics.jsonl").open("a") as file:
            file.write('{"step": 90, "train/lo')
    found = Page(write_report(run))
    assert (status or "Not ended") in found.text
    if status not in ("finished", None):
        assert "because of it" in found.text
    assert ('id="learning"' in found.source) == (rows != "none")


DAMAGES = [
    ("metrics.jsonl", lambda row: row | {"train/loss": 1e308}),
    ("metrics.jsonl", lambda row: row | {"gates/forget/histogram": [1] * (row["step"] // 10)}),
    ("metrics.jsonl", lambda row: {key: {"a": 1} for key in row} | {"step": row["step"]}),
]


@pytest.mark.parametrize(("file", "damage"), DAMAGES)
def test_values_that_no_run_writes_leave_out_no_more_than_their_section(tmp_path, file, damage):
    run = write_logged(tmp_path / "run", ["cell=gru"])
    rows = [damage(json.loads(line)) for line in (run / file).read_text().splitlines()]
    (run / file).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert 'id="again"' in Page(write_report(run)).source


def test_a_table_of_lengths_with_more_values_than_names_hides_nothing(tmp_path):
    run = write_logged(tmp_path / "run", ["cell=gru"])
    (run / "lengths.csv").write_text("length\n1,2,3\n")
    assert 'id="left-out"' not in Page(write_report(run)).source


@pytest.mark.parametrize(
    "file",
    [
        "summary.json",
        ".hydra/config.yaml",
        ".hydra/overrides.yaml",
        "metrics.jsonl",
        "examples.json",
        "lengths.csv",
        "run.json",
    ],
)
def test_a_damaged_run_does_not_hide_the_others(tmp_path, file):
    write_sweep(tmp_path)
    (tmp_path / "gru-adding-1" / file).write_text('{"\n}\n')
    found = Page(write_report(tmp_path))
    assert "gru-adding-1" in found.text
    assert "12 runs" in found.text


def test_text_of_runs_is_text(tmp_path):
    benign, hostile = tmp_path / "benign", tmp_path / "hostile"
    for folder, text in ((benign, "plain"), (hostile, HOSTILE)):
        told = {"notes": text, "name": text, "sample": text, "reason": text, "warnings": [text], "cell": text}
        told |= {"data": {text: {text: text}}, "baselines": {text: 1.0}, "versions": {text: text}}
        for seed in range(2):
            run = write_logged(folder / str(seed), [f"seed={seed}"], **told)
            (run / "train.log").write_text(text)
            write_answers(run, text)
    names = Page(write_report(benign)), Page(write_report(hostile))
    counts = [{tag: one.count(tag) for tag in ("script", "img", "section", "figure", "td")} for one in names]
    assert counts[0] == counts[1]
    assert counts[1]["img"] == 0
    assert HOSTILE in names[1].text
    assert HOSTILE in {trace.get("name") for figure in names[1].figures for trace in figure["data"]}


def test_a_page_loads_nothing(tmp_path):
    found = Page(write_report(write_sweep(tmp_path, 1)))
    for _, attributes in found.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:,"))
    assert "url(" not in found.source
    assert "@import" not in found.source


def test_runs_of_several_folders_stand_side_by_side(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, other = (write_logged(tmp_path / name, ["seed=0"]) for name in ("one", "other"))
    found = Page(write_report([one, other, one]))
    assert (tmp_path / "report.html").exists()
    assert "2 runs" in found.text
    medians = [trace for trace in found.figures[0]["data"] if trace.get("meta") == "run"]
    assert len(medians) == 2


@pytest.mark.parametrize(("paths", "output", "named"), [
    (["missing"], None, "missing"),
    (["empty"], None, "empty"),
    (["run", "empty"], None, "empty"),
    (["run"], ".", "--output"),
    (["run"], "run/metrics.jsonl/page.html", "--output"),
])  # fmt: skip
def test_a_refusal_names_the_path_and_writes_nothing(tmp_path, paths, output, named):
    write_logged(tmp_path / "run")
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError, match=named):
        write_report([tmp_path / path for path in paths], None if output is None else tmp_path / output)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_command_prints_the_page(tmp_path, inside):
    write_logged(tmp_path / "run")
    done = inside("report", str(tmp_path / "run"))
    assert (done.returncode, done.stdout.split()) == (0, [str(tmp_path / "run" / "report.html")])


@pytest.mark.parametrize("fault", [None, OSError("full")])
def test_a_sweep_ends_with_its_report_whatever_that_does(tmp_path, monkeypatch, capsys, caplog, fault):
    from omegaconf import OmegaConf

    write_sweep(tmp_path, 1)
    if fault is not None:
        monkeypatch.setattr(page, "render", lambda *_: (_ for _ in ()).throw(fault))
    SweepSummary().on_multirun_end(OmegaConf.create({"hydra": {"sweep": {"dir": str(tmp_path)}}}))
    assert (tmp_path / "report.html").exists() == (fault is None)
    assert (f"report: {tmp_path / 'report.html'}" in capsys.readouterr().out) == (fault is None)
    assert ("report" in caplog.text) == (fault is not None)


def test_forty_eight_runs_fit_into_six_megabytes(tmp_path):
    write_sweep(tmp_path, 8, num_rows=60, T=100)
    assert write_report(tmp_path).stat().st_size <= MAX_BYTES


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_browser_draws_the_page_without_an_error(tmp_path):
    for place, text in enumerate(("plain", HOSTILE)):
        write_logged(tmp_path / str(place), [f"seed={place}"], notes=text, name=text, cell=text)
    path = write_report(tmp_path)
    quiet = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--virtual-time-budget=9999",
        "--window-size=1200,9000",
    ]
    command = [CHROMIUM, *quiet, f"--user-data-dir={tmp_path / 'browser'}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.count('<svg class="main-svg"') >= 3 * len(Page(path).figures)
    assert "CONSOLE" not in done.stderr
