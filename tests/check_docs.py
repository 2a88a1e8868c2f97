"""`make docs-check`: run every command and every program that README and the pages of docs/ show.

Each page has a folder of its own in `build/docs-check`, with the files of `doc_stand_ins`, in which its
blocks run in their order. Weights & Biases is off. `doc_blocks` says how a page changes or skips a block.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import doc_stand_ins
from doc_blocks import PAGES, ROOT, Block, blocks

SCRATCH = ROOT / "build" / "docs-check"
SECONDS = 1200


def main() -> None:
    """Run the blocks of the pages that are named, or of all, and exit with 1 where one failed."""
    parser = argparse.ArgumentParser(prog="make docs-check", description=main.__doc__)
    parser.add_argument("pages", nargs="*", type=Path, help="files; all pages by default")
    pages = [page.resolve() for page in parser.parse_args().pages] or PAGES
    failed = [block.name for page in pages for block in _check_page(page)]
    print(f"failed: {', '.join(failed)}" if failed else "every block ended as the pages say")
    sys.exit(bool(failed))


def _check_page(page: Path) -> list[Block]:
    """Run the blocks of a page and return those that failed."""
    folder = SCRATCH / str(page.relative_to(ROOT)).replace("/", "_").removesuffix(".md")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "scripts").symlink_to(ROOT / "scripts")
    doc_stand_ins.write_files(folder)
    return [block for block in blocks(page) if not _check(block, folder)]


def _check(block: Block, folder: Path) -> bool:
    """Run a block, print how it ended, and return whether it ended as its page says."""
    if block.skip:
        print(f"skipped   {block.name}: {block.skip}", flush=True)
        return True
    begin = time.monotonic()
    done = _run(_words(block), folder)
    fine = done.returncode == block.status
    print(f"{'ok' if fine else 'FAILED':8s}  {block.name}: {time.monotonic() - begin:.0f} s", flush=True)
    if not fine:
        print(f"{block.code}exit status {done.returncode}\n{done.stdout[-3000:]}", flush=True)
    return fine


def _words(block: Block) -> list[str]:
    if block.language == "python":
        return [sys.executable, "-c", block.code]
    script = re.sub(r" \[RUN_DIR …\]", "", "\n".join(block.commands))
    for word, values in block.words:
        rest = iter(values)
        last = values[-1]
        script = re.sub(rf"\b{word}\b", lambda _, rest=rest, last=last: _stand_in(next(rest, last)), script)
    return ["bash", "-euo", "pipefail", "-c", script]


def _stand_in(name: str) -> str:
    """Return the folder of a run or a sweep, which is made at its first use; any other word as it is."""
    if name not in {**doc_stand_ins.RUNS, **doc_stand_ins.SWEEPS}:
        return name
    folder = SCRATCH / "stand_ins" / name
    if not folder.exists():
        home = SCRATCH / "stand_ins" / f"files_of_{name}"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        doc_stand_ins.write_files(home)
        done = _run([sys.executable, "-m", *doc_stand_ins.command(name, folder)], home)
        if done.returncode:
            sys.exit(f"the stand-in {name} failed:\n{done.stdout[-3000:]}")
    return str(folder)


def _run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"PATH": path, "PYTHONPATH": str(ROOT), "WANDB_MODE": "disabled", "MPLBACKEND": "agg"}
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **own},
        timeout=SECONDS,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


if __name__ == "__main__":
    main()
