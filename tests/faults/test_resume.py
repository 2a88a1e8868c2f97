"""A resumed run: equal to one that was never killed, and honest about what the command changed."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from kills import ADDING, assert_same_end, files_of, rows_of, whole_and_killed
from tiny_runs import tiny

from seqlab import run
from seqlab.runs.last import command_line, in_folder, with_last_run
from seqlab.tracking import read_summary
from seqlab.training import Checkpoints
from seqlab.types import ConfigError

CADENCES = ["training.log_every=5", "training.eval_every=3", "training.checkpoint_every=4"]
"""Cadences of which none divides another, so that every state has an open averaging window."""

KINDS = {
    "plain": [*ADDING, "training.steps=14", *CADENCES, "gradients=norms"],
    "patience": [
        *(*ADDING, "training.steps=60", *CADENCES, "training.patience=2"),
        *("optimizer=sgd", "optimizer.learning_rate=1e-30"),
    ],
    "diverged": [
        *(*ADDING, "training.steps=60", "cell.activation=identity", "training.clip_norm=null"),
        *("optimizer=sgd", "optimizer.learning_rate=1.5", "training.checkpoint_every=1"),
    ],
    "dropout": [*ADDING, "training.steps=9", *CADENCES, "architecture.dropout=0.3"],
    "transformations": [
        *(*ADDING, "training.steps=9", *CADENCES, "training.accumulate=2"),
        *("training.ema_decay=0.7", "training.gradient_noise=1e-3", "training.rate_factors={*bias*: 0.5}"),
        *("optimizer=sam", "schedule=plateau", "schedule.patience=1", "schedule.threshold=1e3"),
    ],
    "encoder_decoder": tiny(
        *("reverse_string", "encoder_decoder", "training.devices=1", "training.steps=9", *CADENCES),
    ),
    "stream": tiny(
        *("python_docs", "many_to_many", "task.stream=true", "training.steps=9", *CADENCES),
        "gradients=norms",
    ),
    "curriculum": tiny(
        *("even_pairs", "many_to_one", "task.curriculum=growing", "training.devices=1"),
        *("training.steps=9", *CADENCES),
    ),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the whole run of a kind and its copies, trained once."""
    made = {}

    def of(kind):
        if kind not in made:
            made[kind] = whole_and_killed(tmp_path_factory.mktemp(kind), KINDS[kind])
        return made[kind]

    return of


@pytest.mark.runs
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_ends_as_the_whole_one(kind, trained, tmp_path):
    whole, killed = trained(kind)
    assert len(killed) >= 2
    for step, copy in [*killed.items()][:: len(killed) - 1]:  # the first and the last
        folder = shutil.copytree(copy, tmp_path / str(step))
        summary = run([*KINDS[kind], f"hydra.run.dir={folder}", "resume=auto"])
        assert [entry["step"] for entry in summary["resumed"]] == [step]
        assert summary["resumed"][0]["changes"] == {}
        assert_same_end(whole, folder)


