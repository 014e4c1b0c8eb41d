"""The whole pipeline at its smallest scale, in a clean copy, and the site that it built."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.site.browser import inspect_site

from superposition import workspace
from superposition.core.params import Params

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the tree in which `dvc repro` has run at the smoke scale."""
    into = tmp_path_factory.mktemp("smoke") / "tree"
    workspace.prepare("smoke", root=ROOT, into=into, shared_cache=False)
    repro(into)
    return into


def repro(tree: Path) -> str:
    """What `dvc repro` printed there."""
    environment = workspace.environment(tree)
    environment.pop("OMP_NUM_THREADS", None)
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "dvc", "repro"]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False)
    output = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, output[-5000:]
    return output


def stages_run(output: str) -> list[str]:
    return re.findall(r"Running stage '([^']+)'", output)


def test_every_claim_has_a_verdict(tree: Path) -> None:
    claims = json.loads((tree / "data" / "smoke" / "claims.json").read_text("utf-8"))
    allowed = {"replicated", "partly", "not replicated", "not run at this scale"}
    assert {claim["verdict"] for claim in claims} <= allowed
    table = (tree / "README.md").read_text("utf-8")
    assert all(f"`{claim['id']}`" in table for claim in claims)


def test_results_lie_in_the_folder_of_their_scale_alone(tree: Path) -> None:
    folders = {path.name for path in (tree / "data").iterdir() if path.is_dir()}
    assert folders == {"reference", "smoke"}


def test_a_second_run_does_nothing_and_a_changed_row_runs_what_hangs_on_it(tree: Path) -> None:
    assert stages_run(repro(tree)) == []
    params = tree / "params.yaml"
    before = params.read_text("utf-8")
    assert Params.read(root=tree).value("toy_sae", "no-resampling")["l1_coefficient"] == 0.5
    row = before.index("no-resampling:")
    params.write_text(before[:row] + before[row:].replace("0.5", "0.45", 1), "utf-8")
    models = tree / "src" / "superposition" / "toy" / "models.py"
    models.write_text(models.read_text("utf-8") + "\n# A comment makes nothing out of date.\n")
    ran = stages_run(repro(tree))
    params.write_text(before, "utf-8")
    assert ran[:2] == ["code", "toy_sae@no-resampling"]
    assert set(ran[2:]) <= {"claims", "readme", "paper"}
    assert "paper" in ran


def test_the_site_is_sound_in_a_browser(tree: Path) -> None:
    assert (tree / "_site" / "index.html").exists()
    assert inspect_site(tree / "_site") == []
