"""Size of the reports of some folders, and the seconds to write each and to open it in headless Chromium.

`python scripts/bench_report.py DIR …`
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from seqlab import write_report

MARK = '<script>addEventListener("load", () => { document.title = `loaded ${performance.now()}`; });</script>'
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom")


def opened(page: Path, folder: Path) -> tuple[float, int]:
    """Return the seconds from navigation to the load event, and the messages in the browser's console."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    marked = folder / "marked.html"
    marked.write_text(page.read_text().replace("</head>", f"{MARK}</head>", 1))
    command = [browser, *QUIET, f"--user-data-dir={folder / 'profile'}", marked.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return float(re.findall(r"<title>loaded ([\d.]+)", done.stdout)[0]) / 1000, done.stderr.count("CONSOLE")


def main() -> None:
    """Print a line for each folder that the command line names."""
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            begun = time.perf_counter()
            page = write_report(name, folder / "report.html")
            written = time.perf_counter() - begun
            found = [opened(page, folder) for _ in range(3)]
            seconds = ", ".join(f"{one:.2f}" for one, _ in found)
            messages = max(count for _, count in found)
            size = page.stat().st_size / 1e6
        took = f"written in {written:.1f} s, opened in {seconds} s"
        print(f"{name}: {size:.2f} MB, {took}, {messages} messages in the console", flush=True)


if __name__ == "__main__":
    main()
