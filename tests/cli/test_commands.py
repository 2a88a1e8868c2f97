"""Commands as a user types them."""

from __future__ import annotations

import csv
import json

import pytest
from tiny_runs import TINY, UNSTABLE, tiny

from seqlab import run
from seqlab.tracking import read_rows, read_summary

pytestmark = pytest.mark.runs

SHORT = [key for key in TINY if not key.startswith(("tracking.console", "training.log_every"))]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the folder of a run that can write."""
    folder = tmp_path_factory.mktemp("run")
    run([*tiny("python_docs", "many_to_many", "training.steps=2"), f"hydra.run.dir={folder}"])
    return folder


def sweep_rows(folder):
    with (folder / "sweep" / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_train_prints_plain_lines_into_a_pipe(command, tmp_path):
    done = command(
        "train",
        *tiny("adding", "many_to_one", "training.steps=2", "gradients=norms"),
        "tracking.console.mode=auto",
    )
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    (folder,) = tmp_path.glob("runs/*/*")
    summary = read_summary(folder)
    assert summary["status"] == "finished"
    lines = done.stdout.splitlines()
    assert summary["verdict"] in lines
    shown = folder.relative_to(tmp_path)
    assert lines[-4:] == [
        "next:",
        f"  python -m seqlab.report {shown}",
        f"  python -m seqlab.evaluate {shown}",
        f"  python -m seqlab.figure {shown}",
    ]
    assert (folder / ".hydra" / "config.yaml").exists()


def test_sweep_goes_on_past_what_does_not_fit(command, tmp_path):
    done = command(
        *(
            "train",
            "-m",
            "cell=elman,gru",
            "architecture=many_to_one,one_to_many,many_to_many",
            "task=digits",
        ),
        *("training.steps=1", "hydra.sweep.dir=sweep", *SHORT),
    )
    assert done.returncode == 0, done.stderr
    summaries = [read_summary(tmp_path / "sweep" / str(number)) for number in range(6)]
    for summary in summaries:
        fits = summary["architecture"] != "many_to_many"
        assert summary["status"] == ("finished" if fits else "incompatible")
        assert fits or "many_to_one" in summary["reason"]
    assert len({(summary["cell"], summary["architecture"]) for summary in summaries}) == 6
    assert [row["status"] for row in sweep_rows(tmp_path)] == [summary["status"] for summary in summaries]
    assert done.stdout.count(summaries[-1]["reason"]) >= 2  # at once, and at the end


def test_sweep_with_a_diverging_run_finishes_the_others_and_fails(command, tmp_path):
    rates = "optimizer.learning_rate=1e9,1e-9"
    done = command("train", "-m", *UNSTABLE, rates, "hydra.sweep.dir=sweep")
    assert done.returncode != 0
    statuses = [read_summary(tmp_path / "sweep" / str(number))["status"] for number in range(2)]
    assert statuses == ["diverged", "finished"]
    assert [row["status"] for row in sweep_rows(tmp_path)] == statuses
    assert f"diverged: {tmp_path / 'sweep' / '0'}" in done.stdout


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_evaluate_prints_json(inside, written, split):
    done = inside("evaluate", str(written), "--split", split, "--json")
    assert done.returncode == 0, done.stderr
    metrics = json.loads(done.stdout)
    assert set(metrics) == {f"{split}/{name}" for name in ("loss", "bits_per_character", "accuracy")}
    if split == "test":
        told = read_summary(written)["test"]
        assert metrics["test/loss"] == pytest.approx(told["test/loss"], rel=1e-5)


@pytest.mark.parametrize("task", ["parity_check", "python_docs"])
def test_evaluate_at_lengths(inside, tmp_path, task):
    run([*tiny(task, "many_to_one", "training.steps=1"), f"hydra.run.dir={tmp_path}"])
    done = inside("evaluate", str(tmp_path), "--lengths", "5,9", "--json")
    rows = json.loads(done.stdout)
    assert [row["length"] for row in rows] == [5, 9]
    with (tmp_path / "lengths_test_5_9.csv").open(newline="") as file:
        written = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    assert written == rows
    assert (tmp_path / "lengths_test_5_9.png").stat().st_size


def test_the_score_over_lengths_is_their_mean_and_is_that_of_the_run_at_its_own_length(inside, tmp_path):
    short = ["task.length=9", "task.curriculum=fixed", "training.steps=1"]
    run([*tiny("even_pairs", "many_to_one"), *short, f"hydra.run.dir={tmp_path}"])
    alone = json.loads(inside("evaluate", str(tmp_path), "--json").stdout)
    rows = json.loads(inside("evaluate", str(tmp_path), "--lengths", "3:9:3", "--json").stdout)
    score = sum(row["test/accuracy"] for row in rows) / 3
    assert (
        f"mean over the lengths: {score:.4g}"
        in inside("evaluate", str(tmp_path), "--lengths", "3:9:3").stdout
    )
    assert set(rows[-1]) == {"length", *alone}


@pytest.mark.parametrize("lengths", ["9:5", "a", "1:2:3:4", "0", "5,,6"])
def test_evaluate_refuses_lengths_in_one_line(inside, written, lengths):
    done = inside("evaluate", str(written), "--lengths", lengths)
    assert done.returncode
    assert done.stderr.splitlines()[-1].endswith(repr(lengths))


def test_generate_goes_on_from_the_prompt(command, inside, written):
    outputs = [
        start("generate", str(written), "--prompt", "The ", "--length", "9", "--seed", seed).stdout
        for start, seed in ((command, "1"), (inside, "1"), (inside, "2"))
    ]
    assert outputs[0].startswith("The ")
    assert len(outputs[0].removesuffix("\n")) == len("The ") + 9
    assert outputs[0] == outputs[1] != outputs[2]


@pytest.mark.parametrize(
    ("task", "architecture", "prompt"),
    [
        ("digits", "one_to_many", "3"),
        ("python_docs", "many_to_one", "abcdef"),
        ("python_docs", "one_to_many", "a"),
        ("even_pairs", "many_to_one", "0110"),
        ("text_classification", "one_to_one", "a good film"),
    ],
)
def test_generate_for_every_kind_of_writer(inside, tmp_path, task, architecture, prompt):
    run([*tiny(task, architecture, "training.steps=1"), f"hydra.run.dir={tmp_path}"])
    done = inside("generate", str(tmp_path), "--prompt", prompt)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_generate_tags_a_prompt_and_refuses_what_is_for_writers(inside, tmp_path):
    run([*tiny("tagging", "many_to_many", "training.steps=1"), f"hydra.run.dir={tmp_path}"])
    lines = inside("generate", str(tmp_path), "--prompt", "Mr Smith left").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["Mr", "Smith", "left"]
    assert {line.split()[1] for line in lines} <= {"O", "B-PER", "I-PER"}
    for arguments in (["--length", "3"], ["--beam", "2"], ["--seed", "0"], []):
        done = inside("generate", str(tmp_path), *arguments)
        option = arguments[0] if arguments else "--prompt"
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {option} ")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--temperature", "-1"], "--temperature"),
        (["--length", "0"], "--length"),
        (["--output", "a.mid"], "--output"),
    ],
)
def test_generate_refuses(inside, written, arguments, word):
    done = inside("generate", str(written), *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {word}")


def test_own_config_folder(command, tmp_path):
    (tmp_path / "mine" / "experiment").mkdir(parents=True)
    own = "# @package _global_\ndefaults: [{override /task: adding}]\n"
    (tmp_path / "mine" / "experiment" / "own.yaml").write_text(own)
    overrides = [*tiny("adding", "many_to_one", "training.steps=1")[2:], "hydra.run.dir=out"]
    done = command("train", "--config-dir", "mine", "+experiment=own", *overrides)
    assert done.returncode == 0, done.stderr
    assert read_summary(tmp_path / "out")["experiment"] == "own"
    assert read_rows(tmp_path / "out")
