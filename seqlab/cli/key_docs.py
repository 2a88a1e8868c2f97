"""Documentation of config keys: their meaning from docstrings and YAML comments, defaults and legal types."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from seqlab.registry import CONF, files_of, locate, settings_of

FOREIGN = ("hydra_plugins.", "hydra.", "hydra._internal.", "optuna.")
"""Where targets are that `locate` refuses: those of Hydra's own groups."""

_SECTION = re.compile(r"^(?:Args|Attributes|Parameters):$")
_ENTRY = re.compile(r"^([*\w]+(?:, [*\w]+)*)(?: \([^)]*\))?:\s*(.*)$")
_COMMENTED = re.compile(r"^(\s*)([\w/]+):(?:[^#]*)(?:\s#\s*(.*))?$")
_KINDS = {
    "int": "integer",
    "float": "number",
    "bool": "true or false",
    "str": "text",
    "None": "null",
    "Sequence[str]": "list of texts",
    "Sequence[int]": "list of integers",
    "Mode": "text",
    "Sequence[float]": "list of numbers",
    "tuple[int, int]": "list of two integers",
    "Mapping[str, float]": "numbers by name",
    "Make": "a group of keys with a _target_",
    "Sequence[Make]": "list of groups of keys with a _target_",
    "Sequence[Callable[[], optax.Schedule]]": "list of groups of keys with a _target_",
}
_STATED = re.compile(
    r"^((?:null|integer|number|text|list of texts|group of keys)"
    r"(?: or (?:list of texts|group of keys|\w+))*): (.*)$"
)
"""A comment in a YAML file that begins with the legal types of its key."""


class KeyDoc(NamedTuple):
    """What is to be known of a key.

    Attributes:
        key: with dots.
        default: the value in the YAML file.
        meaning: one or more sentences.
        kind: the legal types in words; empty where neither an annotation nor a comment of ours says them.
    """

    key: str
    default: Any
    meaning: str
    kind: str


class OptionDoc(NamedTuple):
    """What is to be known of an option of a group.

    Attributes:
        target: its `_target_`; None where it has none.
        summary: the first paragraph of the docstring, or the comment at the top of the file.
        keys: its keys.
    """

    target: str | None
    summary: str
    keys: tuple[KeyDoc, ...]


def option_doc(group: str, name: str) -> OptionDoc:
    """Return what is to be known of `group=name`.

    Raises:
        ConfigError: there is no such option.
    """
    settings = settings_of(group, name)
    path = files_of(group)[name]
    comments = comments_of(path)
    for base in _bases(path):
        if base in files_of(group):
            below = settings_of(group, base)
            settings, comments = {**below, **settings}, {**comments_of(files_of(group)[base]), **comments}
    if path.read_text(encoding="utf-8").startswith(
        "# @package _global_"
    ):  # its keys are those of other groups
        return OptionDoc(None, _first_comment(path), ())
    target = settings.get("_target_")
    summary = _first_comment(path) or (summary_of(_target(target, group)) if target else "")
    prefix = group.replace("/", ".")
    return OptionDoc(target, summary, tuple(_keys(settings, prefix, "", comments)))


def top_level_docs() -> list[KeyDoc]:
    """Return what is to be known of the keys that belong to no group."""
    comments = comments_of(CONF / "train.yaml")
    settings = settings_of("", "train")
    settings.pop("hydra")
    return list(_keys(settings, "", "", comments))


def summary_of(target: Callable[..., Any]) -> str:
    """Return the first paragraph of a docstring in one line."""
    return " ".join((inspect.getdoc(target) or "").split("\n\n")[0].split())


def entries_of(target: Callable[..., Any]) -> dict[str, str]:
    """Return the meanings of the arguments of a class or function, from its docstring and those of its bases.

    The sections `Args`, `Attributes` and `Parameters` are read, in the style of Google's guide. An entry that
    names several arguments counts for each, after the entries of one name.
    """
    alone: dict[str, str] = {}
    together: dict[str, str] = {}
    for owner in reversed(target.__mro__) if isinstance(target, type) else (target,):
        for names, text in _entries(inspect.cleandoc(getattr(owner, "__doc__", None) or "")):
            for name in names:
                (alone if len(names) == 1 else together)[name] = text
    return {**{name: f"{text} (with others)" for name, text in together.items()}, **alone}


