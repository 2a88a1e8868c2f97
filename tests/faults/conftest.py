"""Signals that act as they do in a terminal, whatever started the tests."""

from __future__ import annotations

import signal

import pytest


@pytest.fixture(autouse=True)
def signals_act():
    """Undo that a shell's background job ignores SIGINT, and a job of `nohup` SIGHUP."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
