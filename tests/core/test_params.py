"""A row of params.yaml becomes a dataclass, and every mistake is named."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from superposition.core.params import ParameterError, Params, scales


@dataclass(frozen=True, kw_only=True)
class Inner:
    lr: float
    """Learning rate."""


@dataclass(frozen=True, kw_only=True)
class Config:
    k: int
    d_sae: int
    training: Inner
    name: str = "x"

    def __post_init__(self) -> None:
        if self.k > self.d_sae:
            raise ValueError(f"k={self.k} exceeds d_sae={self.d_sae}")


def tree(tmp_path: Path, base: str, overlay: str | None = None) -> Path:
    (tmp_path / "params.yaml").write_text(base)
    (tmp_path / "scales").mkdir()
    if overlay is not None:
        (tmp_path / "scales" / "smoke.yaml").write_text(overlay)
    return tmp_path


BASE = "scale: laptop\nsae:\n  topk: {k: 4, d_sae: 8, training: {lr: 1.0e-3}}\n"


def test_a_row_becomes_the_dataclass_asked_for(tmp_path: Path) -> None:
    params = Params.read(root=tree(tmp_path, BASE))
    assert params.load(Config, "sae", "topk") == Config(k=4, d_sae=8, training=Inner(lr=1e-3))


def test_an_overlay_changes_only_what_it_names(tmp_path: Path) -> None:
    params = Params.read("smoke", root=tree(tmp_path, BASE, "sae: {topk: {k: 2}}"))
    config = params.load(Config, "sae", "topk")
    assert (params.scale, config.k, config.d_sae) == ("smoke", 2, 8)


def test_an_overlay_drops_a_row_with_null_and_adds_new_ones(tmp_path: Path) -> None:
    overlay = "sae: {topk: null, other: {k: 1, d_sae: 1, training: {lr: 1.0}}}"
    params = Params.read("smoke", root=tree(tmp_path, BASE, overlay))
    assert params.rows("sae") == ["other"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{k: 4, d_sae: 8, training: {lr: 1e-3}}", r"sae.topk.training.lr = '1e-3'.*write 0.001"),
        ("{k: 4, d_sae: 8, width: 3, training: {lr: 1.0}}", r"unknown parameter sae.topk.width"),
        ("{k: 4, training: {lr: 1.0}}", r"missing parameter sae.topk.d_sae"),
        ("{k: 64, d_sae: 32, training: {lr: 1.0}}", r"k=64 exceeds d_sae=32.*sae.topk"),
        ("{k: many, d_sae: 32, training: {lr: 1.0}}", r"sae.topk.k = 'many'"),
        ("{k: 4, d_sae: 8, training: {rate: 1.0}}", r"sae.topk.training.rate"),
    ],
)
def test_a_mistake_names_key_value_and_file(tmp_path: Path, given: str, message: str) -> None:
    params = Params.read(root=tree(tmp_path, f"scale: laptop\nsae:\n  topk: {given}\n"))
    with pytest.raises(ParameterError, match=message) as error:
        params.load(Config, "sae", "topk")
    assert "params.yaml" in str(error.value)


def test_what_does_not_exist_is_answered_with_what_does(tmp_path: Path) -> None:
    root = tree(tmp_path, BASE, "{}")
    params = Params.read(root=root)
    with pytest.raises(ParameterError, match=r"no row sae\.nope in params\.yaml; have: topk"):
        params.load(Config, "sae", "nope")
    with pytest.raises(ParameterError, match=r"no section 'saes'.*have: scale, sae"):
        params.rows("saes")
    with pytest.raises(ParameterError, match="no scale 'huge'; have: laptop, smoke"):
        Params.read("huge", root=root)
    assert scales(root) == ["laptop", "smoke"]


def test_a_misspelt_section_in_an_overlay_is_refused(tmp_path: Path) -> None:
    root = tree(tmp_path, BASE, "saes: {topk: {k: 2}}")
    with pytest.raises(ParameterError, match=r"unknown section 'saes' in scales/smoke\.yaml"):
        Params.read("smoke", root=root)


def test_broken_yaml_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"params\.yaml is not YAML"):
        Params.read(root=tree(tmp_path, "scale: [laptop\n"))
    (tmp_path / "params.yaml").unlink()
    with pytest.raises(ParameterError, match=r"no params\.yaml"):
        Params.read(root=tmp_path)
