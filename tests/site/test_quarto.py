"""Real Quarto, where there is one: the same pages, the same anchors, nothing wrong with them."""

import re
from pathlib import Path

import pytest
from tests.site.browser import inspect_site
from tests.site.conftest import ROOT, make_project

from superposition.site import render

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(render.find_quarto() is None, reason="no quarto beside Python or on PATH"),
]


@pytest.fixture(scope="module")
def quarto_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = make_project(tmp_path_factory.mktemp("quarto"), ["index.qmd", "second.qmd"])
    hook = project / "src" / "superposition" / "site" / "assets.py"
    hook.parent.mkdir(parents=True)
    hook.write_bytes((ROOT / hook.relative_to(project)).read_bytes())
    assert render.render(project, project / "_site").renderer == "quarto"
    return project / "_site"


def anchors(page: Path) -> set[str]:
    """Anchors of the page's own, without those of captions and of the page's citation."""
    names = re.findall(r'id="((?:fig|tbl|eq|sec|ref)-[\w-]+)"', page.read_text(encoding="utf-8"))
    return {name for name in names if "caption" not in name and "the_authors" not in name}


@pytest.mark.parametrize("name", ["index.html", "second.html"])
def test_quarto_and_the_preview_give_the_same_anchors(quarto_site, sample_site, name):
    assert anchors(quarto_site / "paper" / name) == anchors(sample_site / "paper" / name)


def test_nothing_is_wrong_with_the_site_that_quarto_makes(quarto_site):
    assert inspect_site(quarto_site) == []


def test_quarto_leaves_nothing_but_the_site_and_its_own_folder(quarto_site):
    left = {path.name for path in quarto_site.parent.iterdir()}
    assert left == {"_quarto.yml", "_site", ".quarto", "CITATION.cff", "charts.py", "paper", "src"}
