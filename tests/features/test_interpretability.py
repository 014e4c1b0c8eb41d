"""From text to tables: what a dictionary's units mean, on a tiny model with planted labels."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tests.features.conftest import D_MLP, D_VOCAB, N_CTX

from superposition.core.store import schema
from superposition.features import concept_tables
from superposition.features.controls import principal_directions, random_directions
from superposition.features.interpretability import (
    InterpretabilityConfig,
    Interpretation,
    interpret,
)
from superposition.features.streaming import sample_windows
from superposition.language.concepts.labels import Labels
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes import l1

CONFIG = InterpretabilityConfig(
    dictionary="sae",
    reads="sae/one",
    activations="one",
    n_tokens=1_600,
    batch_size=64,
    seed=0,
)
CATALOGUE = pd.DataFrame(
    {
        "concept": range(4),
        "kind": ["context", "token", "context", "context"],
        "judged": [True, True, True, False],
    }
)


@pytest.fixture(scope="module")
def long_stream() -> TokenStream:
    generator = torch.Generator().manual_seed(3)
    start = torch.arange(0, 1_601, 50)
    tokens = torch.randint(1, D_VOCAB, (1_600,), generator=generator, dtype=torch.int32)
    return TokenStream(tokens=tokens, document=torch.arange(32).int(), start=start)


@pytest.fixture
def labels(model: OneLayerTransformer, long_stream: TokenStream) -> Labels:
    """Concept 0 is neuron 2 above a threshold, 1 a token, 2 chance, 3 not judged."""
    windows = sample_windows(long_stream, n_ctx=N_CTX, n_tokens=1_600, seed=0)
    known = torch.zeros(1_600, 4, dtype=torch.bool)
    with torch.no_grad():
        acts = model.mlp_acts(windows.tokens[:, :-1])[..., 2].flatten()
    known[windows.position.flatten(), 0] = acts > acts[acts > 0].quantile(0.7)
    known[:, 1] = long_stream.tokens == 7
    known[:, 2] = torch.rand(1_600, generator=torch.Generator().manual_seed(4)) < 0.1
    known[:, 3] = True
    ends = torch.cat([torch.zeros(1, dtype=torch.int64), known.sum(dim=1).cumsum(0)])
    return Labels(ends, known.nonzero()[:, 1].short(), 4)


def found(
    model: OneLayerTransformer,
    sae: l1.SAE | None,
    stream: TokenStream,
    labels: Labels,
    config: InterpretabilityConfig = CONFIG,
) -> Interpretation:
    return interpret(model, sae, stream, labels, CATALOGUE, config=config, dtype=torch.float32)


def test_the_latent_that_is_a_neuron_is_found_for_the_concept_that_is_that_neuron(
    model, sae, long_stream, labels
):
    tables = found(model, sae, long_stream, labels)
    best = tables.concepts.set_index(["chosen_by", "concept"]).loc[("mcc", 0)]
    assert best["unit"] == 2
    assert best["mcc"] > 0.9
    chance = tables.concepts.set_index(["chosen_by", "concept"]).loc[("mcc", 2)]
    assert abs(chance["mcc"]) < 0.1
    mine = tables.matches.query("unit == 2 and chosen_by == 'mcc'").set_index("among")
    assert mine.loc["context", "concept"] == 0
    assert mine.loc["token", "concept"] in (1, -1)


def test_every_table_has_its_columns_and_no_concept_that_cannot_be_judged(
    model, sae, long_stream, labels
):
    tables = found(model, sae, long_stream, labels).tables()
    for name, table in tables.items():
        assert list(table.columns) == list(schema()[f"interpretability/{name}.parquet"]), name
    assert set(tables["concepts"]["concept"]) == {0, 1, 2}


def test_specificity_rises_with_the_decile_of_a_unit_that_is_the_concept_when_strong(
    model, sae, long_stream, labels
):
    deciles = found(model, sae, long_stream, labels).deciles.query("concept == 0")
    assert deciles["unit"].unique().tolist() == [2]
    assert deciles["decile"].tolist() == list(range(1, 11))
    assert deciles["precision"].iloc[-1] == 1
    assert deciles["precision"].iloc[0] == 0
    assert (np.diff(deciles["precision"]) >= 0).all()


def test_neurons_find_the_same_concept_and_are_all_the_units(model, long_stream, labels):
    config = replace(CONFIG, dictionary="neurons", reads="transformer/one")
    tables = found(model, None, long_stream, labels, config)
    assert len(tables.units) == D_MLP
    assert tables.metrics["n_units"] == D_MLP
    assert tables.concepts.query("chosen_by == 'mcc' and concept == 0")["unit"].item() == 2


@pytest.mark.parametrize("dictionary", ["pca", "random"])
def test_each_direction_makes_two_units(model, long_stream, labels, dictionary):
    config = replace(CONFIG, dictionary=dictionary, reads="transformer/one", n_directions=3)
    assert len(found(model, None, long_stream, labels, config).units) == 6


def test_the_same_seed_gives_the_same_tables(model, sae, long_stream, labels):
    first, second = (found(model, sae, long_stream, labels).tables() for _ in range(2))
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name])


def test_shares_are_those_of_the_tables(model, sae, long_stream, labels):
    tables = found(model, sae, long_stream, labels)
    judged = tables.units.loc[tables.units["judged"], "unit"]
    mine = tables.matches.query("chosen_by == 'mcc' and among == 'any'")
    mine = mine.loc[mine["unit"].isin(judged)]
    shares = tables.shares.query("of == 'units' and chosen_by == 'mcc' and among == 'any'")
    for level, share, low, high in zip(
        shares["level"], shares["share"], shares["low"], shares["high"], strict=True
    ):
        assert share == pytest.approx((mine["mcc"] >= level).mean())
        assert low <= share <= high
    covered = tables.shares.query("of == 'concepts' and chosen_by == 'mcc' and among == 'any'")
    best = tables.concepts.query("chosen_by == 'mcc'")["mcc"]
    expected = [(best >= level).mean() for level in concept_tables.LEVELS]
    assert covered["share"].tolist() == pytest.approx(expected)


def test_a_text_without_a_judged_concept_gives_empty_tables(model, sae, long_stream, labels):
    catalogue = CATALOGUE.assign(judged=False)
    tables = interpret(
        model, sae, long_stream, labels, catalogue, config=CONFIG, dtype=torch.float32
    )
    assert len(tables.concepts) == len(tables.deciles) == 0
    assert set(tables.matches["concept"]) == {-1}


def test_principal_directions_are_orthonormal_and_ordered_by_variance():
    x = torch.randn(500, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [1.0, 4.0, 2.0, 0.5]
    )
    directions = principal_directions(x.mean(dim=0), torch.cov(x.mT), n=4)
    torch.testing.assert_close(
        directions.directions @ directions.directions.mT, torch.eye(4), atol=1e-5, rtol=0
    )
    assert directions.directions.abs().argmax(dim=1).tolist() == [1, 2, 0, 3]
    torch.testing.assert_close(directions.decode_codes(directions.codes(x)), x)


def test_both_ends_of_a_random_direction_are_units_and_never_active_together():
    x = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    directions = random_directions(x.mean(dim=0), n=5, seed=1)
    acts = directions.codes(x).dense()
    assert acts.shape == (50, 10)
    assert ((acts[:, :5] > 0) & (acts[:, 5:] > 0)).sum() == 0
    torch.testing.assert_close(directions.directions.norm(dim=1), torch.ones(5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_tokens": 0}, "n_tokens=0"),
        ({"n_directions": 3}, "n_directions=3 with dictionary=sae"),
        ({"dictionary": "pca", "reads": "transformer/x"}, "n_directions=None with dictionary=pca"),
        ({"dictionary": "neurons"}, r"reads=sae/one: dictionary=neurons reads transformer/"),
    ],
)
def test_a_mistaken_row_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changes)
