"""The pages show one scale: that of params.yaml."""

from pathlib import Path

import pytest
from pipeline import paper

from superposition.core.params import Params
from superposition.core.stage import Stage
from superposition.core.store import Store


def test_pages_of_another_scale_than_that_of_the_tree_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_text("scale: laptop\n")
    monkeypatch.chdir(tmp_path)
    params = Params(tree={"scale": "full"}, origin="params.yaml")
    stage = Stage(name="paper", row="", params=params, store=Store("full", tmp_path))
    with pytest.raises(ValueError, match=r"params\.yaml, laptop; those of full .* \.scales/full"):
        paper.main(stage)
