"""Runs of an encoder-decoder: diagnostics of both stacks, generation, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_runs import tiny

from seqlab import run
from seqlab.tracking import read_rows
from seqlab.types import ConfigError

pytestmark = pytest.mark.runs

SETTINGS = [
    *tiny("stack_manipulation", "encoder_decoder", "cell=lstm", "gradients.level=full", "training.steps=3"),
    *("architecture.attention=bahdanau", "architecture.input_feeding=true"),
    *("architecture.bidirectional=true", "architecture.scheduled_sampling=0.5"),
    *("task.min_length=4", "training.batch_size=8", "training.sample_length=4"),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a run, and its summary."""
    folder = tmp_path_factory.mktemp("run")
    return folder, run([*SETTINGS, "training.devices=1", f"hydra.run.dir={folder}"])


def test_it_reports_both_stacks_and_the_gap(finished):
    folder, summary = finished
    assert summary["status"] == "finished", summary["reason"]
    first = read_rows(folder)[0]
    for place in ("", "encoder/layer_0/", "encoder/layer_0/backward/"):
        assert first[f"gates/{place}forget/mean"] > 0
        assert np.isfinite(first[f"recurrent/{place}lyapunov"]).all()
    for place, num_steps in (("", 7), ("encoder/layer_0/", 6)):
        assert len(first[f"grads/through_time/{place}log10_norm"]) == num_steps
        assert np.isfinite(first[f"grads/through_time/{place}slope"])
    for metric in ("loss", "accuracy", "sequence_accuracy"):
        assert {metric, f"free_running/{metric}"} <= {key.partition("/")[2] for key in summary["test"]}
    assert {*summary["sample"].split()} <= {"0", "1"}


def test_it_generates_up_to_the_end(finished, inside):
    folder, _ = finished
    for how in (
        ("--beam", "3", "--length-penalty", "0.6"),
        ("--top-k", "2", "--top-p", "0.9", "--seed", "1"),
    ):
        done = inside("generate", str(folder), "--prompt", "0 1 2 3", *how)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.split()) <= 5
        assert {*done.stdout.split()} <= {"0", "1"}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--prompt", "0 5"), "--prompt: legal are the symbols 0 1 2 3 4, got '0 5'"),
        (("--beam", "0"), "--beam must be a positive integer, got 0"),
        (("--beam", "2", "--seed", "1"), "--seed does not apply to --beam, which is not random"),
        (("--length-penalty", "1"), "--length-penalty only applies to --beam"),
        (("--top-p", "2"), "--top-p must be above 0 and at most 1, got 2.0"),
    ],
)
def test_generate_refuses_in_one_line(finished, inside, arguments, line):
    done = inside("generate", str(finished[0]), *arguments)
    assert (done.returncode, done.stderr) == (2, f"error: {line}\n")


def test_export_is_refused_in_one_line(finished, inside, tmp_path):
    done = inside("weights.__main__", "export", str(finished[0]), "--to", "torch", str(tmp_path / "x.npz"))
    assert done.returncode == 2
    assert "cannot be exported: its framing is encoder_decoder" in done.stderr
    assert done.stderr.count("\n") == 1


def test_truncation_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(ConfigError, match=r"^training\.bptt_window=3 does not fit .* null$"):
        run([*SETTINGS, "training.bptt_window=3", f"hydra.run.dir={tmp_path}"])
