"""Jobs of a sweep in several processes of this machine at a time."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import jax

from seqlab.interrupts import interruptible
from seqlab.runs.hyperparameters import traceable_keys
from seqlab.runs.request import Request
from seqlab.training.devices import MOST_CPU_DEVICES, num_cores
from seqlab.types import UnfinishedRunError

WORTH = 20_000
"""The updates of all runs together from which several processes pay; to start one takes some five seconds."""


SAVE_SECONDS = 60
"""How long a process whose parent is gone may save its runs."""


def choose_processes(requests: Sequence[Request]) -> int:
    """Return how many programs of a sweep are trained at a time, each in a process of its own.

    A family of runs that is wide enough to use all cores is trained by itself. Where there are GPUs, or few
    updates, one process trains all.
    """
    updates = sum(_steps(request) for request in requests)
    if len(requests) < 2 or updates < WORTH or jax.default_backend() != "cpu":
        return 1
    keys = traceable_keys()
    sizes: dict[tuple[str, ...], int] = {}
    for request in requests:
        family = tuple(word for word in request.overrides if word.partition("=")[0].lstrip("+") not in keys)
        sizes[family] = sizes.get(family, 0) + 1
    widest = min(max(sizes.values()), MOST_CPU_DEVICES)
    return max(1, min(len(sizes), num_cores() // widest))


def submit(
    function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], processes: int, devices: int
) -> list[Any]:
    """Call a function in several processes at a time, and wait for all calls.

    Args:
        function: what is called.
        arguments: the arguments of each call.
        processes: the most calls at a time.
        devices: the number of JAX's CPU devices in each process.

    Returns:
        What each call returned, or its error.

    Raises:
        KeyboardInterrupt: this process or one of them was interrupted. The calls had time to end.
        UnfinishedRunError: one of them was killed.
    """
    context = multiprocessing.get_context("spawn")  # JAX has threads, so that it cannot be forked
    results: list[Any] = [None] * len(arguments)
    waiting = iter(enumerate(arguments))
    running: dict[Future[Any], int] = {}
    with interruptible(), ProcessPoolExecutor(processes, context, _begin, (devices,)) as pool:
        try:
            while True:  # the pool is given no call that would have to wait, as it could not be taken back
                for index, each in itertools.islice(waiting, processes - len(running)):
                    running[pool.submit(_outcome, function, each)] = index
                if not running:
                    return results
                for call in wait(running, return_when=FIRST_COMPLETED).done:
                    results[running.pop(call)] = call.result()
        except BrokenProcessPool as error:
            reason = "a process of the sweep was killed, perhaps for its memory"
            raise UnfinishedRunError(f"{reason}: -m sweep.resume=DIR continues the sweep") from error
        except KeyboardInterrupt:
            for child in multiprocessing.active_children():
                child.terminate()
            wait(running)
            raise


def _outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Return what a call returns, or its error."""
    try:
        return function(*arguments)
    except Exception as error:
        return error


def _begin(devices: int) -> None:
    """Prepare a process: a signal from the terminal reaches it by way of its parent alone."""
    os.setpgrp()
    signal.signal(signal.SIGTERM, _end_without_parent)  # in force between calls
    jax.config.update("jax_num_cpu_devices", devices)
    threading.Thread(target=_watch_parent, name="parent", daemon=True).start()


def _watch_parent() -> None:
    """Interrupt the call of this process when its parent is gone, and then end the process."""
    _parent().join()
    while True:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(SAVE_SECONDS)


def _end_without_parent(*_: Any) -> None:
    if not _parent().is_alive():
        os._exit(128 + signal.SIGTERM)


def _parent() -> Any:
    return multiprocessing.parent_process()


def _steps(request: Request) -> int:
    steps = request.config.training.steps
    return steps if isinstance(steps, int) else 0
