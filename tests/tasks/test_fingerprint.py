"""The fingerprint of a task: what changes it, and what does not."""

from __future__ import annotations

import dataclasses

import jax
import pytest

from seqlab.tasks import load_task
from seqlab.tasks.memory.adding import Adding

SOURCE = """
@dataclasses.dataclass(frozen=True)
class Adding(Parent):
    version = {version}
    def draw(self, key, size, split, framing, data):
        batch = super().draw(key, size, split, framing, data)
        return batch._replace(targets={factor} * batch.targets)  # {comment}
"""


def in_a_notebook(version=1, factor=1.0, comment=""):
    """Define a task whose source is in no file, as in a notebook."""
    names = {"dataclasses": dataclasses, "Parent": Adding, "__name__": "__main__"}
    exec(SOURCE.format(version=version, factor=factor, comment=comment), names)
    return names["Adding"]().fingerprint()


def test_a_task_without_a_source_file_has_the_fingerprint_of_an_equal_one():
    assert in_a_notebook() == load_task("adding").fingerprint()


def test_a_comment_changes_nothing():
    assert in_a_notebook(comment="another") == in_a_notebook()


def test_a_rule_that_changes_a_batch_changes_it():
    assert in_a_notebook(factor=2.0) != in_a_notebook()


def test_a_version_changes_it():
    assert in_a_notebook(version=2) != in_a_notebook()


def test_a_field_changes_it():
    assert Adding(length=40).fingerprint() != Adding(length=50).fingerprint()


@pytest.mark.parametrize(("name", "fields"), [("digits", {}), ("python_docs", {"length": 8})])
def test_the_data_change_it(name, fields):
    task = load_task(name, **fields)
    other = dataclasses.replace(task)
    leaves, tree = jax.tree.flatten(task.data)
    changed = [leaves[0].at[(0,) * leaves[0].ndim].add(1), *leaves[1:]]
    other.__dict__["data"] = jax.tree.unflatten(tree, changed)
    assert other.fingerprint() != task.fingerprint()
