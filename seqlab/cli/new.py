"""Starting points for one's own code: `python -m seqlab.new plugin NAME` writes a package."""

from __future__ import annotations

import keyword
import sys
from importlib import resources
from pathlib import Path

from seqlab.cli.arguments import Parser
from seqlab.cli.command import command
from seqlab.near_misses import near_miss
from seqlab.types import ConfigError

KINDS = ("plugin",)
"""What can be written."""

PACKAGE = "mylab"
"""The name of the package in the templates, for which the user's name is written."""

FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "mylab/cells.py": "cells.py.txt",
    "mylab/tasks.py": "tasks.py.txt",
    "mylab/conf/cell/my_cell.yaml": "my_cell.yaml.txt",
    "mylab/conf/task/my_task.yaml": "my_task.yaml.txt",
    "tests/test_mylab.py": "test_plugin.py.txt",
}
"""The files of a plug-in by path, and their templates. `docs/plugins.md` shows the same texts."""


def template(path: str) -> str:
    """Return the text of a file of the plug-in `mylab`."""
    return (resources.files("seqlab.cli") / "plugin" / FILES[path]).read_text(encoding="utf-8")


def write_plugin(name: str, folder: Path) -> list[Path]:
    """Write a package with a cell, a task, their YAML and tests.

    Args:
        name: of the package.
        folder: where its folder, of the same name, is created.

    Returns:
        The files written.

    Raises:
        ConfigError: no legal name, or the folder exists; nothing is written.
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name != name.lower():
        raise ConfigError(f"NAME={name} must be a Python package's name: lower-case letters, digits and _")
    if name in ("seqlab", "tests") or name in sys.stdlib_module_names:
        raise ConfigError(f"NAME={name} is taken: choose another name")
    if (root := folder / name).exists():
        raise ConfigError(f"NAME={name}: the folder {root} exists already")
    texts = {path: template(path) for path in FILES} | {"mylab/__init__.py": '"""Plug-in of seqlab."""\n'}
    written: list[Path] = []
    try:
        for path, text in texts.items():
            file = root / path.replace(PACKAGE, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace(PACKAGE, name), encoding="utf-8")
            written.append(file)
    except OSError as error:
        raise ConfigError(f"NAME={name} cannot be written: {error}") from error
    return written


@command
def main() -> None:
    """Write a package with a cell, a task, their YAML and tests."""
    parser = Parser(prog="python -m seqlab.new", description=main.__doc__)
    parser.add_argument("kind", metavar="KIND", help=f"one of {', '.join(KINDS)}")
    parser.add_argument("name", metavar="NAME", help="the name of the package, which is also its folder's")
    options = parser.parse_args()
    if options.kind not in KINDS:
        hint = near_miss(options.kind, KINDS)
        raise ConfigError(f"KIND={options.kind}{hint}: legal values are {', '.join(KINDS)}")
    print(*write_plugin(options.name, Path()), sep="\n")
    print(f"next: pip install -e {options.name} && python -m seqlab.train cell=my_cell task=my_task")
