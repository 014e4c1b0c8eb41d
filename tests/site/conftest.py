"""A small site with every construct that the paper uses, built once by the preview."""

import shutil
from pathlib import Path

import pytest
import yaml

from superposition.site import render

ROOT = Path(__file__).parents[2]
SAMPLE = Path(__file__).parent / "sample"


def make_project(folder: Path, pages: list[str]) -> Path:
    """A project in `folder` with the paper's `_quarto.yml` and styles and the sample's `pages`."""
    (folder / "paper").mkdir(parents=True)
    shutil.copytree(ROOT / "paper" / "styles", folder / "paper" / "styles")
    shutil.copy(SAMPLE / "charts.py", folder)
    shutil.copy(ROOT / "CITATION.cff", folder)
    for name in [*pages, "references.bib", "glossary.yml"]:
        shutil.copy(SAMPLE / name, folder / "paper")
    tree = yaml.safe_load((ROOT / "_quarto.yml").read_text(encoding="utf-8"))
    first, *others = (f"paper/{name}" for name in pages)
    part = [{"section": "Another part", "contents": others}] if others else []
    tree["website"]["sidebar"]["contents"] = [first, *part]
    (folder / "_quarto.yml").write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def sample_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, built by the preview."""
    project = make_project(tmp_path_factory.mktemp("sample"), ["index.qmd", "second.qmd"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPERPOSITION_RENDERER", "preview")
        render.render(project, project / "_site")
    return project / "_site"


@pytest.fixture(scope="session")
def sample_page(sample_site: Path) -> str:
    """The HTML of the sample's first page."""
    return (sample_site / "paper" / "index.html").read_text(encoding="utf-8")
