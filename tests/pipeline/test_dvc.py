"""dvc.yaml tells the truth: what a stage runs and reads is what it declares."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from superposition import dvc_stages
from superposition.code_fingerprints import FOUND_BY_NAME, Code

ROOT = Path(__file__).parents[2]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
STAGES = dvc_stages.read(ROOT)

CODE = Code(ROOT)
FINGERPRINTS = f"data/{PARAMS['scale']}/code"
READS_SOURCES = ("code", "paper")
"""Stages that depend on the files of the code themselves: they read them."""
RUN_BY_NAME = "superposition.saes.base"
"""The module that imports an architecture by the name in its row."""
ONLY_FOR_PAGES = "superposition.values"
"""Imports the prose by name, and no stage but `paper` asks it to."""


def instances() -> list[tuple[str, dict[str, Any]]]:
    """Every stage with its rows filled in, as DVC would."""
    return [(each.name, each.body) for each in dvc_stages.stages_of_rows(ROOT, PARAMS)]


@pytest.mark.parametrize(("name", "stage"), instances(), ids=[name for name, _ in instances()])
def test_a_stage_depends_on_the_code_that_it_runs(name: str, stage: dict[str, Any]) -> None:
    script, _, row = name.partition("@")
    if script in READS_SOURCES:
        assert "src/superposition" in stage["deps"]
        return
    assert f"{FINGERPRINTS}/{script}.json" in stage["deps"]
    architectures = [dep for dep in stage["deps"] if dep.startswith(f"{FINGERPRINTS}/arch")]
    assert bool(architectures) == (RUN_BY_NAME in CODE.closure(f"pipeline.{script}"))
    if arch := PARAMS.get(script, {}).get(row, {}).get("arch"):
        assert architectures == [f"{FINGERPRINTS}/architectures/{arch}.json"]


@pytest.mark.parametrize(("name", "stage"), instances(), ids=[name for name, _ in instances()])
def test_a_stage_declares_no_file_of_the_code_by_hand(name: str, stage: dict[str, Any]) -> None:
    if name not in READS_SOURCES:
        assert [dep for dep in stage["deps"] if dep.startswith(("src", "pipeline"))] == []


def test_modules_that_import_by_name_are_known() -> None:
    """What no import statement says would be missing in a fingerprint."""
    stages = set(STAGES) - {*READS_SOURCES}
    runs = set[str]().union(*(CODE.closure(f"pipeline.{name}") for name in stages))
    by_name = {name for name in runs if {"import_module", "iter_modules"} & words(name)}
    assert by_name == {*FOUND_BY_NAME, RUN_BY_NAME, ONLY_FOR_PAGES}


def words(module: str) -> set[str]:
    file = CODE.file(module)
    assert file is not None
    return set(re.findall(r"\w+", file.read_text("utf-8")))


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
