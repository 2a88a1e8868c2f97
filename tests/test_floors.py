"""Does every arrow of the house point down?"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import seqlab

PACKAGE = Path(seqlab.__file__).parent
FLOORS = {
    0: {"types", "checks", "paths"},
    1: {"cells", "recurrence", "tasks", "objectives", "gradients", "tracking"},
    2: {"architectures", "weights"},
    3: {"training"},
    4: {"targets", "overrides", "commands", "provenance", "axes", "cost"},
    5: {"build"},
    6: {"execution", "by_length"},
    7: {"sweeps"},
    8: {"studies", "train", "evaluate", "generate", "__main__"},
    9: {"__init__"},
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
THIRD_PARTY = {
    "types": {"jax"},
    "checks": {"jax"},
    "cells": {"jax", "flax"},
    "recurrence": {"jax"},
    "tasks": {"jax", "numpy", "yaml", "rich"},
    "objectives": {"jax", "optax"},
    "gradients": {"jax"},
    "architectures": {"jax", "flax"},
    "weights": {"numpy"},
}
"""What the lower rooms may import at the top of a file; the rest is imported lazily or higher up."""

FILES = sorted(path for path in PACKAGE.rglob("*.py") if "conf" not in path.relative_to(PACKAGE).parts)


def room_of(path: Path) -> str:
    """Return the file's room; a room's command is on the floor of the commands."""
    return "__main__" if path.name == "__main__.py" else path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(tree: ast.AST, anywhere: bool) -> set[str]:
    nodes = ast.walk(tree) if anywhere else ast.iter_child_nodes(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_down(path):
    room = room_of(path)
    names = imported(ast.parse(path.read_text()), anywhere=True)
    for target in {name.split(".")[1] for name in names if name.startswith("seqlab.")}:
        below = FLOOR_OF[target] < FLOOR_OF[room]
        assert below or target == room, f"{room} may not import {target}"


LOW = [path for path in FILES if room_of(path) in THIRD_PARTY]


@pytest.mark.parametrize("path", LOW, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_low_rooms_import_few_packages(path):
    packages = {name.split(".")[0] for name in imported(ast.parse(path.read_text()), anywhere=False)}
    foreign = packages - set(sys.stdlib_module_names) - {"seqlab", "__future__"}
    assert foreign <= THIRD_PARTY[room_of(path)]


def test_every_room_has_a_floor():
    assert {room_of(path) for path in FILES} == set(FLOOR_OF)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_opens_with_its_question(path):
    docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
    first = docstring.split("\n")[0]
    command = FLOOR_OF[room_of(path)] >= FLOOR_OF["train"]
    assert "?" in first or command
    assert docstring
