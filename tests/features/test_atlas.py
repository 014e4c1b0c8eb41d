"""The atlas' tables against plain loops on a tiny transformer."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from superposition.atlas import describe
from superposition.atlas.config import AtlasConfig
from superposition.atlas.effects import effects
from superposition.atlas.examples import Column, histogram, intervals, top
from superposition.atlas.relatives import relatives

CONFIG = AtlasConfig(
    reads="sae/one",
    activations="one",
    sweep="widths",
    level=30.0,
    sweep_seed=0,
    n_tokens=200,
    batch_size=4,
    seed=0,
    n_top=3,
    n_intervals=2,
    n_per_interval=2,
    context_before=3,
    context_after=2,
    n_bins=4,
    n_logits=3,
    n_relatives=2,
    n_cases=5,
)


@pytest.fixture(scope="module")
def wider() -> dict[int, torch.Tensor]:
    return {16: torch.randn(16, 12, generator=torch.Generator().manual_seed(3))}


@pytest.fixture
def atlas(model, sae, stream, wider) -> describe.Atlas:
    return describe.describe(model, sae, stream, wider, config=CONFIG, dtype=torch.float32)


def test_every_unit_has_a_row_and_dead_ones_no_examples(atlas: describe.Atlas) -> None:
    units = atlas.units
    assert units["unit"].tolist() == list(range(24))
    dead = units.loc[units["n_active"] == 0]
    assert len(dead) >= 12
    assert not set(dead["unit"]) & set(atlas.examples["unit"])
    assert dead["effect"].isna().all()
    assert [sum(h) for h in units["histogram"]] == units["n_active"].tolist()
    assert len(atlas.logits) == 24 * 2 * 3


def test_the_neurons_are_the_first_half_of_this_autoencoder(
    model, sae, stream, wider, atlas
) -> None:
    neurons = describe.describe(model, None, stream, wider, config=CONFIG, dtype=torch.float32)
    half = atlas.units.loc[atlas.units["unit"] < 12, ["n_active", "effect"]]
    pd.testing.assert_frame_equal(neurons.units[["n_active", "effect"]], half, rtol=1e-3)
    assert set(neurons.relatives["relation"]) == {"nearest", "width"}


def test_examples_hold_the_text_around_their_token(atlas: describe.Atlas, stream) -> None:
    for row in atlas.examples.to_dict("records"):
        first = row["position"] - row["offset"]
        expected = stream.tokens[first : first + len(row["tokens"])].tolist()
        assert row["tokens"].tolist() == expected
        assert row["activations"][row["offset"]] == pytest.approx(row["activation"])


def test_the_strongest_of_each_document_come_first() -> None:
    active = Column(np.array([0, 1, 2, 3]), np.array([4.0, 3.0, 2.0, 1.0]))
    assert top(active, np.array([0, 0, 0, 1]), n=3).tolist() == [0, 1, 3]
    assert top(active, np.array([0, 0, 0, 1]), n=2).tolist() == [0, 3]


def test_intervals_are_equal_steps_of_the_range() -> None:
    found = dict(
        intervals(np.array([1.0, 0.4, 0.9, 0.1]), config=CONFIG, rng=np.random.default_rng(0))
    )
    assert (sorted(found[1].tolist()), sorted(found[2].tolist())) == ([0, 2], [1, 3])


def test_a_histogram_of_nothing_is_empty() -> None:
    assert histogram(np.zeros(0), n_bins=3).tolist() == [0, 0, 0]


def test_effects_are_those_of_a_plain_ablation(model, stream) -> None:
    tokens = stream.tokens[:8].long()[None]
    with torch.no_grad():
        acts = model.mlp_acts(tokens)[0]
        seen = []
        hook = model.ln_out.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        whole = model.head(model.last_residual(tokens)).log_softmax(-1)[0]
        hook.remove()
        following = stream.tokens[1:9].long()
        neuron = int((acts > 0).sum(0).argmax())
        without = acts.clone()
        without[:, neuron] = 0
        ablated = model.head(model.last_residual(tokens, lambda _: without[None])).log_softmax(-1)[
            0
        ]
    on = acts[:, neuron] > 0
    change = (ablated - whole).gather(1, following[:, None]).squeeze(1)[on]
    found = effects(
        model,
        sparse.csc_matrix(acts.numpy()),
        seen[0][0],
        following,
        directions=torch.eye(12),
        n_cases=100,
        seed=0,
    )
    assert found["n_cases"][neuron] == int(on.sum())
    assert found["effect"][neuron] == pytest.approx(change.mean().item(), abs=1e-4)


def test_relatives_are_the_largest_cosines_but_not_oneself() -> None:
    directions = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    table = relatives(directions, torch.eye(2), {3: -directions}, are_neurons=False, n=1)
    near = table.loc[table["relation"] == "nearest"]
    assert near["other"].tolist() == [1, 0, 1]
    assert near["cosine"].tolist() == pytest.approx([0.8, 0.8, 0.6])
    neurons = table.loc[table["relation"] == "neuron"]
    assert neurons["other"].tolist() == [0, 0, 1]


def test_an_impossible_dictionary_is_refused() -> None:
    with pytest.raises(ValueError, match="reads=toy/one"):
        replace(CONFIG, reads="toy/one")
    with pytest.raises(ValueError, match="n_cases=0"):
        replace(CONFIG, n_cases=0)
