"""The numbers of the prose: formatted once, complete, and harmless in Markdown."""

import math
import re
from collections import Counter
from pathlib import Path

import pytest
from tests.claims.world import EVALUATION, add_toy, orthogonal_pair, polygon, results
from tests.paper.synthetic import write_concepts, write_theory

from superposition.artefacts import Named
from superposition.results import Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, between, fmt, of, topics, values

TEXT = {
    "train_documents": 2900,
    "held_out_documents": 100,
    "train_bytes": 29_000_000,
    "held_out_bytes": 1_000_000,
    "planted_bytes": 900_000,
    "distinct_bytes": 250_000_000,
    "distinct_files": 16_000,
    "near_duplicates": 12,
    "packages": 80,
}
TOKENS = {
    "vocab_size": 4096,
    "train_tokens": 12_300_000,
    "held_out_tokens": 600_000,
    "bytes_per_token": 2.41,
}
NGRAMS = {"unigram": 6.5, "bigram": 4.1, "trigram": 3.28, "five_gram": 2.88, "n_tokens": 600_000}
TRANSFORMER = {
    "held_out_loss": 3.15,
    "n_tokens": 12_000_000,
    "n_parameters": 700_000,
    "held_out_standard_error": 0.01,
    "n_epochs": 0.98,
}
TOY_SAE = {
    "n_instances": 8,
    "instances_complete": 7,
    "mean_recovered": 4.875,
    "mean_best_cosine": 0.991,
    "mean_distinct_latents": 4.9,
}
MORE = {
    "mse": 0.0012,
    "explained_variance": 0.83,
    "loss_mean_ablation": 4.2,
    "dead_fraction_low": 0.035,
    "dead_fraction_high": 0.048,
    "median_encoder_decoder_cosine": 0.62,
}


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    r.params.tree["transformer"] = {"main": {}, "second-seed": {}}
    r.params.tree["concepts"] = {"min_tokens": 200}
    for name, found in {"text": TEXT, "tokens": TOKENS, "ngrams": NGRAMS}.items():
        r.store.save_json(found, name, "metrics.json")
    for row, loss in {"main": 3.15, "second-seed": 3.16}.items():
        metrics = TRANSFORMER | {"held_out_loss": loss}
        r.store.save_json(metrics, "transformer", row, "metrics.json")
    for row in r.rows("toy_sae"):
        r.store.save_json(TOY_SAE, "toy_sae", row, "metrics.json")
    r.store.save_json({"n_activations": 10_000_000}, "sae", "l1", "metrics.json")
    r.store.save_json(EVALUATION | MORE, "evaluation", "l1", "metrics.json")
    pair, pentagon = orthogonal_pair(), polygon(5)
    add_toy(r, "five-in-two", {1.0: [pair, pair], 0.097: [pentagon, pair]})
    for row in ("twenty-in-five", "twenty-in-five-linear", "sae-target"):
        add_toy(r, row, {1.0: [pair], 0.01: [pentagon]})
    verdicts = ("replicated", "partly", "replicated")
    claims = [{"id": str(index), "verdict": verdict} for index, verdict in enumerate(verdicts)]
    r.store.save_json(claims, "claims.json")
    write_theory(r.store)
    write_concepts(r.store)
    return r


@pytest.fixture
def v(r: Results) -> Named:
    return values(r)


def test_values_are_formatted_with_unit_and_significant_digits(v: Named) -> None:
    assert v.text_bytes == "30.0\u00a0MB"
    assert v.train_tokens == "12.3\u00a0million"
    assert v.parameters == "700,000"
    assert v.documents == "3,000"
    assert v.held_out_loss_interval == "3.13 to 3.17"
    assert v.l1_loss_recovered_interval == "79.0% to 81.0%"
    assert v.against_trigram == "0.130\u00a0nats below"
    assert v.against_five_gram == "0.270\u00a0nats above"
    assert v.loss_weighted_resampling_complete == "7 of 8"


def test_a_geometry_is_counted_among_the_starts_of_its_density(v: Named) -> None:
    assert (v.dense_geometry, v.dense_seeds) == ("orthogonal pair", "2 of 2")
    assert (v.ninety_geometry, v.ninety_pentagons, v.ninety_share) == (
        "pentagon",
        "1 of 2",
        "50.0%",
    )


def test_what_a_scale_leaves_out_is_said_in_its_place(v: Named) -> None:
    assert v.second_seed_loss == "3.16"
    left_out = (v.shuffled_loss, v.eighty_geometry, v.eighty_in_twenty_sparsest, v.topk_l0)
    assert left_out == (NOT_RUN,) * 4


def test_claims_are_counted_by_verdict(v: Named) -> None:
    assert (v.claims_total, v.claims_replicated, v.claims_partly) == ("3", "2", "1")
    assert (v.claims_not_replicated, v.claims_not_run) == ("0", "0")


