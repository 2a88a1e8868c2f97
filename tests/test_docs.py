"""The pages for users: links lead somewhere, Python code runs, config keys exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from seqlab.cli.new import FILES, template
from seqlab.runs import compose_config
from seqlab.testing import ARCHITECTURE_LAWS, CELL_LAWS, TASK_LAWS, TRACKER_LAWS

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("experiments/*/*.md"), *ROOT.glob("tests/*.md")]
)
PROGRAMS = [
    pytest.param(page, code, id=f"{page.stem}-{number}")
    for page in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
    if code not in map(template, FILES)  # the files of a plug-in run in tests/test_wheel.py
]
GROUPS = ("training", "tracking", "gradients")
LAWS = {"cell": CELL_LAWS, "task": TASK_LAWS, "architecture": ARCHITECTURE_LAWS, "tracker": TRACKER_LAWS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.runs
@pytest.mark.parametrize(("page", "code"), PROGRAMS)
def test_python_code_runs(page, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(page), "exec"), {})


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_of_the_config_names_every_key(group):
    page = (ROOT / "docs" / "config.md").read_text()
    settings = OmegaConf.to_container(compose_config([])[group])
    leaves = [key for key in _leaves(settings) if not key.startswith("_")]
    assert [key for key in leaves if not re.search(rf"`[^`]*\b{key}\b[^`]*`", page)] == []


def _leaves(settings):
    for key, value in settings.items():
        yield from _leaves(value) if isinstance(value, dict) else [key]


def test_the_page_of_plugins_shows_the_files_that_are_written():
    page = (ROOT / "docs" / "plugins.md").read_text()
    shown = dict(re.findall(r"^`([^`\n]+)`:\n\n```\w+\n(.*?)```$", page, re.DOTALL | re.MULTILINE))
    assert shown == {path: template(path) for path in FILES}


@pytest.mark.parametrize("kind", LAWS)
def test_the_page_of_plugins_lists_the_laws(kind):
    page = (ROOT / "docs" / "plugins.md").read_text()
    (listed,) = re.findall(rf"^\| `check_{kind}\(\w+\)` \| (.*) \|$", page, re.MULTILINE)
    assert listed == ", ".join(f"{law.number} {law.name}" for law in LAWS[kind])
