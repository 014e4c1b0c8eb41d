"""Joined results on single latents: named, complete, and with something to show at every scale."""

from pathlib import Path

import pytest
from tests.claims.single_world import N_NATURAL, write_all
from tests.claims.world import results
from tests.paper.synthetic import _text

from superposition import single_tables
from superposition.charts.single_features import WHO
from superposition.claims.measures_single_features import MAIN
from superposition.prose import single_features
from superposition.results import Results
from superposition.values import NOT_RUN


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    write_all(r.store)
    r.params.tree["contexts"] = {MAIN: {"n_tokens": 1000}, "l1": {}}
    r.params.tree["causal"] = {MAIN: {"n_prompts": 40, "n_new": 8}}
    r.params.tree["consistency"] = {MAIN: {}, "l1": {}, "batch-topk-shuffled": {}}
    return r


def without_planted(r: Results) -> Results:
    table = r.contexts(MAIN).concepts.assign(planted="")
    r.store.save_table(table, "contexts", MAIN, "concepts.parquet")
    return Results(r.params, r.store)


def test_the_tested_concepts_have_their_row_and_no_proxies(r: Results) -> None:
    found = single_tables.tested(r)
    assert found.groupby("row").size().to_dict() == {MAIN: 3 + N_NATURAL, "l1": 3 + N_NATURAL}


def test_planted_contexts_are_shown_by_name(r: Results) -> None:
    assert single_tables.shown(r)["planted"].tolist() == ["base64", "hexadecimal", "dna"]
    assert set(single_tables.groups(r)["planted"]) == {"base64", "hexadecimal", "dna", ""}
    assert set(single_tables.curves(r)["planted"]) == {"base64", "hexadecimal", "dna"}


def test_without_planted_contexts_the_best_detected_concepts_are_shown(r: Results) -> None:
    found = single_tables.shown(without_planted(r))
    assert len(found) == single_tables.N_SHOWN
    assert found["planted"].tolist() == found["name"].tolist()


def test_the_table_of_planted_contexts_has_them_and_their_proxies(r: Results) -> None:
    found = single_tables.of_planted(r)
    assert list(found.columns[1:4]) == ["base64", "hexadecimal", "dna"]
    assert list(found.columns[4:]) == ["proxy of base64", "proxy of hexadecimal", "proxy of dna"]
    by_measure = found.set_index("measure")
    assert by_measure.loc["passed", "dna"] == "5 of 5"
    assert by_measure.loc["sensitive: correlation", "dna"] == "0.800 (0.750 to 0.850)"


def test_the_table_is_empty_but_there_without_planted_contexts(r: Results) -> None:
    assert list(single_tables.of_planted(without_planted(r)).columns) == ["measure"]


def test_units_are_latents_neurons_and_the_control(r: Results) -> None:
    assert tuple(dict.fromkeys(single_tables.scored(r)["who"])) == WHO
    table = single_tables.outcomes(r)
    assert list(table.columns) == ["measure", *WHO]


def test_samples_are_text(r: Results) -> None:
    _text(r.store)
    found = single_tables.samples(r)
    assert found["held"].tolist() == ["yes", "no"]
    assert found["latent of"].tolist() == ["base64", "base64"]
    assert all(isinstance(text, str) for text in found["written"])


def test_the_chapter_has_all_its_numbers(r: Results) -> None:
    texts = single_features.texts(r)
    assert texts["ctx_all_five"] == "3 of 11"
    assert texts["ctx_limit_top"] == "90%"
    assert texts["unit_predictable_verdict"].startswith("Latents do better than neurons, and")
    assert NOT_RUN not in texts.values()


def test_a_scale_without_the_rows_says_so(tmp_path: Path) -> None:
    texts = single_features.texts(results(tmp_path))
    assert texts["ctx_concepts"] == NOT_RUN
    assert texts["unit_scored"] == NOT_RUN
    assert texts["ctx_limit_top"] == "90%"