@pytest.mark.runs
def test_a_run_that_is_killed_twice_ends_as_the_whole_one(trained, tmp_path):
    whole, killed = trained("plain")
    folder = shutil.copytree(killed[4], tmp_path / "run")
    save = Checkpoints.save_latest

    def save_once(self, state, notes=None):
        save(self, state, notes)
        if state.step == 8:
            raise RuntimeError("the power is gone")

    settings = [*KINDS["plain"], f"hydra.run.dir={folder}", "resume=auto"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save_latest", save_once)
        with pytest.raises(RuntimeError, match="power"):
            run(settings)
    assert read_summary(folder)["status"] == "failed"
    summary = run(settings)
    assert [entry["step"] for entry in summary["resumed"]] == [4, 8]
    assert_same_end(whole, folder)


@pytest.mark.parametrize(
    ("overrides", "changes"),
    [
        (
            ["training.steps=20", "training.log_every=2", "training.patience=9", "gradients=off"],
            {
                "training.steps": [14, 20],
                "training.log_every": [5, 2],
                "training.patience": [None, 9],
                "gradients.level": ["norms", "off"],
            },
        ),
        (["tracking.wandb.project=other"], {"tracking.wandb.project": [None, "other"]}),
        (
            ["seed=3", "optimizer.learning_rate=0.5", "allow_changes=true"],
            {"seed": [0, 3], "optimizer.learning_rate": [0.001, 0.5]},
        ),
    ],
    ids=["what may change", "where it is told", "what is allowed"],
)
def test_what_a_resume_changes_is_recorded(overrides, changes, trained, tmp_path):
    folder = shutil.copytree(trained("plain")[1][8], tmp_path / "run")
    summary = run([*KINDS["plain"], f"hydra.run.dir={folder}", "resume=auto", *overrides])
    (entry,) = summary["resumed"]
    assert (entry["step"], entry["changes"]) == (8, changes)
    assert read_summary(folder)["resumed"] == [entry]


@pytest.mark.parametrize("overrides", [["seed=3"], ["cell.features=5"], ["task.length=9"]], ids=" ".join)
def test_what_a_resume_may_not_change_is_refused(overrides, trained):
    folder = trained("plain")[1][8]
    before = files_of(folder)
    with pytest.raises(ConfigError, match="allow_changes=true"):
        run([*KINDS["plain"], f"hydra.run.dir={folder}", "resume=auto", *overrides])
    assert files_of(folder) == before


def test_a_run_without_a_checkpoint_says_that_it_starts_anew(trained, tmp_path, caplog):
    folder = tmp_path / "run"
    run([*KINDS["plain"], f"hydra.run.dir={folder}", "resume=auto"])
    assert f"{folder} holds no checkpoint, so the run starts at step 0" in caplog.text
    assert rows_of(folder) == rows_of(trained("plain")[0])
    assert read_summary(folder)["resumed"] == []


def test_the_last_run_of_a_config_is_the_newest_that_has_not_ended(trained, tmp_path):
    whole, killed = trained("plain")
    for name, source in (("1", killed[4]), ("2", killed[8]), ("3", whole)):
        shutil.copytree(source, tmp_path / name)
        os.utime(tmp_path / name / "metrics.jsonl", (int(name), int(name)))
    new = f"hydra.run.dir={tmp_path}/new"
    words = with_last_run([*KINDS["plain"], "training.steps=99", new, "resume=last"])
    assert words[-2:] == [f"hydra.run.dir={tmp_path}/2", "resume=auto"]
    assert new not in words
    assert "resume=last" not in words
    with pytest.raises(ConfigError, match="no unfinished run of this config is below"):
        with_last_run([*KINDS["plain"], "seed=1", new, "resume=last"])
    assert run([*KINDS["plain"], new, "resume=last"])["resumed"][0]["step"] == 8
    assert not (tmp_path / "new").exists()


def test_the_command_that_continues_is_one_that_a_shell_reads():
    words = in_folder(["task=adding", "resume=auto", "hydra.run.dir=a", "training.steps=3"], "it's a [b]")
    assert command_line(words) == (
        "python -m seqlab.train task=adding training.steps=3 "
        """'hydra.run.dir='"'"'it\\'"'"'s a [b]'"'"'' resume=auto"""
    )


def write_texts(path, words):
    rows = [{"text": text, "label": label} for text, label in words]
    path.write_text("text,label\n" + "".join(f"{row['text']},{row['label']}\n" for row in rows))


TEXTS = [
    (f"a {word} film of {n}", label) for n in range(40) for word, label in (("good", "yes"), ("bad", "no"))
]


@pytest.fixture(scope="module")
def of_texts(tmp_path_factory):
    """Return the settings of a run on a file, and a copy of the run killed at step 2."""
    folder = tmp_path_factory.mktemp("texts")
    write_texts(folder / "rows.csv", TEXTS)
    settings = tiny("text_classification", "many_to_one", "training.steps=4", "training.checkpoint_every=2")
    settings = [word for word in settings if not word.startswith(("task.source", "task.text", "task.label"))]
    settings += ["task.text=text", "task.label=label", "training.devices=1"]
    _, killed = whole_and_killed(folder, [*settings, f"task.source={folder / 'rows.csv'}"])
    return settings, killed[2]


@pytest.mark.parametrize(
    "rows",
    [
        [(text, "no" if label == "yes" else "yes") for text, label in TEXTS],
        [(" ".join(reversed(text.split())), label) for text, label in TEXTS],
        [*TEXTS, *((f"an aardvark {n}", "yes") for n in range(40))],
    ],
    ids=["labels flipped", "words permuted", "more rows"],
)
def test_other_data_are_refused_and_allowed_by_name(rows, of_texts, tmp_path):
    settings, killed = of_texts
    folder = shutil.copytree(killed, tmp_path / "run")
    write_texts(tmp_path / "rows.csv", rows)
    settings = [*settings, f"task.source={tmp_path / 'rows.csv'}", f"hydra.run.dir={folder}", "resume=auto"]
    before = files_of(folder)
    with pytest.raises(ConfigError, match="data_fingerprint"):
        run(settings)
    assert files_of(folder) == before
    summary = run([*settings, "allow_changes=true"])
    assert "data_fingerprint" in summary["resumed"][0]["changes"]
    kept = json.loads((killed / "vocabulary.json").read_text())
    assert json.loads((folder / "vocabulary.json").read_text()) == kept


def test_the_same_data_elsewhere_are_taken(of_texts, tmp_path):
    settings, killed = of_texts
    folder = shutil.copytree(killed, tmp_path / "run")
    write_texts(tmp_path / "moved.csv", TEXTS)
    summary = run(
        [*settings, f"task.source={tmp_path / 'moved.csv'}", f"hydra.run.dir={folder}", "resume=auto"]
    )
    assert set(summary["resumed"][0]["changes"]) == {"task.source"}


@pytest.mark.runs
@pytest.mark.parametrize(
    "steps", [10, 11], ids=["an evaluation too many", "a row and an evaluation too many"]
)
def test_a_finished_run_that_is_given_more_steps_ends_as_one_that_had_them(steps, trained, tmp_path):
    run([*KINDS["plain"], f"training.steps={steps}", f"hydra.run.dir={tmp_path / 'run'}"])
    assert read_summary(tmp_path / "run")["final"]["step"] == steps
    run([*KINDS["plain"], f"hydra.run.dir={tmp_path / 'elsewhere'}", f"resume={tmp_path / 'run'}"])
    run([*KINDS["plain"], f"hydra.run.dir={tmp_path / 'run'}", "resume=auto"])
    assert_same_end(trained("plain")[0], tmp_path / "run")
    assert_same_end(trained("plain")[0], tmp_path / "elsewhere")


STAGED = {
    "task": tiny("even_pairs", "many_to_one", "task.curriculum=growing", "training.devices=1"),
    "architecture": tiny("reverse_string", "encoder_decoder", "architecture.scheduled_sampling=0.5"),
}


@pytest.mark.parametrize("part", STAGED)
def test_more_steps_are_refused_where_earlier_ones_would_have_been_others(part, tmp_path):
    settings = [*STAGED[part], f"hydra.run.dir={tmp_path / 'run'}"]
    run([*settings, "training.steps=2"])
    before = files_of(tmp_path / "run")
    with pytest.raises(ConfigError, match=f"changes training.steps 2 -> 3, but {part} depends on"):
        run([*settings, "training.steps=3", "resume=auto"])
    assert files_of(tmp_path / "run") == before
    summary = run([*settings, "training.steps=3", "resume=auto", "allow_changes=true"])
    assert summary["resumed"][0]["changes"] == {"training.steps": [2, 3]}
