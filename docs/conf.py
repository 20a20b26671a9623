"""The site: `python -m sphinx -W docs site`, from this folder's pages and the package's docstrings."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

sys.path[:0] = [
    str(Path(__file__).resolve().parent),
    str(Path(__file__).resolve().parent.parent),
]

import pages_of_the_site as pages

import npreg

project, release, author = "npreg", npreg.__version__, "the npreg developers"
project_copyright = f"2026, {author}"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
exclude_patterns = ["_templates", "figures", "graders"]
templates_path = ["_templates"]

# Markdown as the pages are written for any reader of Markdown
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4
suppress_warnings = [
    "myst.header"
]  # a README begins with its title, wherever it is included

# Docstrings: single back-quotes are code, formulas are plain text
default_role = "code"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
numpydoc_show_class_members = False
warnings.filterwarnings(
    "ignore", message="Unknown section Parameters"
)  # its groups, see pages.plain
autosummary_filename_map = {  # where upper and lower case are one in the names of files
    name: f"{name}-class" for name in ("npreg.SGD", "npreg.differentiate.Derivative")
}

html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["equations.css"]
html_theme = "furo"
html_title = f"npreg {release}"
html_show_sourcelink = False


def setup(app: object) -> None:
    pages.write()
    app.add_html_math_renderer("mathml", (pages.equations, None), (pages.equations, None))
    app.connect("autodoc-process-docstring", pages.plain, priority=100)  # before numpydoc
    app.connect("autodoc-skip-member", pages.of_others)
    app.connect("source-read", pages.on_the_site)
    app.connect("include-read", pages.included)
