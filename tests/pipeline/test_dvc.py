"""dvc.yaml tells the truth: what a stage imports and reads is what it declares."""

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from superposition.dvc_stages import stages_of_rows

ROOT = Path(__file__).parents[2]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]


def instances() -> list[tuple[str, dict[str, Any]]]:
    """Every stage with its rows filled in, as DVC would."""
    return [(each.name, each.body) for each in stages_of_rows(ROOT, PARAMS)]


@cache
def imports(path: Path) -> frozenset[Path]:
    """The project's files that `path` imports, directly or not; lazy imports count too."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                modules = [name.name for name in names]
            case ast.ImportFrom(module=str(module), names=names, level=0):
                modules = [module, *(f"{module}.{name.name}" for name in names)]
            case _:
                continue
        found |= {file for module in modules if (file := module_file(module)) is not None}
    nested = (imports(file) for file in found if file != path)
    return frozenset(found.union(*nested))


def module_file(module: str) -> Path | None:
    """The file of a module of this project, if it is one with code in it."""
    folder = ROOT if module.startswith("pipeline.") else ROOT / "src"
    file = folder.joinpath(*module.split(".")).with_suffix(".py")
    return file if file.exists() else None


def declared(stage: dict[str, Any]) -> list[Path]:
    return [ROOT / dependency for dependency in stage["deps"]]


@pytest.mark.parametrize(("name", "stage"), instances(), ids=[name for name, _ in instances()])
def test_a_stage_declares_every_module_it_imports(name: str, stage: dict[str, Any]) -> None:
    script = ROOT / "pipeline" / f"{name.split('@')[0]}.py"
    dynamic = [path for path in declared(stage) if path.suffix == ".py" and path.exists()]
    needed = {script} | imports(script)
    for path in dynamic:
        needed |= imports(path)
    covered = declared(stage)
    missing = [
        str(file.relative_to(ROOT))
        for file in sorted(needed)
        if not any(file == path or path in file.parents for path in covered)
    ]
    assert not missing, f"{name} runs code it does not declare: {missing}"


@pytest.mark.parametrize(("name", "stage"), instances(), ids=[name for name, _ in instances()])
def test_a_stage_declares_code_that_exists(name: str, stage: dict[str, Any]) -> None:
    code = [path for path in declared(stage) if "src" in path.parts or "pipeline" in path.parts]
    assert [str(path) for path in code if not path.exists()] == []


@pytest.mark.parametrize(("name", "stage"), instances(), ids=[name for name, _ in instances()])
def test_a_stage_declares_the_parameters_it_reads(name: str, stage: dict[str, Any]) -> None:
    stage_name, _, row = name.partition("@")
    source = (ROOT / "pipeline" / f"{stage_name}.py").read_text("utf-8")
    read = set(re.findall(r'params\.(?:load|value|rows)\([^)]*?"(\w+)"', source))
    if "stage.config(" in source:
        read.add(stage_name)
    declared_sections = {str(key).split(".")[0] for key in stage.get("params", [])}
    assert read <= declared_sections, f"{name} reads {read}, declares {declared_sections}"
    if "stage.config(" in source and row:
        assert f"{stage_name}.{row}" in stage["params"]


@pytest.mark.parametrize(("name", "stage"), instances(), ids=[name for name, _ in instances()])
def test_outputs_lie_in_the_scales_own_folder(name: str, stage: dict[str, Any]) -> None:
    stage_name, _, row = name.partition("@")
    for out in (*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])):
        path = next(iter(out)) if isinstance(out, dict) else out
        if path in ("_site", "README.md"):
            continue
        folder = f"data/{PARAMS['scale']}/" + (f"{stage_name}/{row}/" if row else "")
        assert path.startswith(folder), f"{name} writes {path}"


def test_every_stage_script_is_a_stage_and_the_other_way_round() -> None:
    helpers = {"__init__", "inputs", "lanes", "reproduce"}
    scripts = {path.stem for path in (ROOT / "pipeline").glob("*.py")} - helpers
    assert scripts == set(STAGES)
    for script in sorted(scripts):
        assert callable(import_module(f"pipeline.{script}").main)


def test_a_stage_script_stays_small_and_computes_nothing() -> None:
    for script in (ROOT / "pipeline").glob("*.py"):
        source = script.read_text("utf-8")
        assert len(source.splitlines()) <= 80, script.name
        assert "import torch" not in source, f"{script.name} computes: move it to src/"
