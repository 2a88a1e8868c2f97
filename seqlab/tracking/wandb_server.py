"""Whether the W&B server answers, asked once a process, so that a run never waits for long."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request

PROBE_SECONDS = 4.0
"""How long the server may take to answer."""

INIT_SECONDS, FINISH_SECONDS = 5.0, 15.0
"""How long W&B may take to open a run, and to upload the last rows of one."""

_known: dict[str, str | None] = {}
"""What is known of each server: why it cannot be used, or None."""


def why_unreachable(url: str) -> str | None:
    """Return in one line why a W&B server cannot be used; None where it answers.

    It is asked once a process, so that the other runs of a sweep do not wait again.

    Args:
        url: the server's address, `WANDB_BASE_URL`.
    """
    if url not in _known:
        _known[url] = _ask_for_some_time(url)
    return _known[url]


def why_unreachable_now(url: str) -> str | None:
    """Ask a server again, and return why it cannot be used; None where it answers."""
    _known[url] = _ask_for_some_time(url)
    return _known[url]


def note_failure(url: str, reason: str) -> None:
    """Let the next runs of this process not use a server that failed after it had answered."""
    _known[url] = reason


def _ask_for_some_time(url: str) -> str | None:
    answers: list[str | None] = []
    thread = threading.Thread(target=lambda: answers.append(_ask(url)), name="wandb probe", daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS + 1)  # looking up the name of a host has no timeout of its own
    return answers[0] if answers else f"{url} does not answer within {PROBE_SECONDS:g} s"


def _ask(url: str) -> str | None:
    """Ask the server's GraphQL endpoint for nothing; an answer of any kind but a failure will do."""
    body = json.dumps({"query": "query { __typename }"}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        return f"{url} answers {error.code}" if error.code >= 500 or error.code == 429 else None
    except (OSError, ValueError) as error:
        return f"{url} does not answer: {error}"
