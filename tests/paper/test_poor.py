"""Pages come out, and say so, where a text or a model lacks what they speak of."""

import re
import shutil
from collections.abc import Callable
from functools import partial
from html import unescape
from pathlib import Path

import pytest
from tests.paper import poor, synthetic

from superposition.claims import core
from superposition.results import Results
from superposition.site import render

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::RuntimeWarning")]
Change = Callable[[Path], None]
Render = Callable[..., dict[str, str]]


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that lacks nothing."""
    return synthetic.write_project(tmp_path_factory.mktemp("rich") / "project")


@pytest.fixture
def rendered(rich: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Render:
    """A function that changes a copy of the project and renders some of its pages, as text."""

    def make(change: Change, *pages: str) -> dict[str, str]:
        project = Path(shutil.copytree(rich, tmp_path / "project"))
        change(project)
        poor.only(project, *pages)
        monkeypatch.setenv("SUPERPOSITION_RENDERER", "preview")
        monkeypatch.setenv("PYTHONPATH", str(synthetic.ROOT / "src"))
        render.render(project, project / "_site")
        return {page: text_of(project / "_site" / "paper" / f"{page}.html") for page in pages}

    return make


def text_of(page: Path) -> str:
    """The words of a page, on one line; no page may lack data."""
    html = page.read_text("utf-8")
    assert 'class="missing"' not in html
    words = re.sub(r"<script.*?</script>|<[^>]+>", " ", html, flags=re.S)
    return re.sub(r" (?=[.,;:](?: |$))", "", " ".join(unescape(words).split()))


def test_a_text_without_code_has_no_concepts_of_code(rendered: Render) -> None:
    pages = rendered(poor.without_code, "concepts", "interpretability")
    assert "parser took 0;" in pages["concepts"]
    assert "Refused, although their names end in .py: none." in pages["concepts"]
    assert pages["concepts"].count(" absent ") > 100
    assert "Nothing to show" not in pages["interpretability"]


def test_a_text_too_short_for_any_concept_leaves_notes(rendered: Render) -> None:
    pages = rendered(poor.without_concepts, "concepts", "interpretability", "single-features")
    assert "Nothing to show: no group of concepts." in pages["interpretability"]
    assert "with the smallest, none." in pages["interpretability"]
    assert "Nothing to show: no concept with enough text." in pages["single-features"]


def test_an_autoencoder_without_live_latents_leaves_notes(rendered: Render) -> None:
    dead = partial(poor.without_live_latents, row="batch-topk")
    pages = rendered(dead, "features", "interpretability", "single-features")
    assert "Nothing to show: no latent." in pages["features"]
    assert "No latent was chosen for this reason at this scale." in pages["features"]
    assert "Of the BatchTopK latents, not measured can tell" in pages["interpretability"]
    assert "Nothing to show: no concept whose latent is active." in pages["single-features"]


def test_claims_that_were_not_run_say_so_wherever_they_stand(rendered: Render) -> None:
    pages = rendered(poor.without_verdicts, "negative-results", "scorecard", "toy-models")
    n = len(core.all_claims())
    assert f"{n} were not run" in pages["scorecard"]
    assert "No claim is not replicated" in pages["negative-results"]
    assert "not run at this scale Claim a10-intro-dense" in pages["toy-models"]


def test_speed_that_was_never_measured_says_how_to_measure_it(rendered: Render) -> None:
    page = rendered(poor.without_benchmarks, "speed")["speed"]
    assert "Nothing was measured on this machine yet: make bench does it." in page
    assert page.count("superposition.benchmarks autoencoders --device cuda does it.") == 2


@pytest.mark.parametrize(
    "change", [poor.without_concepts, partial(poor.without_live_latents, row="batch-topk")]
)
def test_claims_are_judged_whatever_is_missing(change: Change, rich: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(rich, tmp_path / "project"))
    change(project)
    records = core.judge_all(Results.read(root=project))
    assert len(records) == len(core.all_claims())
