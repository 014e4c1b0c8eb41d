"""A fingerprint changes with the code that runs, and with nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from superposition import code_fingerprints
from superposition.code_fingerprints import Code, Fingerprints

ROOT = Path(__file__).parents[1]
SOURCES = {
    "pipeline/__init__.py": "",
    "pipeline/train.py": "from superposition.toy import models\n\nmodels.fit()\n",
    "src/superposition/__init__.py": "SPIN = 1\n",
    "src/superposition/toy/__init__.py": "",
    "src/superposition/toy/models.py": (
        '"""Models."""\n\nimport torch\n\n\ndef fit():\n    """Fit."""\n'
        "    from superposition.toy.late import STEPS\n    return STEPS\n"
    ),
    "src/superposition/toy/late.py": "STEPS = 3  # enough\n",
    "src/superposition/other.py": "x = 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, source in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source, "utf-8")
    return tmp_path


def fingerprints(root: Path) -> Fingerprints:
    return Code(root).of("pipeline.train")


def edit(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    source = path.read_text("utf-8")
    assert old in source
    path.write_text(source.replace(old, new), "utf-8")


def changed(root: Path, before: Fingerprints) -> set[str]:
    now = fingerprints(root)
    return {name for name in {*before, *now} if before.get(name) != now.get(name)}


def test_imports_of_imports_count_with_lazy_ones_and_the_packages_they_lie_in(root: Path) -> None:
    assert set(fingerprints(root)) == {
        "pipeline",
        "pipeline.train",
        "superposition",
        "superposition.toy",
        "superposition.toy.models",
        "superposition.toy.late",
    }


def test_a_change_of_code_shows_in_its_module_alone(root: Path) -> None:
    before = fingerprints(root)
    edit(root, "src/superposition/toy/late.py", "3", "4")
    assert changed(root, before) == {"superposition.toy.late"}
    edit(root, "src/superposition/__init__.py", "1", "2")
    assert changed(root, before) == {"superposition.toy.late", "superposition"}


def test_code_that_does_not_run_does_not_count(root: Path) -> None:
    before = fingerprints(root)
    edit(root, "src/superposition/other.py", "1", "2")
    assert changed(root, before) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Fit."""', '"""Fit to the data."""'),
        ('    """Fit."""\n', ""),
        ("return STEPS", "# as many as it takes\n    return STEPS"),
        ("return STEPS", "return (\n        STEPS\n    )"),
        ("import torch", 'import torch\n\n"""What torch is for."""'),
    ],
)
def test_comments_docstrings_and_lines_do_not_count(root: Path, old: str, new: str) -> None:
    before = fingerprints(root)
    edit(root, "src/superposition/toy/models.py", old, new)
    assert changed(root, before) == set()


def test_a_string_that_is_used_counts(root: Path) -> None:
    edit(root, "src/superposition/toy/late.py", "3", 'fit("a")')
    before = fingerprints(root)
    edit(root, "src/superposition/toy/late.py", '"a"', '"b"')
    assert changed(root, before) == {"superposition.toy.late"}


@pytest.mark.parametrize("reads", ["fit.__doc__", "inspect.getdoc(fit)"])
def test_docstrings_count_where_the_code_reads_docstrings(root: Path, reads: str) -> None:
    edit(root, "src/superposition/toy/late.py", "3", f"3\nsays = {reads}")
    before = fingerprints(root)
    edit(root, "src/superposition/toy/models.py", '"""Fit."""', '"""Fit to the data."""')
    assert changed(root, before) == {"superposition.toy.models"}


def test_a_package_imported_by_name_counts_whole(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"superposition.toy.models": "superposition"}
    monkeypatch.setattr(code_fingerprints, "FOUND_BY_NAME", found)
    assert "superposition.other" in fingerprints(root)


def test_what_cannot_be_followed_is_refused(root: Path) -> None:
    with pytest.raises(ValueError, match=r"no module pipeline\.tran in "):
        Code(root).of("pipeline.tran")
    edit(root, "src/superposition/toy/late.py", "STEPS", "from . import models\nSTEPS")
    with pytest.raises(ValueError, match=r"late\.py:1: relative import"):
        fingerprints(root)


SCRIPT = """
import os, sys
import torch, pandas, altair, pyarrow, safetensors.torch
for name in sys.argv[1:]:
    if not os.fork():
        __import__(f"pipeline.{name}")
        own = [m for m in sys.modules if m.split(".")[0] in ("pipeline", "superposition")]
        os.write(1, f"{name} {' '.join(own)}\\n".encode())
        os._exit(0)
    assert os.wait()[1] == 0, name
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_python_imports_no_module_without_a_fingerprint() -> None:
    """Every script is imported in a fork of its own, and Python says what that loads."""
    code = Code(ROOT)
    names = [module.removeprefix("pipeline.") for module in code.modules("pipeline")]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    command = [sys.executable, "-c", SCRIPT, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert set(loaded) == {*names}
    for name, modules in loaded.items():
        assert set(modules) <= code.closure(f"pipeline.{name}"), name
