"""The chapters' numbers say what the tables say, and that a row was not run where it was not."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.charts import relations_figures as made
from tests.claims.world import results

from superposition import relation_tables
from superposition.features.membership import PLANTED
from superposition.prose import relations
from superposition.results import Results
from superposition.values import NOT_RUN

ROWS = ("two-models", "two-starts", "two-recipes", "shuffled-weights")


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    sampling = {"pinned_tokens": 12, "released_tokens": 36, "n_prompts": 32}
    r.params.tree.update(
        universality={row: {} for row in ROWS},
        sweep={"widths": {}},
        splitting={"n_tokens": 200_000},
        automata={"n_tokens": 400_000, "n_top": 30, "sampling": sampling},
    )
    r.params.tree["sae"]["batch-topk"] = {}
    for row in ROWS:
        units = made.units(same_model=row in ROWS[1:3])
        r.store.save_table(units, "universality", row, "units.parquet")
        r.store.save_table(made.contexts(), "universality", row, "contexts.parquet")
        r.store.save_table(made.neighbours(), "universality", row, "neighbours.parquet")
        r.store.save_json({"n_tokens": 1000}, "universality", row, "metrics.json")
    for name in ("latents", "edges", "relatives", "clusters"):
        r.store.save_table(getattr(made, name)(), "splitting", f"{name}.parquet")
    r.store.save_table(made.counts(), "splitting", "contexts.parquet")
    for name in ("states", "transitions", "samples"):
        r.store.save_table(getattr(made, name)(), "automata", f"{name}.parquet")
    r.store.save_table(made.best(), "automata", "contexts.parquet")
    return r


def test_what_was_not_run_is_said_under_the_same_names(r: Results, tmp_path: Path) -> None:
    without = relations.texts(results(tmp_path / "empty"))
    assert set(without.values()) == {NOT_RUN}
    assert set(without) == set(relations.texts(r))


def test_the_first_sentence_follows_the_interval(r: Results) -> None:
    better = made.units().assign(correlation=np.where(made.units()["kind"] == "latent", 0.9, 0.2))
    r.store.save_table(better, "universality", "two-models", "units.parquet")
    found = relations.texts(r)
    assert found["uni_outcome"] == "Latents are matched better than neurons"
    assert found["uni_latent"] == "0.900"
    worse = better.assign(correlation=1.1 - better["correlation"])
    r.store.save_table(worse, "universality", "two-models", "units.parquet")
    assert "less well" in relations.texts(Results(r.params, r.store))["uni_outcome"]
    alike = better.assign(correlation=0.5)
    r.store.save_table(alike, "universality", "two-models", "units.parquet")
    assert "equally well" in relations.texts(Results(r.params, r.store))["uni_outcome"]


def test_nothing_to_compare_is_told_as_not_run(r: Results) -> None:
    r.store.save_table(made.units().iloc[:0], "universality", "two-models", "units.parquet")
    assert relations.texts(r)["uni_latent"] == NOT_RUN


def test_counts_by_width_are_means_over_seeds(r: Results) -> None:
    found = relations.texts(r)
    assert found["split_base64"] == "1.5, 3.5"
    assert found["split_widths"] == "512, 4,096"


def test_loops_are_told_context_by_context(r: Results) -> None:
    assert relations.texts(r)["fsa_outcome"].startswith("70.0% against 20.0% for base64, ")


def test_latents_lie_beside_their_relatives_and_edges_join_what_is_drawn() -> None:
    latents = made.latents().query("seed == 0")
    nodes = relation_tables.lay_out(latents.loc[latents["context"] == PLANTED[0]], made.edges())
    assert nodes["x"].tolist() == [0, 0, 1, 1]
    assert nodes["y"].between(0, 1).all()
    joined = relation_tables.joined(nodes.assign(context=PLANTED[0]), made.edges())
    assert sorted(joined["similarity"]) == [0.5, 0.9]  # from latent 0 to 0 and to 3
    assert (joined["x2"] == joined["x"] + 1).all()


def test_a_machine_has_the_states_of_its_context_and_their_successors() -> None:
    nodes, links = relation_tables.machine(made.states(), made.transitions())
    base64 = nodes.loc[nodes["context"] == PLANTED[0]]
    assert set(base64["latent"]) == {0, 3}
    drawn = links.loc[links["context"] == PLANTED[0]]
    assert sorted(zip(drawn["source"], drawn["target"], strict=True)) == [(0, 3), (3, 0)]
    np.testing.assert_allclose(np.hypot(nodes["x"], nodes["y"]), 1)


def test_the_arrow_of_a_transition_points_from_source_to_target() -> None:
    nodes = pd.DataFrame({"latent": [1, 2], "x": [0.0, 1.0], "y": [0.0, 0.0]})
    transitions = pd.DataFrame({"source": [1], "target": [2], "weight": [0.5]})
    (arrow,) = relation_tables.arrows(nodes, transitions).to_dict("records")
    assert arrow["angle"] == pytest.approx(90)  # clockwise from upwards
    assert arrow["tip_x"] == pytest.approx(0.86)


def test_at_most_so_many_pairs_are_drawn() -> None:
    many = pd.DataFrame({"latent": range(5_000)})
    assert len(relation_tables.sample_of_pairs(many)) == relation_tables.N_PAIRS
    assert len(relation_tables.sample_of_pairs(many.head(7))) == 7


def test_contexts_offered_begin_with_the_planted_ones_that_have_latents() -> None:
    counts = made.counts()
    assert relation_tables.shown_contexts(counts) == [*PLANTED, "docstring"]
    none = counts.assign(n_latents=np.where(counts["context"] == PLANTED[1], 0, 1))
    assert PLANTED[1] not in relation_tables.shown_contexts(none)
