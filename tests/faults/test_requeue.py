"""Requeue of a SLURM job, with a `scontrol` that only records how it is called."""

from __future__ import annotations

import dataclasses
import os
import signal

import pytest
from kills import ADDING, assert_same_end, files_of
from test_signals import NUMBERS, Stop

from seqlab.runs import compose_request, execute
from seqlab.runs.outcome import cost_of
from seqlab.sweeps.requeue import requeued_when_interrupted, resumed_when_restarted
from seqlab.tracking import read_summary

JOB = {"SUBMITIT_EXECUTOR": "slurm", "SLURM_JOB_ID": "7"}
TASK_OF_ARRAY = {**JOB, "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """Become the job that `state` describes, and return the calls of `scontrol` so far."""
    scontrol, record = tmp_path / "bin" / "scontrol", tmp_path / "calls"
    scontrol.parent.mkdir()

    def become(state, environment):
        answer = f"JobId=7 {state}"
        scontrol.write_text(f'#!/bin/sh\necho "$@" >> "{record}"\necho "{answer}"\n')
        scontrol.chmod(0o755)
        record.write_text("")
        monkeypatch.setenv("PATH", str(scontrol.parent), prepend=os.pathsep)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return lambda: record.read_text().splitlines()

    return become


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(("environment", "job"), [(JOB, "7"), (TASK_OF_ARRAY, "7_2")])
def test_a_job_that_a_signal_interrupts_is_requeued(number, environment, job, calls):
    called = calls("JobState=RUNNING Requeue=1", environment)
    with pytest.raises(KeyboardInterrupt), requeued_when_interrupted(1):
        os.kill(os.getpid(), number)
    assert called()[-1] == f"requeue {job}"


@pytest.mark.parametrize(
    ("state", "environment"),
    [
        ("JobState=RUNNING Requeue=0", JOB),
        ("JobState=CANCELLED Requeue=1", JOB),
        ("JobState=PENDING Requeue=1", JOB),
        ("JobState=RUNNING Requeue=1", {**JOB, "SLURM_RESTART_COUNT": "1"}),
        ("JobState=RUNNING Requeue=1", {"SLURM_JOB_ID": "7"}),
    ],
    ids=["not allowed", "cancelled", "requeued already", "restarted too often", "no job of submitit"],
)
def test_a_job_that_is_not_to_be_requeued_is_not(state, environment, calls):
    called = calls(state, environment)
    with pytest.raises(KeyboardInterrupt), requeued_when_interrupted(1):
        signal.raise_signal(signal.SIGINT)
    assert not any(call.startswith("requeue") for call in called())


def test_a_job_that_no_signal_interrupts_is_not_requeued(calls):
    called = calls("JobState=RUNNING Requeue=1", JOB)
    with pytest.raises(KeyboardInterrupt), requeued_when_interrupted(1):
        raise KeyboardInterrupt
    assert called() == []


def test_a_job_without_scontrol_ends_interrupted(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, value in JOB.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(KeyboardInterrupt), requeued_when_interrupted(1):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.runs
def test_a_restarted_job_runs_what_is_unfinished_to_the_same_end(calls, tmp_path, monkeypatch):
    called = calls("JobState=RUNNING Requeue=1", JOB)
    request = compose_request([*ADDING, "training.steps=8"])
    whole, other = (dataclasses.replace(request, folder=tmp_path / name) for name in ("whole", "other"))
    with requeued_when_interrupted(1):
        execute(resumed_when_restarted(whole))
    with pytest.raises(KeyboardInterrupt), requeued_when_interrupted(1):
        cost_of(execute(resumed_when_restarted(other), [Stop(signal.SIGUSR2, 5)]))
    assert called()[-1] == "requeue 7"
    before = files_of(whole.folder)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    with requeued_when_interrupted(1):
        for each in (whole, other):
            execute(resumed_when_restarted(each))
    assert files_of(whole.folder) == before
    assert read_summary(other.folder)["resumed"][0]["step"] == 5
    assert_same_end(whole.folder, other.folder)


@pytest.mark.parametrize(
    ("override", "resume"),
    [
        ("resume=null", "auto"),
        ("resume=auto", "auto"),
        ("resume=elsewhere", "elsewhere"),
        ("overwrite=true", None),
    ],
)
def test_a_restarted_job_resumes_what_it_may_have_begun(override, resume, monkeypatch, tmp_path):
    request = dataclasses.replace(compose_request([*ADDING, override]), folder=tmp_path / "run")
    assert resumed_when_restarted(request) is request
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert resumed_when_restarted(request).config.resume == resume
