"""Sphinx's settings for the site, which `make docs` builds from the root of the repository.

The root is the source folder, so that README, CONTRIBUTING and the reports of the studies are pages too, and
every relative link works in the repository and on the site.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent)]

from seqlab import __version__  # noqa: E402

project = "seqlab"
author = "the seqlab authors"
version = release = __version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docstrings",
    "reference",
]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "experiments/**.md",
    "tests/**.md",
]
exclude_patterns = [".*", "build", "dist", "runs", "sweeps", "wandb", "**/__pycache__"]

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
suppress_warnings = ["myst.header"]  # a report of a study may begin its sections with the third level

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False  # what an overriding method promises is said once, at the base
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style"), ("Class attributes", "params_style")]

html_theme = "furo"
html_title = "seqlab"
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = ["templates"]
html_additional_pages = {"index": "redirect.html"}
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
copybutton_prompt_text = "$ "
