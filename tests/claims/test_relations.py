"""Claims on universality, splitting and automata: results that show each, and that refute it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.charts.synthetic import frame
from tests.claims.world import results

from superposition.artefacts import NotTrained
from superposition.claims import automata, measures_relations, splitting, universality
from superposition.claims.core import Claim
from superposition.features.membership import PLANTED
from superposition.results import Results

N = 200
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=N) * 0.05
EVEN = np.linspace(0.4, 0.9, N)


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    rows = ("two-models", "two-recipes", "shuffled-weights")
    r.params.tree.update(universality={row: {} for row in rows}, splitting={}, automata={})
    return r


def units(kind: str, **columns: Any) -> pd.DataFrame:
    given: dict[str, Any] = {
        "correlation": EVEN,
        "correlation_in_sample": EVEN,
        "null_in_sample": np.full(N, 0.05),
        "logit_correlation": EVEN - 0.4 + 4 * NOISE,
        "attribution_correlation": EVEN + NOISE,
    }
    return frame("universality/units.parquet", N, kind=[kind] * N, **(given | columns))


def add_units(r: Results, row: str, latents: dict[str, Any], neurons: dict[str, Any]) -> None:
    table = pd.concat([units("latent", **latents), units("neuron", **neurons)])
    r.store.save_table(table, "universality", row, "units.parquet")


WEAK = {"correlation": EVEN - 0.3, "correlation_in_sample": EVEN - 0.3}
UNITS: tuple[tuple[Claim, dict[str, Any], dict[str, Any], str], ...] = (
    (universality.universality_median, {}, WEAK, "replicated"),
    (universality.universality_median, {"correlation": EVEN - 0.29}, WEAK, "partly"),
    (universality.universality_median, WEAK, {}, "not replicated"),
    (universality.universality_median, {"null_in_sample": np.ones(N)}, WEAK, "not replicated"),
    (universality.logit_correlation, {}, {}, "replicated"),
    (universality.logit_correlation, {"logit_correlation": EVEN - 0.01}, {}, "partly"),
    (universality.logit_correlation, {"logit_correlation": EVEN + 0.01}, {}, "not replicated"),
    (universality.attribution, {}, {}, "replicated"),
    (universality.attribution, {"attribution_correlation": -EVEN}, {}, "not replicated"),
)


@pytest.mark.parametrize(("claim", "latents", "neurons", "holds"), UNITS)
def test_units_decide(
    r: Results, claim: Claim, latents: dict[str, Any], neurons: dict[str, Any], holds: str
) -> None:
    add_units(r, "two-models", latents, neurons)
    assert claim.judge(r).holds == holds


@pytest.mark.parametrize(("shuffled", "holds"), [(WEAK, "replicated"), ({}, "not replicated")])
def test_a_shuffled_model_must_match_less_well(r: Results, shuffled: dict, holds: str) -> None:
    add_units(r, "two-models", {}, {})
    add_units(r, "shuffled-weights", shuffled, {})
    assert universality.not_the_text_alone.judge(r).holds == holds


def add_contexts(r: Results, correlations: list[float], f1: list[float]) -> None:
    names = list(universality.ANALOGUES)
    n = len(names)
    acts = [*correlations, 0.5, 0.5]
    table = frame(
        "universality/contexts.parquet",
        n,
        context=names,
        correlation=acts,
        logit_correlation=[0.2] * n,
        f1=f1,
        match_f1=[0.9] * n,
    )
    r.store.save_table(table, "universality", "two-models", "contexts.parquet")


def test_planted_contexts_must_all_recur(r: Results) -> None:
    add_contexts(r, [0.9, 0.8, 0.75], [0.9] * 5)
    table = r.universality("two-models").contexts.replace("word in capitals", PLANTED[2])
    r.store.save_table(table, "universality", "two-models", "contexts.parquet")
    assert universality.universal_contexts.judge(fresh(r)).holds == "replicated"
    poor = table.assign(correlation=[0.9, 0.3, 0.3, 0.3, 0.3])
    r.store.save_table(poor, "universality", "two-models", "contexts.parquet")
    assert universality.universal_contexts.judge(fresh(r)).holds == "partly"
    poor = table.assign(correlation=0.1)
    r.store.save_table(poor, "universality", "two-models", "contexts.parquet")
    assert universality.universal_contexts.judge(fresh(r)).holds == "not replicated"


@pytest.mark.parametrize(
    ("f1", "holds"),
    [
        ([0.9] * 5, "replicated"),
        ([0.9, 0.9, 0.1, 0.1, 0.1], "partly"),
        ([0.9, 0.1, 0.1, 0.1, 0.1], "not replicated"),
    ],
)
def test_contexts_known_from_other_models_must_be_detected(
    r: Results, f1: list[float], holds: str
) -> None:
    add_contexts(r, [0.9, 0.8, 0.75], f1)
    assert universality.literature.judge(r).holds == holds


@pytest.mark.parametrize(
    ("encoder", "holds"),
    [([0.1] * 8, "replicated"), ([0.1] * 5 + [0.9] * 3, "partly"), ([0.9] * 8, "not replicated")],
)
def test_close_latents_must_have_encoders_further_apart(
    r: Results, encoder: list[float], holds: str
) -> None:
    table = frame(
        "universality/neighbours.parquet", 8, decoder_cosine=[0.6] * 8, encoder_cosine=encoder
    )
    r.store.save_table(table, "universality", "two-recipes", "neighbours.parquet")
    assert universality.tilted_apart.judge(r).holds == holds


def test_without_close_latents_there_is_nothing_to_judge(r: Results) -> None:
    table = frame("universality/neighbours.parquet", 0)
    r.store.save_table(table, "universality", "two-recipes", "neighbours.parquet")
    with pytest.raises(NotTrained):
        universality.tilted_apart.judge(r)


def add_splitting(r: Results, **columns: list[Any]) -> None:
    """Eight latents: two of each of two seeds at each of two widths."""
    given = {
        "d_sae": np.repeat([512, 4096], 4),
        "seed": np.tile([0, 0, 1, 1], 2),
        "context": [PLANTED[0]] * 8,
        "digit_share": [0.9, 0.1] * 4,
        "digit_effect": [1.0] * 8,
        "other_effect": [0.0] * 8,
    }
    table = frame("splitting/latents.parquet", 8, **(given | columns))
    r.store.save_table(table, "splitting", "latents.parquet")


def add_counts(r: Results, counts: list[float]) -> None:
    n = len(counts)
    rows = [(width, 0, name, count) for width, count in enumerate(counts) for name in PLANTED]
    table = pd.DataFrame(rows, columns=["d_sae", "seed", "context", "n_latents"])
    r.store.save_table(table, "splitting", "contexts.parquet")
    assert n


@pytest.mark.parametrize(
    ("counts", "holds"),
    [([1, 3, 9], "replicated"), ([2, 1, 9], "partly"), ([9, 3, 1], "not replicated")],
)
def test_base64_must_split(r: Results, counts: list[float], holds: str) -> None:
    add_splitting(r)
    add_counts(r, counts)
    assert splitting.splitting_base64.judge(r).holds == holds


@pytest.mark.parametrize(
    ("within", "p_value", "holds"),
    [(0.5, 0.001, "replicated"), (0.5, 0.5, "partly"), (0.0, 0.5, "not replicated")],
)
def test_contexts_must_cluster(r: Results, within: float, p_value: float, holds: str) -> None:
    table = frame(
        "splitting/clusters.parquet",
        5,
        within=[within] * 5,
        across=[0.1] * 5,
        p_value=[p_value] * 5,
    )
    r.store.save_table(table, "splitting", "clusters.parquet")
    assert splitting.splitting_geometry.judge(r).holds == holds


@pytest.mark.parametrize(
    ("parents", "chance", "merges", "holds"),
    [(80, 10, 20, "replicated"), (80, 60, 20, "partly"), (80, 10, 0, "partly"), (30, 0, 20, "not")],
)
def test_the_graph_of_splits_must_join_and_merge(
    r: Results, parents: int, chance: int, merges: int, holds: str
) -> None:
    add_splitting(r)
    table = frame(
        "splitting/relatives.parquet",
        2,
        n_coarse=[100] * 2,
        n_fine=[100] * 2,
        with_parent=[parents] * 2,
        with_two_parents=[merges] * 2,
        with_two_children=[50] * 2,
        null_with_parent=[chance] * 2,
    )
    r.store.save_table(table, "splitting", "relatives.parquet")
    assert splitting.splitting_graph.judge(r).holds.startswith(holds)


@pytest.mark.parametrize(
    ("single", "holds"),
    [([True] * 4 + [False] * 4, "replicated"), ([False] * 4 + [True] * 4, "not replicated")],
)
def test_single_token_latents_must_become_rarer(r: Results, single: list, holds: str) -> None:
    add_splitting(r, single_token=single)
    assert splitting.single_tokens.judge(r).holds == holds


@pytest.mark.parametrize(
    ("word", "holds"),
    [([False] * 4 + [True] * 4, "replicated"), ([True] * 4 + [False] * 4, "not replicated")],
)
def test_latents_of_the_commonest_word_must_become_more(r: Results, word: list, holds: str) -> None:
    add_splitting(r, on_commonest_word=word)
    assert splitting.commonest_word.judge(r).holds == holds


@pytest.mark.parametrize(
    ("effects", "holds"),
    [
        ([1.1, 1.0] * 4, "replicated"),
        ([1.0, 1.05, 1.1, 1.0, 0.9, 1.05, 1.0, 1.0], "partly"),
        ([0.0, 1.0] * 4, "not replicated"),
    ],
)
def test_digits_must_be_predicted_after_digits(r: Results, effects: list, holds: str) -> None:
    add_splitting(r, digit_effect=effects)
    assert splitting.digits.judge(r).holds == holds


def test_without_latents_of_digits_nothing_is_judged(r: Results) -> None:
    add_splitting(r, digit_share=[0.0] * 8)
    with pytest.raises(NotTrained):
        splitting.digits.judge(r)


def add_states(r: Results, ranks: list[float], **columns: list[Any]) -> None:
    best = frame("automata/contexts.parquet", 3, context=list(PLANTED), latent=[0, 1, 2])
    r.store.save_table(best, "automata", "contexts.parquet")
    given = {
        "latent": range(4),
        "self_rank": [*ranks, 0.0],
        "context": ["", "", "", "SCREAMING_SNAKE"],
    }
    table = frame("automata/states.parquet", 4, **(given | columns))
    r.store.save_table(table, "automata", "states.parquet")


@pytest.mark.parametrize(
    ("ranks", "holds"),
    [
        ([0.99] * 3, "replicated"),
        ([0.99, 0.5, 0.5], "partly"),
        ([0.5] * 3, "not replicated"),
    ],
)
def test_planted_latents_must_excite_themselves(r: Results, ranks: list, holds: str) -> None:
    add_states(r, ranks)
    assert automata.self_exciting.judge(r).holds == holds


@pytest.mark.parametrize(
    ("context", "rank", "weight", "holds"),
    [
        ("SCREAMING_SNAKE", 0.99, 0.4, "replicated"),
        ("docstring", 0.99, 0.4, "partly"),
        ("SCREAMING_SNAKE", 0.5, 0.4, "not replicated"),
        ("SCREAMING_SNAKE", 0.99, 0.01, "not replicated"),
    ],
)
def test_names_in_capitals_must_cycle(
    r: Results, context: str, rank: float, weight: float, holds: str
) -> None:
    contexts = ["", "", "", context]
    add_states(r, [0.5] * 3, context=contexts, cycle_rank=[rank] * 4, cycle_weight=[weight] * 4)
    assert automata.cycle_of_two.judge(r).holds == holds


def add_samples(r: Results, pinned: dict[str, int]) -> None:
    rows = [
        (context, 0, arm, prompt, 10, count if arm == "pinned" else 1, np.arange(3))
        for context, count in pinned.items()
        for arm in ("pinned", "free")
        for prompt in range(4)
    ]
    columns = ["context", "latent", "arm", "prompt", "n_tokens", "n_active", "tokens"]
    r.store.save_table(pd.DataFrame(rows, columns=columns), "automata", "samples.parquet")


@pytest.mark.parametrize(
    ("counts", "holds"),
    [([9, 9, 9], "replicated"), ([9, 1, 1], "partly"), ([1, 1, 1], "not replicated")],
)
def test_pinned_latents_must_keep_going(r: Results, counts: list[int], holds: str) -> None:
    add_samples(r, dict(zip(PLANTED, counts, strict=True)))
    verdict = automata.loops.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == pytest.approx((counts[0] - 1) / 10)


def test_the_model_of_one_neuron_holds(r: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    assert automata.polysemantic_without_superposition.judge(r).holds == "replicated"
    wrong: Callable[..., float] = lambda n_active, **_: 0.824 if n_active == 1 else 0.7  # noqa: E731
    monkeypatch.setattr(automata.exclusive, "closed_form", wrong)
    assert automata.polysemantic_without_superposition.judge(r).holds == "not replicated"


def test_gaps_of_medians_know_their_direction() -> None:
    gap, (low, high) = measures_relations.median_gap(EVEN, EVEN - 0.2)
    assert low < gap < high
    assert gap == pytest.approx(0.2)
    paired, interval = measures_relations.paired_median_gap(EVEN, EVEN - 0.2)
    assert paired == pytest.approx(0.2)
    assert interval == pytest.approx((0.2, 0.2))


def fresh(r: Results) -> Results:
    """The same results, read anew."""
    return Results(r.params, r.store)
