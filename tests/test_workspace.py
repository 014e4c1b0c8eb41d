"""Another scale runs in a copy of the tree and leaves the tree it came from alone."""

import subprocess
from pathlib import Path

import pytest

from superposition import workspace
from superposition.core.params import Params


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "main"
    (root / "scales").mkdir(parents=True)
    (root / "src").mkdir()
    (root / "data" / "laptop").mkdir(parents=True)
    (root / "params.yaml").write_text("scale: laptop\ntoy: {row: {n: 1}}\n")
    (root / "scales" / "smoke.yaml").write_text("toy: {row: {n: 0}}\n")
    (root / "src" / "code.py").write_text("x = 1\n")
    (root / "data" / "laptop" / "claims.json").write_text("{}")
    (root / ".gitignore").write_text(".scales\n")
    return root


def test_the_copy_has_the_merged_parameters_and_none_of_the_results(root: Path) -> None:
    tree = workspace.prepare("smoke", root=root, into=root / ".scales" / "smoke")
    params = Params.read(root=tree)
    assert (params.scale, params.value("toy", "row")) == ("smoke", {"n": 0})
    assert (tree / "src" / "code.py").exists()
    assert not (tree / "data" / "laptop").exists()
    assert "no_scm" in (tree / ".dvc" / "config.local").read_text()


def test_a_second_preparation_brings_changes_and_keeps_results(root: Path) -> None:
    tree = root / ".scales" / "smoke"
    workspace.prepare("smoke", root=root, into=tree)
    (tree / "data" / "smoke").mkdir(parents=True)
    (tree / "data" / "smoke" / "metrics.json").write_text("{}")
    (root / "src" / "code.py").unlink()
    (root / "src" / "new.py").write_text("")
    workspace.prepare("smoke", root=root, into=tree)
    assert not (tree / "src" / "code.py").exists()
    assert (tree / "src" / "new.py").exists()
    assert (tree / "data" / "smoke" / "metrics.json").exists()


def test_with_git_only_what_git_would_track_is_copied_and_git_stays_clean(root: Path) -> None:
    def git(*words: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@t"]
        done = subprocess.run(["git", *who, *words], cwd=root, capture_output=True, check=True)
        return done.stdout.decode()

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "x")
    (root / ".gitignore").write_text(".scales\nignored\n")
    git("commit", "-qam", "y")
    (root / "ignored").write_text("")
    tree = workspace.prepare("smoke", root=root, into=root / ".scales" / "smoke")
    assert not (tree / "ignored").exists()
    assert git("status", "--short") == ""


def test_without_git_hidden_files_and_results_stay_behind(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    names = ["params.yaml", "scales/smoke.yaml", "src/code.py"]
    assert workspace.source_files(root) == [".gitignore", *names]
