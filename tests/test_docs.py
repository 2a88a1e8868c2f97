"""The pages for users: links lead somewhere, names in Python code and config keys exist."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from types import ModuleType

import doc_blocks
import jax
import jax.numpy as jnp
import pytest
from omegaconf import OmegaConf
from tiny_runs import tiny

from seqlab import run
from seqlab.cli.new import FILES, template
from seqlab.runs import build, compose_config, compose_request
from seqlab.testing import ARCHITECTURE_LAWS, CELL_LAWS, TASK_LAWS, TRACKER_LAWS
from seqlab.tracking import read_rows

ROOT = Path(__file__).parents[1]
DOCS = sorted(ROOT.glob("docs/**/*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *DOCS, *ROOT.glob("experiments/**/*.md"), *ROOT.glob("tests/**/*.md")])
PROGRAMS = [
    pytest.param(page, code, id=f"{page.stem}-{number}")
    for page in (ROOT / "README.md", *DOCS)
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
    if code not in map(template, FILES)  # the files of a plug-in run in tests/test_wheel.py
]
COMMANDS = [page for page in doc_blocks.PAGES if doc_blocks.trainings(page)]
GROUPS = ("training", "recurrence", "distributed", "tracking", "gradients")
LAWS = {"cell": CELL_LAWS, "task": TASK_LAWS, "architecture": ARCHITECTURE_LAWS, "tracker": TRACKER_LAWS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_links_to_sections_lead_to_headings():
    sections = {page: {_anchor(line) for line in _headings(page)} for page in PAGES}
    lost = [
        f"{page.relative_to(ROOT)}: {target}#{anchor}"
        for page in PAGES
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text())
        if anchor not in sections.get((page.parent / target).resolve() if target else page, ())
    ]
    assert lost == []


def test_the_contents_of_the_site_list_every_page_once():
    listed = [
        found.resolve()
        for page in DOCS
        for block in re.findall(r"```{toctree}\n(.*?)```", page.read_text(), re.DOTALL)
        for entry in block.split("\n")
        if entry and not entry.startswith(":")
        for found in sorted(page.parent.glob(re.sub(r".*<(.*)>", r"\1", entry) + ".md"))
    ]
    assert sorted(listed) == sorted({*PAGES, *DOCS} - {ROOT / "docs" / "index.md"})


def _headings(page):
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^#+ (.*)$", prose, re.MULTILINE)


def _anchor(heading):
    """Return the anchor that GitHub and the site give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_training_that_is_shown_composes(page):
    for overrides in doc_blocks.trainings(page):
        compose_config(overrides)


def test_what_installs_or_needs_an_account_is_not_run():
    shown = [
        block for page in doc_blocks.PAGES for block in doc_blocks.blocks(page) if block.language == "sh"
    ]
    names = {
        block.name: {command.split()[0] for command in block.commands} for block in shown if not block.skip
    }
    assert [
        name for name, first in names.items() if first & {"pip", "make", "source", "wandb", "export"}
    ] == []


def test_a_comment_changes_how_a_block_is_checked(tmp_path):
    page = tmp_path / "page.md"
    skipped = "<!-- check: skip: why -->\n```sh\nmake\n```\n"
    page.write_text(
        f"{skipped}\n<!-- check: training.steps=2 FILE=a,b status=1 -->\n"
        "```sh\npython -m seqlab.train \\\n  task=FILE  # why\nls FILE\n```\n\n`a.py`:\n\n```python\n```\n"
    )
    first, second = doc_blocks.blocks(page)
    assert first.skip == "why"
    assert second.commands == ["python -m seqlab.train task=FILE training.steps=2", "ls FILE"]
    assert (second.status, second.words) == (1, (("FILE", ("a", "b")),))


