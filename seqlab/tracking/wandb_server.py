"""Whether the W&B server answers, asked once a process, so that a run never waits for long."""

from __future__ import annotations

import functools
import json
import threading
import urllib.error
import urllib.request

PROBE_SECONDS = 4.0
"""How long the server may take to answer."""

INIT_SECONDS, FINISH_SECONDS = 5.0, 60.0
"""How long W&B may take to open a run, and to upload the last rows of one."""


@functools.cache
def why_unreachable(url: str) -> str | None:
    """Return in one line why a W&B server cannot be used; None where it answers.

    It is asked once a process, so that the other runs of a sweep do not wait again.

    Args:
        url: the server's address, `WANDB_BASE_URL`.
    """
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
