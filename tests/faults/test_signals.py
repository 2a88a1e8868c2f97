"""Signals: what was learnt is saved, and the run goes on from there as if nothing had been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import Future

import pytest
from kills import ADDING, assert_same_end, rows_of

from seqlab import run
from seqlab.interrupts import SIGNALS, interruptible, wait_for
from seqlab.tracking import Callback, read_summary

NUMBERS = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
SETTINGS = [*ADDING, "training.steps=14", "training.log_every=5", "training.eval_every=3"]


class Stop(Callback):
    """Sends a signal to this process where a row or an evaluation of a step is logged."""

    def __init__(self, number, step):
        self.number, self.step = number, step

    def on_row(self, row):
        if row["step"] == self.step:
            os.kill(os.getpid(), self.number)

    def on_evaluation(self, row, params):
        self.on_row(row)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder of a run that is not interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    run([*SETTINGS, f"hydra.run.dir={folder}"])
    return folder


@pytest.mark.parametrize(("number", "step"), [(number, 5 + index) for index, number in enumerate(NUMBERS)])
def test_an_interrupted_run_goes_on_to_the_same_end(number, step, whole, folder):
    step -= step % 5 and step % 3 and 1  # a step with a row or an evaluation
    step -= step % 5 and step % 3 and 1
    settings = [*SETTINGS, f"hydra.run.dir={folder}"]
    summary = run(settings, callbacks=[Stop(number, step)])
    assert (summary["status"], summary["steps"]) == ("interrupted", step)
    assert summary["reason"] == f"{signal.Signals(number).name} asked to stop after step {step}"
    assert "test" not in summary
    assert rows_of(folder) == [row for row in rows_of(whole) if row["step"] <= step and "test/mse" not in row]
    assert run([*settings, "resume=auto"])["resumed"][0]["step"] == step
    assert_same_end(whole, folder)


def test_a_signal_before_the_first_step_ends_the_run_at_once(folder):
    class StopAtStart(Callback):
        def on_start(self, info):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        run([*SETTINGS, f"hydra.run.dir={folder}"], callbacks=[StopAtStart()])
    assert read_summary(folder)["status"] == "interrupted"
    assert not (folder / ".lock").exists()
    assert run([*SETTINGS, f"hydra.run.dir={folder}", "resume=auto"])["status"] == "finished"


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_raises_unless_it_is_deferred(number):
    before = signal.getsignal(number)
    with interruptible() as interrupts, interrupts.deferred():
        os.kill(os.getpid(), number)
        assert interrupts.requested == signal.Signals(number).name
        with pytest.raises(KeyboardInterrupt):
            wait_for(Future())
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_a_hangup_stays_ignored_where_nohup_ignores_it():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible() as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupts.requested is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_ends_the_process_at_once():
    code = (
        "import os, signal\n"
        "from seqlab.interrupts import interruptible\n"
        "with interruptible() as interrupts, interrupts.deferred():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('still here')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGTERM, "", "")


@pytest.mark.runs
def test_a_signal_during_compilation_ends_the_command(tmp_path):
    settings = [*SETTINGS, "tracking.console.mode=plain", "training.compilation_cache=false"]
    settings += ["architecture.num_layers=4", "gradients.level=full", "hydra.run.dir=run"]
    with subprocess.Popen(
        [sys.executable, "-m", "seqlab.train", *settings],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert "parameters" in process.stdout.readline()
        process.send_signal(signal.SIGUSR1)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, output + errors
    assert "Traceback" not in errors
    assert read_summary(tmp_path / "run")["status"] == "interrupted"
    assert read_summary(tmp_path / "run")["reason"] == "KeyboardInterrupt: SIGUSR1"
