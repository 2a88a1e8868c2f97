"""Families of models and problems, and what theory says of them, from `families.yaml`."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Sequence
from typing import Any

import yaml

OTHERS = "others"
"""The family of a name that the file does not list, such as one of a plug-in."""


@functools.cache
def families() -> dict[str, Any]:
    """Return the content of the file: `models` and `problems` by family, and the list `theory`."""
    text = importlib.resources.files("seqlab.analysis.atlas").joinpath("families.yaml").read_text("utf-8")
    return yaml.safe_load(text)


def family_of(name: str, kind: str) -> str:
    """Return the family of a model or a problem.

    Args:
        name: its name.
        kind: "models" or "problems".
    """
    found = (family for family, names in families()[kind].items() if name in names)
    return next(found, OTHERS)


def in_order(names: Sequence[str], kind: str) -> list[str]:
    """Return names in the order of their families and of the file; those that it lacks come last."""
    listed = [name for members in families()[kind].values() for name in members]
    known = [name for name in listed if name in names]
    return known + [name for name in dict.fromkeys(names) if name not in listed]


def theory(models: Sequence[str], problems: Sequence[str]) -> list[dict[str, Any]]:
    """Return what theory says of these models and problems; each statement names those that it is about.

    Args:
        models: the names of models.
        problems: the names of problems.
    """
    found: list[dict[str, Any]] = []
    for said in families()["theory"]:
        of_models = [name for name in models if _listed(name, said["models"], "models")]
        of_problems = [name for name in problems if _listed(name, said["problems"], "problems")]
        if of_models and of_problems:
            found.append({**said, "models": of_models, "problems": of_problems})
    return found


def _listed(name: str, names: Sequence[str], kind: str) -> bool:
    return name in names or family_of(name, kind) in names
