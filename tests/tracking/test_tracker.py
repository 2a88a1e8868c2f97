"""Several trackers as one: all receive everything, and a failing optional one is dropped."""

import pytest

from seqlab.tracking import Trackers


class Recorder:
    """Remembers what it heard, and fails at the events named."""

    def __init__(self, *failing):
        self.failing, self.heard = failing, []

    def start(self, info):
        self._hear("start", info)

    def log(self, row):
        self._hear("log", row)

    def finish(self, summary):
        self._hear("finish", summary)

    def _hear(self, event, message):
        self.heard.append((event, message))
        if event in self.failing:
            raise RuntimeError(f"broken at {event}")


def _run(trackers):
    trackers.start("info")
    trackers.log({"step": 1})
    trackers.log({"step": 2})
    trackers.finish({"status": "finished"})


EVERYTHING = [
    ("start", "info"),
    ("log", {"step": 1}),
    ("log", {"step": 2}),
    ("finish", {"status": "finished"}),
]


def test_everyone_hears_everything():
    recorders = Recorder(), Recorder(), Recorder()
    _run(Trackers(required=recorders[:1], optional=recorders[1:]))
    assert [recorder.heard for recorder in recorders] == [EVERYTHING] * 3


@pytest.mark.parametrize(("event", "heard"), [("start", 1), ("log", 2), ("finish", 4)])
def test_an_optional_listener_that_fails_is_dropped_with_one_warning(event, heard, caplog):
    required, broken, other = Recorder(), Recorder(event), Recorder()
    _run(Trackers(required=[required], optional=[broken, other]))
    assert broken.heard == EVERYTHING[:heard]
    assert required.heard == other.heard == EVERYTHING
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", f"Recorder is dropped from this run: {event} failed: broken at {event}")
    ]


@pytest.mark.parametrize("event", ["start", "log", "finish"])
def test_the_error_of_a_required_listener_propagates(event):
    with pytest.raises(RuntimeError, match=f"broken at {event}"):
        _run(Trackers(required=[Recorder(event)], optional=[Recorder()]))


def test_an_interrupt_is_no_failure_of_the_listener():
    class Interrupted(Recorder):
        def log(self, row):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(Trackers(required=[], optional=[Interrupted()]))


def test_optional_listeners_hear_the_end_though_a_required_one_fails():
    optional = Recorder()
    with pytest.raises(RuntimeError):
        _run(Trackers(required=[Recorder("finish")], optional=[optional]))
    assert optional.heard == EVERYTHING
