"""The chapter's words follow the numbers, whichever way they come out."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.claims.interpretability_world import CONCEPTS, dictionary, probes, save
from tests.claims.world import results

from superposition.prose import interpretability
from superposition.results import Results
from superposition.values import NOT_RUN

ROWS = (
    *("batch-topk", "l1", "neurons", "pca", "random"),
    *("batch-topk-second-model", "batch-topk-shuffled", "neurons-shuffled"),
)
POOR: dict[str, Any] = {"explained": 0.2, "by_context": 0.1, "covers_context": 0.2}


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    r.params.tree["interpretability"] = {row: {} for row in ROWS}
    r.params.tree["probes"] = {"main": {}}
    groups = ["g" if index < 15 else "h" for index in CONCEPTS["concept"]]
    catalogue = CONCEPTS.assign(
        name=[f"concept {index}" for index in CONCEPTS["concept"]],
        group=groups,
        rule="a rule",
        n_tokens=500,
        share=0.02,
        token_f1=0.5,
    )
    columns = ["concept", "name", "group", "rule", "kind", "n_tokens", "share", "token_f1"]
    r.store.save_table(
        pd.DataFrame(catalogue.loc[:, [*columns, "judged"]]), "concepts", "catalogue.parquet"
    )
    r.store.save_table(probes(0.7), "probes", "main", "probes.parquet")
    return r


def told(r: Results, **given: dict[str, Any]) -> dict[str, str]:
    """The texts where a dictionary is as given, and the others poor."""
    for row in ROWS:
        save(r.store, row, dictionary(**(POOR | given.get(row.replace("-", "_"), {}))))
    return interpretability.texts(r)


RICH = {"explained": 0.6, "by_context": 0.4, "covers_context": 0.7}


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({"batch_topk": RICH, "l1": RICH}, "yes, by a margin"),
        ({"batch_topk": RICH}, "for one of the two"),
        ({}, "not clearly"),
        ({"neurons": RICH}, "no"),
        (
            {"batch_topk": RICH | {"explained": 0.9}, "neurons": RICH},
            "for one of the two autoencoders yes, and for the other the reverse",
        ),
    ],
)
def test_the_answer_follows_from_the_intervals(r, given, answer):
    assert told(r, **given)["concepts_answer"].startswith(answer)


def test_shares_are_those_of_the_dictionaries(r):
    found = told(r, batch_topk=RICH)
    assert found["concepts_topk_explained"] == "60.3%"  # 120 of the 199 that are judged
    assert found["concepts_topk_all"] == "60.0%"
    assert found["concepts_topk_covered"] == "14 of 20"
    assert found["concepts_order"] == "the same"
    assert found["concepts_mean_order"] == "latents"
    assert found["concepts_at_levels"].startswith("0.3, 60.3% of the BatchTopK latents and 20.1%")
    assert found["concepts_pca_side"] == "more often than"
    assert found["concepts_n_context"] == "20"
    assert found["concepts_always_on_fifth"] == "0.33"


def test_concepts_are_named_where_the_probe_is_far_ahead(r):
    found = told(r, batch_topk=RICH)
    assert found["concepts_missed"].startswith("concept 14 (0.10 against 0.70)")
    assert found["concepts_beyond"] == "24 of 30"
    assert found["concepts_best_groups"].startswith("g (14 of 15)")


def test_what_was_not_run_is_said_under_the_same_names(r, tmp_path):
    without = interpretability.texts(results(tmp_path / "empty"))
    everything = told(r)
    assert set(without) == set(everything)
    assert without["concepts_answer"] == NOT_RUN
