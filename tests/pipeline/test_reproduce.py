"""One command: it says what it will need, runs DVC where the scale belongs, brings the report."""

import shutil
from pathlib import Path

import pytest
from pipeline import reproduce

from superposition import preflight
from superposition.core.params import ParameterError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with the real parameters, in which running DVC only builds a page."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "scales", tmp_path / "scales")

    def fake_repro(tree: Path, only: str | None) -> None:
        (tree / "_site").mkdir(exist_ok=True)
        (tree / "_site" / "index.html").write_text(f"{tree.name} {only}")

    monkeypatch.setattr(reproduce, "_repro", fake_repro)
    return tmp_path


def test_the_scale_of_params_yaml_runs_in_place(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reproduce.main("laptop", root=root, only=None)
    printed = capsys.readouterr().out
    assert "Scale laptop: at most about" in printed
    assert f"Open the report: {root / '_site' / 'index.html'}" in printed
    assert not (root / ".scales").exists()


def test_another_scale_runs_in_its_own_tree_and_its_report_is_brought(root: Path) -> None:
    before = (root / "params.yaml").read_text()
    reproduce.main("smoke", root=root, only=None)
    assert (root / "_site" / "index.html").read_text() == "smoke None"
    assert (root / "params.yaml").read_text() == before
    assert "scale: smoke" in (root / ".scales" / "smoke" / "params.yaml").read_text()


def test_rendering_again_asks_for_no_resources(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reproduce.main("laptop", root=root, only="paper")
    assert "Scale laptop" not in capsys.readouterr().out
    assert (root / "_site" / "index.html").read_text().endswith("paper")


def test_nothing_runs_where_the_disk_is_too_small(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(root)._replace(free=2**20)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(preflight.ResourceError, match="GiB free"):
        reproduce.main("laptop", root=root, only=None)
    assert not (root / "_site").exists()


def test_an_unknown_scale_is_answered_with_those_that_exist(root: Path) -> None:
    with pytest.raises(ParameterError, match="no scale 'tiny'; have: laptop, full, smoke"):
        reproduce.main("tiny", root=root, only=None)