def test_a_misspelt_value_is_told_which_exist(v: Named) -> None:
    with pytest.raises(
        AttributeError, match=r"no value 'nope' in superposition.values; have: \w+, .*scale"
    ):
        _ = v.nope


def test_no_value_is_empty_or_acts_in_markdown(v: Named) -> None:
    texts = [getattr(v, name) for name in v]
    assert all(isinstance(text, str) and text for text in texts)
    assert all(text._repr_markdown_().startswith(f"[{text}]{{.value") for text in texts)
    assert not [text for text in texts if re.search(r"[*_`~<>\[\]$#\\|^@]|\bnan\b", text)]


def test_the_values_do_not_depend_on_a_recovered_loss_that_is_defined(r: Results) -> None:
    undefined = {"loss_recovered_zero": math.nan, "median_encoder_decoder_cosine": math.nan}
    r.store.save_json(EVALUATION | MORE | undefined, "evaluation", "l1", "metrics.json")
    again = values(Results(r.params, r.store))
    assert (again.l1_loss_recovered, again.l1_cosine) == ("not measured", "not measured")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "", "0"),
        (0.0, "%", "0%"),
        (1.0, "%", "100%"),
        (0.9996, "%", "100.0%"),
        (0.00123, "%", "0.123%"),
        (0.0005, "", "5.00\u00a0×\u00a010⁻⁴"),
        (1234.5, "", "1,234"),
        (-3, "", "−3"),
        (999, "B", "999\u00a0B"),
        (48_000_000_000, "B", "48.0\u00a0GB"),
        (999_999, "million", "999,999"),
        (0.097, "given", "0.097"),
        (math.inf, "%", "not measured"),
    ],
)
def test_a_number_is_written_as_people_write_it(value: float, unit: str, text: str) -> None:
    assert fmt(value, unit) == text


def test_intervals_and_counts_are_words() -> None:
    assert between(0.1, 0.25, "%", digits=2) == "10% to 25%"
    assert of(5, 24) == "5 of 24"


def test_a_value_names_the_experiments_behind_it_and_no_others(r: Results) -> None:
    v = values(r)
    assert (v.l1_l0.origins, v.l1_activations.origins) == ("evaluation@l1", "sae@l1")
    assert (v.trigram_loss.origins, v.held_out_loss.origins) == ("ngrams", "transformer@main")
    assert v.against_trigram.origins == "transformer@main ngrams"
    assert v.twenty_in_five_densest.origins == "toy@twenty-in-five"
    assert v.claims_total.origins == "claims"
    assert 'data-in="data/' in v.l1_l0._repr_markdown_()


def test_a_source_within_keeps_its_own_and_the_rest_gets_all(r: Results) -> None:
    @sourced
    def inner(r: Results) -> str:
        return fmt(len(r.toy("five-in-two").densities))

    @sourced
    def outer(r: Results) -> list[str]:
        return [inner(r), fmt(r.ngrams.metrics.trigram)]

    assert [getattr(text, "origins", "") for text in outer(r)] == [
        "toy@five-in-two",
        "toy@five-in-two ngrams",
    ]


def test_values_whose_artefacts_are_missing_say_which_stage_to_run(r: Results) -> None:
    r.store.path("ngrams", "metrics.json").unlink()
    v = values(r)
    assert "dvc repro ngrams" in v.trigram_loss
    assert v.trigram_loss._repr_markdown_().endswith("]{.missing}")
    assert v.dense_geometry.origins == "toy@five-in-two"
    with pytest.raises(AttributeError, match="no value 'trigram_los'"):
        _ = v.trigram_los


def test_only_the_topic_of_a_value_is_computed_and_only_once(r: Results) -> None:
    v = values(r)
    assert len(list(v)) > 500
    assert not r._kept
    assert v.dense_geometry == v.dense_geometry
    assert {stage for stage, _ in r._kept} == {"toy"}


def test_no_two_topics_have_a_value_of_the_same_name() -> None:
    names = [name for topic in topics() for name in topic.NAMES]
    assert [name for name, n in Counter(names).items() if n > 1] == []


def test_a_value_leaves_the_sources_of_the_figure_around_it_alone(r: Results) -> None:
    v = values(r)
    r.toy("five-in-two")
    assert v.trigram_loss != NOT_RUN
    assert r.take_asked() == [("toy", "five-in-two")]


def test_a_constant_has_no_source_even_beside_results(v: Named) -> None:
    assert v.held_threshold.origins == ""
    assert v.toy_seeds.origins == "toy@five-in-two"


def test_what_asks_for_nothing_keeps_its_empty_source(r: Results) -> None:
    @sourced
    def constant(r: Results) -> str:
        return fmt(0.5, "given")

    @sourced
    def outer(r: Results) -> list[str]:
        return [constant(r), fmt(r.ngrams.metrics.trigram)]

    assert [getattr(text, "origins", None) for text in outer(r)] == ["", "ngrams"]
