"""Full disks: a write waits some time for room, and errors of other libraries become errors of the disk."""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

_log = logging.getLogger(__name__)

WAIT_SECONDS, POLL_SECONDS = 60.0, 1.0
"""How long a write waits for room on a full disk, and how often it tries again."""

ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG)
"""The errors of a disk that is full, read-only or broken."""

_CODE = re.compile(r"os_error_code='(\d+)'")
"""The number of an error of the system, in the messages of the library that writes arrays."""


def when_there_is_room(write: Callable[[], None], path: Path) -> None:
    """Call a function that writes; where the disk is full, call it again for some time.

    Args:
        write: leaves nothing behind where it fails.
        path: what it writes, for the warning.

    Raises:
        OSError: the disk is still full, or has another fault.
    """
    deadline, warned = time.monotonic() + WAIT_SECONDS, False
    while True:
        try:
            return write()
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or time.monotonic() > deadline:
                raise
            if not warned:
                _log.warning("no space left for %s: waiting for at most %g s", path, WAIT_SECONDS)
            warned = True
            time.sleep(POLL_SECONDS)


def require_room(folder: Path, num_bytes: int) -> None:
    """Raise OSError where a folder that exists cannot take a number of bytes."""
    if not os.access(folder, os.W_OK):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))
    if shutil.disk_usage(folder).free < num_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def disk_error(error: Exception, path: Path) -> OSError | None:
    """Return the error of the disk that another error reports; None where it reports none."""
    if isinstance(error, OSError):
        return error
    found = _CODE.search(str(error))
    if found is None or int(found[1]) not in ERRORS:
        return None
    return OSError(int(found[1]), os.strerror(int(found[1])), str(path))
