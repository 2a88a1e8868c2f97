"""Damaged files: the state before is used, the file is named, and no other run suffers."""

from __future__ import annotations

import shutil

import pytest
from kills import ADDING, assert_same_end, files_of, whole_and_killed

from seqlab import run
from seqlab.analysis.sweep_summary import write_sweep_summary
from seqlab.runs import load
from seqlab.runs.check import check
from seqlab.tracking import read_summary
from seqlab.training.digests import FILE
from seqlab.types import ConfigError

SETTINGS = [*ADDING, "training.steps=9", "training.checkpoint_every=3", "training.eval_every=2"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return whole_and_killed(tmp_path_factory.mktemp("trained"), SETTINGS)


def empty(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def remove(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def damage(checkpoint, pattern, how):
    found = [path for path in checkpoint.rglob(pattern) if path.is_file() or how is remove]
    assert found
    for path in found:
        if path.exists():
            how(path)


def state_of(folder, name):
    return next(one.state for one in check(folder) if one.path == name)


DAMAGES = [
    ("*", empty),
    ("d/*", cut),
    ("d/*", flip_a_bit),
    ("_METADATA", empty),
    ("_METADATA", remove),
    ("default", remove),
]


@pytest.mark.parametrize(("pattern", "how"), DAMAGES, ids=lambda value: getattr(value, "__name__", value))
def test_a_run_goes_on_from_the_state_before_a_damaged_one(pattern, how, trained, tmp_path, caplog):
    whole, killed = trained
    folder = shutil.copytree(killed[6], tmp_path / "run")
    newest = folder / "checkpoints" / "latest" / "6"
    damage(newest, pattern, how)
    assert state_of(folder, "checkpoints/latest/6") == "damaged"
    assert state_of(folder, "checkpoints/latest/3") == "whole"
    summary = run([*SETTINGS, f"hydra.run.dir={folder}", "resume=auto"])
    assert summary["resumed"][-1]["step"] == 3
    ending = f"{folder / 'checkpoints' / 'latest' / '3'} is used instead"
    assert [text for text in caplog.messages if str(newest) in text and text.endswith(ending)]
    assert_same_end(whole, folder)
    assert state_of(folder, "checkpoints/latest/6") == "whole"


def test_a_run_without_a_whole_state_is_refused_and_unchanged(trained, tmp_path):
    folder = shutil.copytree(trained[1][6], tmp_path / "run")
    damage(folder / "checkpoints" / "latest", "*", empty)
    before = files_of(folder)
    with pytest.raises(ConfigError, match=r"latest.6, the latest checkpoint of step 6, cannot be read"):
        run([*SETTINGS, f"hydra.run.dir={folder}", "resume=auto"])
    assert files_of(folder) == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".hydra/config.yaml", ""),
        (".hydra/config.yaml", "a: ["),
        (".hydra/config.yaml", "\x00\x01"),
        (".hydra/hydra.yaml", ""),
        (".hydra/hydra.yaml", "hydra: {}"),
    ],
)
def test_a_damaged_config_is_one_line(name, text, trained, tmp_path):
    folder = shutil.copytree(trained[0], tmp_path / "run")
    (folder / name).write_text(text)
    with pytest.raises(ConfigError) as refusal:
        load(folder)
    assert str(folder / name) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_run_can_be_used_without_hydras_own_node(trained, tmp_path):
    folder = shutil.copytree(trained[0], tmp_path / "run")
    (folder / ".hydra" / "hydra.yaml").unlink()
    assert load(folder)


def test_a_scrambled_summary_is_one_line_of_a_command(trained, tmp_path, inside):
    folder = shutil.copytree(trained[0], tmp_path / "run")
    (folder / "summary.json").write_bytes(b"{\n\x8b\xff")
    done = inside("evaluate", str(folder))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {folder / 'summary.json'} is damaged")
    assert len(done.stderr.splitlines()) == 1


def test_a_damaged_summary_counts_as_none(trained, tmp_path, caplog):
    folder = shutil.copytree(trained[0], tmp_path / "run")
    cut(folder / "summary.json")
    assert run([*SETTINGS, f"hydra.run.dir={folder}", "resume=auto"])["status"] == "finished"
    assert f"{folder / 'summary.json'} is damaged" in caplog.text
    assert_same_end(trained[0], folder)


def test_rows_that_are_gone_do_not_change_the_best(trained, tmp_path, caplog):
    whole, killed = trained
    folder = shutil.copytree(killed[6], tmp_path / "run")
    (folder / "metrics.jsonl").unlink()
    summary = run([*SETTINGS, f"hydra.run.dir={folder}", "resume=auto"])
    assert (summary["best"], summary["test"]) == tuple(read_summary(whole)[key] for key in ("best", "test"))


@pytest.mark.parametrize("line", [b"{}", b"[1]", b"\xb4\x00", b"{"], ids=repr)
def test_damaged_rows_are_refused_in_one_line(line, trained, tmp_path):
    folder = shutil.copytree(trained[1][6], tmp_path / "run")
    rows = (folder / "metrics.jsonl").read_bytes()
    (folder / "metrics.jsonl").write_bytes(rows.replace(b"\n", b"\n" + line + b"\n", 1))
    before = files_of(folder)
    with pytest.raises(ConfigError, match=r"metrics.jsonl is damaged: line 2 is not a row") as refusal:
        run([*SETTINGS, f"hydra.run.dir={folder}", "resume=auto"])
    assert "\n" not in str(refusal.value)
    assert files_of(folder) == before


def test_a_state_without_digests_counts_as_whole(trained, tmp_path):
    whole, killed = trained
    folder = shutil.copytree(killed[6], tmp_path / "run")
    (folder / "checkpoints" / "latest" / "6" / FILE).unlink()
    assert state_of(folder, "checkpoints/latest/6") == "whole"
    assert run([*SETTINGS, f"hydra.run.dir={folder}", "resume=auto"])["resumed"][-1]["step"] == 6
    assert_same_end(whole, folder)


def test_check_names_what_is_whole_and_what_is_not(trained, tmp_path, inside):
    whole, _ = trained
    done = inside("check", str(whole))
    assert (done.returncode, done.stderr) == (0, "")
    assert {line.split()[0] for line in done.stdout.splitlines()} == {"whole"}
    folder = shutil.copytree(whole, tmp_path / "run")
    cut(folder / "summary.json")
    (folder / "metrics.jsonl").write_text("{}\n")
    (folder / ".hydra" / "config.yaml").unlink()
    before = files_of(folder)
    done = inside("check", str(folder))
    assert done.returncode == 1
    states = {words[1]: words[0] for words in map(str.split, done.stdout.splitlines())}
    assert states[".hydra/config.yaml"] == "missing"
    assert {states[name] for name in ("summary.json", "metrics.jsonl")} == {"damaged"}
    assert files_of(folder) == before
    assert inside("check", str(tmp_path)).stderr.startswith(f"error: RUN_DIR={tmp_path} is not a run folder")


def test_a_damaged_run_is_listed_by_its_sweep(trained, tmp_path):
    for name in ("0", "1", "2"):
        shutil.copytree(trained[0], tmp_path / name)
    cut(tmp_path / "1" / "summary.json")
    (tmp_path / "2" / "metrics.jsonl").write_text("{\n{}\n")
    runs = write_sweep_summary(tmp_path)
    assert [(run.folder.name, run.status) for run in runs] == [
        ("0", "finished"), ("1", "damaged"), ("2", "damaged")
    ]  # fmt: skip
    rows = (tmp_path / "sweep.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["0", "finished"], ["1", "damaged"], ["2", "damaged"]]
