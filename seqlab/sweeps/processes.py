"""Jobs of a sweep in several processes of this machine at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import jax

from seqlab.interrupts import interruptible
from seqlab.runs.hyperparameters import traceable_keys
from seqlab.runs.request import Request
from seqlab.training.devices import MOST_CPU_DEVICES

WORTH = 20_000
"""The updates of all runs together from which several processes pay; to start one takes some five seconds."""


def num_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    """
    context = multiprocessing.get_context("spawn")  # JAX has threads, so that it cannot be forked
    with interruptible(), ProcessPoolExecutor(processes, context, _begin, (devices,)) as pool:
        calls = [pool.submit(function, *each) for each in arguments]
        try:
            return [_result(call) for call in calls]
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise


def _begin(devices: int) -> None:
    """Prepare a process: a signal from the terminal reaches it by way of its parent alone."""
    os.setpgrp()
    jax.config.update("jax_num_cpu_devices", devices)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _result(call: Future[Any]) -> Any:
    try:
        return call.result()
    except Exception as error:  # also that a process was killed
        return error


def _steps(request: Request) -> int:
    steps = request.config.training.steps
    return steps if isinstance(steps, int) else 0
