"""The tables and numbers of cost and scaling, from made-up runs."""

from pathlib import Path

import pytest
from tests.paper import synthetic

from superposition import scaling_tables
from superposition.core.store import Store
from superposition.prose import reference as about_reference
from superposition.prose import scaling
from superposition.reference import beside, comparison, making
from superposition.results import Results
from superposition.scaling_tables import BELONGING, COVERED, RECOVERED
from superposition.site import cards, verification
from superposition.site.stages import duration


@pytest.fixture(scope="module")
def r(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Results whose claims have a reference run; one metric moved since."""
    folder = tmp_path_factory.mktemp("project")
    synthetic.write_params(folder)
    store = Store(scale=synthetic.SCALE, root=folder)
    synthetic.write_results(store)
    making.make(folder, synthetic.SCALE)
    store.save_json({"unigram": 99.0}, "ngrams", "metrics.json")
    return Results.read(root=folder)


def test_every_width_has_its_measures_and_what_collapsed_is_left_out(r: Results) -> None:
    table = scaling_tables.by_width(r)
    recovered = scaling_tables.of_measure(table, RECOVERED)
    points = r.sweep("widths").points
    kept = points.loc[points["l0"] > 0]
    of_widths = recovered["autoencoder"].str.startswith("BatchTopK")
    assert int(of_widths.sum()) == len(kept)
    assert set(kept["d_sae"]) == set(recovered.loc[of_widths, "d_sae"])


def test_coverage_and_belonging_are_shares_of_contexts_and_latents(r: Results) -> None:
    table = scaling_tables.by_width(r)
    # Every made-up latent belongs to a context, and every context has a latent.
    for measure in (BELONGING, COVERED):
        assert set(scaling_tables.of_measure(table, measure)["value"]) == {1.0}
    texts = scaling.texts(r)
    assert (texts["sc_belonging_word"], texts["sc_covered_wide"]) == ("stays", "100%")


def test_costs_are_those_of_this_run_beside_the_reference_run(r: Results) -> None:
    table = scaling_tables.costs(r)
    assert set(table["run"]) == {"here", "laptop reference"}
    assert set(table["seconds"]) == {12.0}
    here = table.loc[table["run"] == "here", "stage"].tolist()
    assert here == table.loc[table["run"] == "laptop reference", "stage"].tolist()
    assert scaling.texts(r)["sc_total"] == duration(12.0 * len(here))


def test_a_claim_is_shown_beside_the_reference_run(r: Results) -> None:
    claims = r.claims()
    was_run = claims["verdict"] != beside.NOT_RUN
    assert [set(runs) for runs in claims[beside.COLUMN]] == [
        {"laptop"} if ran else set() for ran in was_run
    ]
    shown = str(cards.verdict(claims, claims.loc[was_run, "id"].tolist()[0]).data)
    assert "Reference run, laptop\n:" in shown
    assert "reference run" in str(cards.summary(claims).data)


def test_words_that_a_reference_run_measured_as_well_are_not_said_again(r: Results) -> None:
    claims = r.claims().head(1).assign(measured="pentagon")
    runs = {scale: {"measured": words, "interval": None, "verdict": "partly"} for scale, words in
            {"laptop": "pentagon", "full": "digons"}.items()}  # fmt: skip
    claims[beside.COLUMN] = [runs]
    assert "| laptop: the same; full: digons |" in str(cards.summary(claims).data)
    runs["full"]["measured"] = "pentagon"
    assert "| laptop and full: the same |" in str(cards.summary(claims).data)


def test_an_altered_reference_is_not_shown_beside_a_claim(r: Results, tmp_path: Path) -> None:
    claims = r.claims().drop(columns=beside.COLUMN)
    assert beside.add_references(claims, tmp_path)[beside.COLUMN].tolist() == [{}] * len(claims)


def test_the_pages_say_which_reference_runs_there_are(r: Results) -> None:
    texts = about_reference.texts(r)
    assert "torch" in texts["reference_laptop"]
    assert texts["reference_full"] == "none yet, since it needs a GPU"


def test_the_page_of_the_comparison_has_counts_machines_and_what_differs(r: Results) -> None:
    found = comparison.compare(r.store.root, synthetic.SCALE, quiet=True)
    words = verification.words(found)
    assert words.sentence == "Not every value is within tolerance"
    assert "99" in str(verification.doubtful(found).data)
    assert "torch" in str(verification.machines(found).data)
    assert "ngrams" in str(verification.counts(found).data)


def test_the_page_without_a_reference_run_says_so(tmp_path: Path) -> None:
    synthetic.write_params(tmp_path)
    found = comparison.compare(tmp_path, synthetic.SCALE, quiet=True)
    assert "so nothing is compared" in verification.words(found).sentence
    assert "no reference run" in str(verification.machines(found).data)
    assert verification.counts(found).data == "Nothing was compared."
    assert verification.doubtful(found).data == "There is none."
