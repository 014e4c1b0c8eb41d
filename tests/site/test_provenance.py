"""A figure's card says where the figure comes from, and takes it from dvc.lock alone."""

from pathlib import Path

import altair as alt
import pandas as pd
import pytest
import yaml

from superposition.core.params import Params
from superposition.core.store import Store
from superposition.results import Results
from superposition.site import Figures, provenance

MD5 = "0123456789abcdef0123456789abcdef"
TREE = {
    "scale": "smoke",
    "toy": {"a": {"n_features": 5, "seed": 3}, "b": {"n_features": 2}},
    "sae": {"l1": {"arch": "l1", "d_sae": 8}},
    "evaluation": {"n_tokens": 100},
}
LOCK = {
    "toy@a": {
        "deps": [{"path": "src/x.py", "md5": MD5}, {"path": "data/smoke/text", "md5": MD5[::-1]}],
        "outs": [{"path": "data/smoke/toy/a/<weights>", "md5": MD5}],
    }
}


@pytest.fixture
def r(tmp_path: Path) -> Results:
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"stages": LOCK}))
    cite = {"title": "T & <T>", "authors": [{"name": "A"}], "date-released": "2026-01-02"}
    (tmp_path / "CITATION.cff").write_text(yaml.safe_dump(cite | {"version": "1.0"}))
    store = Store(scale="smoke", root=tmp_path)
    store.save_json({"seconds": 41.0}, "costs", "toy@a.json")
    return Results(params=Params(tree=TREE, origin="here"), store=store)


@pytest.fixture
def show(r: Results, tmp_path: Path) -> Figures:
    return Figures(r, root=tmp_path)


def chart() -> alt.Chart:
    return alt.Chart(pd.DataFrame({"x": [1]}), title="One point").mark_point().encode(x="x:Q")


def text_of(shown: object) -> str:
    data = getattr(shown, "data", None)
    assert isinstance(data, str)
    return data


def test_a_card_has_the_row_the_hashes_the_time_and_the_command(r: Results, show: Figures) -> None:
    r.toy("a")
    card = text_of(show(chart())).split("figure-card")[1]
    for trace in ("toy@a", "41\u00a0s", "n_features: 5", "seed: 3", MD5[:12], MD5[::-1][:12]):
        assert trace in card
    assert "dvc repro toy@a &amp;&amp; make paper" in card
    assert "src/x.py" not in card


def test_a_card_names_only_what_was_asked_for_since_the_figure_before(
    r: Results, show: Figures
) -> None:
    r.toy("a")
    show(chart())
    r.toy("b")
    card = text_of(show(chart()))
    assert "toy@b" in card
    assert "toy@a" not in card


def test_a_figure_without_a_source_is_an_error(show: Figures) -> None:
    with pytest.raises(provenance.ProvenanceError, match="asks the results for nothing"):
        show(chart())
    assert "a.b:c" in text_of(show(chart(), computed_by="a.b:c"))


def test_a_stage_over_anothers_rows_shows_both(r: Results, tmp_path: Path) -> None:
    origin = provenance.origin(r, ("evaluation", "l1"), root=tmp_path)
    assert origin.parameters == {"n_tokens": 100, "sae": {"arch": "l1", "d_sae": 8}}
    assert (origin.outputs, origin.seconds) == ([], None)


def test_nothing_in_a_card_acts_as_markup(r: Results, show: Figures) -> None:
    r.toy("a")
    card = text_of(show(chart()))
    assert "&lt;weights&gt;" in card
    assert "<weights>" not in card
    assert "<T>" not in card


def test_a_stage_that_ran_without_dvc_says_so(r: Results, show: Figures) -> None:
    r.toy("b")
    assert "not in dvc.lock" in text_of(show(chart()))