def _entries(doc: str) -> Iterator[tuple[list[str], str]]:
    """Yield the names and the text of each entry of a docstring's sections of arguments."""
    inside, depth = False, 0
    names: list[str] = []
    text: list[str] = []
    for line in [*doc.splitlines(), "end"]:
        indent = len(line) - len(line.lstrip())
        if inside and line.strip() and indent == 0:
            inside = False
            if names:
                yield names, " ".join(text)
            names, text = [], []
        if _SECTION.match(line):
            inside, depth = True, 0
        elif inside and line.strip():
            depth = depth or indent
            found = _ENTRY.match(line.strip()) if indent == depth else None
            if found:
                if names:
                    yield names, " ".join(text)
                names, text = found[1].split(", "), [found[2]]
            else:
                text.append(line.strip())


def _keys(
    settings: Mapping[str, Any], prefix: str, inner: str, comments: Mapping[str, str]
) -> Iterator[KeyDoc]:
    """Yield what is to be known of the keys of a node, those of inner nodes included."""
    target = settings.get("_target_")
    entries: dict[str, str] = {}
    kinds: dict[str, str] = {}
    if target is not None:
        found = _target(target, prefix)
        entries, kinds = entries_of(found), _kinds(found)
    for name, value in settings.items():
        if re.fullmatch(r"_\w+_", str(name)):  # those of `hydra.utils.instantiate`
            continue
        path = f"{inner}.{name}" if inner else str(name)
        key = f"{prefix}.{name}" if prefix else str(name)
        if isinstance(value, Mapping) and value:
            yield from _keys(cast("Mapping[str, Any]", value), key, path, comments)
            continue
        comment = comments.get(path, "")
        meaning = entries.get(name, "")
        if comment and (not meaning or meaning.endswith("(with others)") or _STATED.match(comment)):
            meaning = comment
        meaning = " ".join(meaning.removesuffix(" (with others)").split())
        stated = _STATED.match(meaning)
        kind, meaning = (stated[1], stated[2]) if stated else (kinds.get(name) or _kind_of(value), meaning)
        yield KeyDoc(key, value, meaning, kind)


def _kind_of(value: Any) -> str:
    """Return the type of a default in words; empty for null, where the comment of the key states it."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, list):
        kinds = {_kind_of(item) for item in cast("list[Any]", value)}
        return f"list of {kinds.pop()}s" if kinds in ({"number"}, {"text"}) else "list of texts"
    return "text" if isinstance(value, str) else ""


def _target(target: str, path: str) -> Callable[..., Any]:
    """Return what a `_target_` names; also one of Hydra's own groups, whose files are ours."""
    if target.startswith(FOREIGN):
        module, _, name = target.rpartition(".")
        return getattr(importlib.import_module(module), name)
    return locate(target, path)


def _kinds(target: Callable[..., Any]) -> dict[str, str]:
    """Return the legal types of the arguments of a target, in words."""
    found: dict[str, str] = {}
    for name, parameter in inspect.signature(target).parameters.items():
        annotation = parameter.annotation
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
        words = [_KINDS.get(part.strip()) for part in text.split("|")]
        if all(words):
            found[name] = " or ".join(cast("list[str]", words))
    return found


def comments_of(path: Path) -> dict[str, str]:
    """Return the comments at the ends of the lines of a YAML file, by the dotted keys of the lines."""
    comments: dict[str, str] = {}
    parents: list[tuple[int, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if (found := _COMMENTED.match(line)) is None:
            continue
        depth = len(found[1])
        parents = [(above, name) for above, name in parents if above < depth]
        parents.append((depth, found[2]))
        if found[3]:
            comments[".".join(name for _, name in parents)] = found[3]
    return comments


def _first_comment(path: Path) -> str:
    """Return the comment at the top of a file in one line, without Hydra's package."""
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines += [] if line.startswith("# @package") else [line.removeprefix("#").strip()]
    return " ".join(lines)


def _bases(path: Path) -> list[str]:
    """Return the options of the same group that a file extends by its defaults list."""
    text = path.read_text(encoding="utf-8")
    listed = re.search(r"^defaults:\n((?:\s+- .*\n)+)", text, re.MULTILINE)
    return re.findall(r"^\s+- (\w+)$", listed[1], re.MULTILINE) if listed else []
