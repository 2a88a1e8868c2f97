"""The structure of the package: imports point down, no circles, few packages in the lower rooms."""

from __future__ import annotations

import ast
import graphlib
import sys
from pathlib import Path

import pytest

import seqlab

PACKAGE = Path(seqlab.__file__).parent
FLOORS = (
    ({"types", "checks", "interrupts", "synonyms", "near_misses", "plugins", "registry"},),
    ({"cells"}, {"recurrence"}, {"data"}, {"metrics"}, {"tracking"}),
    ({"tasks"}, {"architectures"}, {"weights"}),
    ({"generation"}, {"diagnostics"}),
    ({"training"}, {"testing"}),
    ({"runs"},),
    ({"sweeps"}, {"analysis"}),
    ({"cli"},),
    ({"__main__"},),
    ({"__init__"},),
)
"""The rooms of each floor, the lowest first; the files of the ground floor are one room."""
PLACE_OF = {
    name: (height, index)
    for height, floor in enumerate(FLOORS)
    for index, room in enumerate(floor)
    for name in room
}
THIRD_PARTY = {
    "types": set(),
    "checks": set(),
    "interrupts": set(),
    "synonyms": set(),
    "near_misses": set(),
    "plugins": set(),
    "registry": {"yaml"},
    "cells": {"jax", "flax", "numpy"},
    "recurrence": {"jax", "numpy"},
    "data": {"numpy", "regex"},
    "metrics": {"jax", "numpy", "optax"},
    "tasks": {"jax", "numpy", "yaml"},
    "architectures": {"jax", "flax"},
    "weights": {"numpy"},
    "generation": {"jax", "numpy"},
    "diagnostics": {"jax"},
}
"""The packages that a lower room may import at the top of a file; others are imported where needed."""


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_of(path): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "conf" not in path.relative_to(PACKAGE).parts
}
TREES = {module: ast.parse(path.read_text()) for module, path in MODULES.items()}


def room_of(module: str) -> str:
    """Return a module's room; a `__main__`, and a file that is named as a file of `cli/`, is a command."""
    parts = module.split(".")
    is_command = (
        len(parts) == 2 and MODULES.get(f"seqlab.cli.{parts[1]}", Path()).name == MODULES[module].name
    )
    return "__main__" if is_command or parts[-1] == "__main__" else (*parts, "__init__")[1]


def imported(tree: ast.AST, anywhere: bool) -> set[str]:
    """Return the dotted names that a file imports, anywhere in it or at its top."""
    nodes = ast.walk(tree) if anywhere else ast.iter_child_nodes(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules_imported(module: str) -> set[str]:
    """Return the modules of the package that a module imports, anywhere in it."""
    names = imported(TREES[module], anywhere=True)
    found = {name if name in MODULES else name.rpartition(".")[0] for name in names}
    return (found & MODULES.keys()) - {module}


def test_every_room_has_a_floor():
    assert set(map(room_of, MODULES)) == set(PLACE_OF)


def test_imports_point_down():
    wrong = []
    for module in MODULES:
        height, index = PLACE_OF[room_of(module)]
        for target in modules_imported(module):
            place = PLACE_OF[room_of(target)]
            if place[0] >= height and place != (height, index):
                wrong.append(f"{module} imports {target}")
    assert wrong == []


def test_no_module_imports_itself_through_others():
    graph = {module: modules_imported(module) for module in MODULES}
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
        circle = []
    except graphlib.CycleError as error:
        circle = error.args[1]
    assert circle == []


def test_low_rooms_import_few_packages():
    wrong = {}
    for module, tree in TREES.items():
        packages = {name.split(".")[0] for name in imported(tree, anywhere=False)}
        foreign = packages - set(sys.stdlib_module_names) - {"seqlab", "__future__"}
        if (room := room_of(module)) in THIRD_PARTY and (more := foreign - THIRD_PARTY[room]):
            wrong[module] = more
    assert wrong == {}


def test_files_and_functions_are_short():
    long = [module for module, path in MODULES.items() if len(path.read_text().splitlines()) > 300]
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 50 + _docstring(node):
                long.append(f"{module}.{node.name}")
    assert long == []


CELL_CLASSES = {
    node.name
    for module in (*(name for name in MODULES if room_of(name) == "cells"), "seqlab.recurrence.protocols")
    for node in ast.walk(TREES[module])
    if isinstance(node, ast.ClassDef)
}


def _asks_the_class_of_a_cell(node: ast.AST) -> bool:
    """Return whether a piece of source chooses by the class of a cell."""
    if isinstance(node, ast.MatchClass):
        return bool(_names(node.cls) & CELL_CLASSES)
    if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
        what, classes = node.args
        return ast.unparse(what).lower().endswith(("cell", "cell)")) or bool(_names(classes) & CELL_CLASSES)
    if isinstance(node, ast.Compare | ast.Subscript):
        return any(
            isinstance(part, ast.Call)
            and ast.unparse(part.func) == "type"
            and ast.unparse(part.args[0]).lower().endswith("cell")
            for part in ast.walk(node)
        )
    return False


def _names(node: ast.AST) -> set[str]:
    """Return the last names of everything that an expression names."""
    parts = list(ast.walk(node))
    return {part.id for part in parts if isinstance(part, ast.Name)} | {
        part.attr for part in parts if isinstance(part, ast.Attribute)
    }


@pytest.mark.parametrize(
    "source",
    ["isinstance(cell, x)", "isinstance(x, cells.GRU)", "type(stack.cell) in KINDS", "KINDS[type(cell)]"],
)
def test_a_question_for_the_class_of_a_cell_is_found(source):
    assert any(map(_asks_the_class_of_a_cell, ast.walk(ast.parse(source))))


def test_no_cell_is_a_special_case_outside_its_room():
    """A cell says of itself what others need to know, so that the cell of a plug-in may say it too."""
    asked = [
        f"{module}:{node.lineno}"
        for module, tree in TREES.items()
        if room_of(module) not in ("cells", "recurrence")
        for node in ast.walk(tree)
        if _asks_the_class_of_a_cell(node)
    ]
    assert asked == []


def _docstring(node: ast.FunctionDef) -> int:
    """Return how many lines a function's docstring and signature take."""
    return node.body[0].end_lineno - node.lineno if ast.get_docstring(node) else 0


def test_no_private_name_of_another_package_is_imported():
    """A private name may change in any release. Use a public one, or keep it in one file with a test."""
    private = {
        module: name
        for module, tree in TREES.items()
        for name in imported(tree, anywhere=True)
        if name.split(".")[0] not in ("seqlab", "__future__")
        and any(part.startswith("_") and not part.endswith("__") for part in name.split("."))
    }
    assert private == {}