@pytest.mark.parametrize(("page", "code"), PROGRAMS)
def test_python_code_imports_what_there_is(page, code):
    """Its imports and the names that it takes from seqlab; `make docs-check` runs the whole code."""
    tree, names = ast.parse(code, str(page)), dict[str, object]()
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    exec(compile(ast.Module(imports, []), str(page), "exec"), names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = names.get(node.value.id)
            assert not isinstance(module, ModuleType) or hasattr(module, node.attr), ast.unparse(node)


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_of_the_config_names_every_key(group):
    page = (ROOT / "docs" / "config.md").read_text()
    settings = OmegaConf.to_container(compose_config([])[group])
    leaves = [key for key in _leaves(settings) if not key.startswith("_")]
    assert [key for key in leaves if not re.search(rf"`[^`]*\b{key}\b[^`]*`", page)] == []


def _leaves(settings):
    for key, value in settings.items():
        yield from _leaves(value) if isinstance(value, dict) else [key]


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/learn/[0-9]*.md")), ids=lambda page: page.stem)
def test_a_page_of_the_course_has_an_equation_a_command_and_a_small_figure(page):
    text = page.read_text()
    figures = [page.parent / name for name in re.findall(r"!\[.+\]\((.*)\)", text)]
    assert "```text\n" in text
    assert doc_blocks.blocks(page)
    assert figures
    assert [figure.name for figure in figures if figure.stat().st_size > 60_000] == []


PARITY = tiny("parity_check", "many_to_one", "training.steps=2")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The summary of a run."""
    return run([*PARITY, f"hydra.run.dir={tmp_path_factory.mktemp('trained')}"])


def every_statistic():
    """Return the keys of all statistics of a network of two layers in both directions, which is traced."""
    stack = ["architecture.num_layers=2", "architecture.bidirectional=true", "gradients=full"]
    program = build(compose_request([*PARITY, *stack])).program
    batch = jax.eval_shape(program.batch, jnp.uint32(0), jnp.int32(0), program.task.data)
    return [
        key
        for every in program.cadences
        for key in jax.eval_shape(functools.partial(program.diagnose, every=every), program.shapes, batch)
    ]


@pytest.mark.runs
def test_the_page_of_metrics_names_every_key_of_a_row(trained):
    page = (ROOT / "docs" / "metrics.md").read_text()
    cells = re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE)
    patterns = [_pattern(key) for cell in cells for key in re.findall(r"`([^`]+)`", cell)]
    keys = {key for row in read_rows(Path(trained["folder"])) for key in row} - {"step"}
    keys |= {*every_statistic()}
    assert [key for key in sorted(keys) if not any(one.fullmatch(key) for one in patterns)] == []


@pytest.mark.runs
def test_the_page_of_the_run_folder_names_what_a_run_writes(trained):
    page = (ROOT / "docs" / "run-folder.md").read_text()
    files = [path.name for path in Path(trained["folder"]).iterdir()]
    assert [name for name in [*files, *trained] if f"`{name}" not in page and f" {name}" not in page] == []


def _pattern(key):
    """Return what a key of the page stands for: `<name>` any name, `[part]` a part that can be absent."""
    steps = {"[": "(", "]": ")?", "…": ".+", "forward/ or backward/": "(forward|backward)/"}
    words = re.split(r"(<\w+>|[\[\]…]|forward/ or backward/)", key)
    return re.compile(
        "".join(".+" if word.startswith("<") else steps.get(word, re.escape(word)) for word in words)
    )


def test_the_page_of_plugins_shows_the_files_that_are_written():
    page = (ROOT / "docs" / "plugins.md").read_text()
    shown = dict(re.findall(r"^`([^`\n]+)`:\n\n```\w+\n(.*?)```$", page, re.DOTALL | re.MULTILINE))
    assert shown == {path: template(path) for path in FILES}


@pytest.mark.parametrize("kind", LAWS)
def test_the_page_of_plugins_lists_the_laws(kind):
    page = (ROOT / "docs" / "plugins.md").read_text()
    (listed,) = re.findall(rf"^\| `check_{kind}\(\w+\)` \| (.*) \|$", page, re.MULTILINE)
    assert listed == ", ".join(f"{law.number} {law.name}" for law in LAWS[kind])
