"""Choosing latents: hand-made counts with the answer visible."""

import pandas as pd
import pytest
import torch
from torch import Tensor

from superposition.features.selection import (
    PlantedCounts,
    SelectionConfig,
    planted_matches,
    select_latents,
    token_kinds,
)
from superposition.features.statistics import LatentCounts
from superposition.features.streaming import active
from superposition.language.tokens import TokenStream
from superposition.saes.kernels import DenseCodes

DOCUMENTS = pd.DataFrame(
    {"document": [7, 3, 9, 4], "kind": ["package", "dna", "base64", "package"]}
)
STREAM = TokenStream(
    tokens=torch.zeros(40, dtype=torch.int32),
    document=torch.tensor([7, 3, 9, 4], dtype=torch.int32),
    start=torch.tensor([0, 10, 15, 20, 40]),
)


def config(**changes: int) -> SelectionConfig:
    values = {"n_latents": 8, "n_per_planted_kind": 1, "n_by_effect": 1, "seed": 0}
    return SelectionConfig(**(values | changes))


def count(acts: Tensor, *, batch_size: int = 10) -> tuple[LatentCounts, PlantedCounts]:
    d_sae = acts.shape[1]
    counts = LatentCounts.empty(d_sae, device=acts.device)
    planted = PlantedCounts.empty(d_sae, device=acts.device)
    kinds = token_kinds(STREAM, DOCUMENTS)
    for rows, kind in zip(acts.split(batch_size), kinds.split(batch_size), strict=True):
        counts.add_(active(DenseCodes(rows)), n=len(rows))
        planted.add_(active(DenseCodes(rows)), kind=kind)
    return counts, planted


def choose(acts: Tensor, effect: list[float] | None = None, **changes: int) -> pd.DataFrame:
    largest = torch.ones(acts.shape[1]) if effect is None else torch.tensor(effect)
    return select_latents(*count(acts), largest_effect=largest, config=config(**changes))


def random_acts(*, d_sae: int, density: float = 0.2) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    acts = torch.rand(40, d_sae, generator=generator)
    return acts * (torch.rand(acts.shape, generator=generator) < density)


def detectors() -> Tensor:
    """Latent 0 is exactly dna, 1 half of base64 and as much elsewhere, 2 always on, 3 dead."""
    acts = torch.zeros(40, 4)
    acts[11:15, 0] = 2.0
    acts[16:18, 1] = acts[30:32, 1] = 1.0
    acts[:, 2] = 0.1
    return acts


def test_a_separator_belongs_to_no_planted_context():
    assert token_kinds(STREAM, DOCUMENTS).tolist() == (
        [-1] * 10 + [-1, 2, 2, 2, 2] + [-1, 0, 0, 0, 0] + [-1] * 20
    )


def test_counts_inside_contexts_are_those_of_a_loop_over_tokens():
    acts = random_acts(d_sae=3)
    _, planted = count(acts)
    kind = token_kinds(STREAM, DOCUMENTS)
    for label in range(3):
        for latent in range(3):
            both = (acts[:, latent] > 0) & (kind == label)
            assert planted.active[label, latent] == both.sum()
    assert planted.tokens.tolist() == [4, 0, 4]


def test_precision_recall_and_f1_of_hand_made_detectors():
    table = planted_matches(*count(detectors())).set_index(["latent", "kind"])
    assert table.loc[(0, "dna")].tolist() == [1.0, 1.0, 1.0]
    assert table.loc[(1, "base64")].tolist() == [0.5, 0.5, 0.5]
    assert table.loc[(2, "dna")].tolist() == pytest.approx([0.1, 1.0, 8 / 44])
    assert table.loc[(3, "dna")].tolist() == [0.0, 0.0, 0.0]
    assert table.loc[(0, "hexadecimal")].tolist() == [0.0, 0.0, 0.0]


def test_latents_are_chosen_for_a_planted_context_then_for_effect_then_at_random():
    chosen = choose(detectors(), n_latents=4)
    assert chosen[["latent", "reason", "planted_kind"]].values.tolist() == [
        [1, "matches base64", "base64"],
        [0, "matches dna", "dna"],
        [2, "largest effect on a logit", ""],
    ]
    assert chosen["planted_precision"].tolist()[:2] == [0.5, 1.0]
    assert chosen["planted_precision"].isna().tolist() == [False, False, True]


def test_effect_is_activation_times_weight():
    only = {"n_latents": 1, "n_per_planted_kind": 0}
    assert choose(detectors(), [1.0, 1.0, 1.0, 1.0], **only)["latent"].tolist() == [0]
    assert choose(detectors(), [1.0, 1.0, 30.0, 99.0], **only)["latent"].tolist() == [2]


def test_the_random_sample_takes_one_latent_of_every_density_stratum():
    acts = torch.zeros(40, 100)
    for latent in range(100):
        acts[: 1 + 39 * latent // 100, latent] = 1.0
    chosen = choose(acts, n_latents=10, n_per_planted_kind=0, n_by_effect=0)
    assert sorted(latent // 10 for latent in chosen["latent"]) == list(range(10))
    assert chosen["reason"].iloc[0] == "random, density stratum 1 of 10"


def test_every_live_latent_is_equally_likely_in_the_random_sample():
    counts, drawn = count(random_acts(d_sae=12, density=0.9)), torch.zeros(12)
    only = {"n_latents": 6, "n_per_planted_kind": 0, "n_by_effect": 0}
    for seed in range(100):
        largest = torch.ones(12)
        chosen = select_latents(*counts, largest_effect=largest, config=config(**only, seed=seed))
        drawn[chosen["latent"].tolist()] += 1
    assert drawn.sum() == 600
    assert drawn.min() > 50 - 4 * 25**0.5


def test_nothing_is_chosen_twice_and_the_seed_alone_decides():
    once, again = (choose(random_acts(d_sae=50)) for _ in range(2))
    assert once.equals(again)
    assert once["latent"].is_unique
    assert len(once) == 8


def test_with_few_live_latents_all_are_chosen_and_no_dead_one():
    assert sorted(choose(detectors(), n_latents=100)["latent"]) == [0, 1, 2]
    assert choose(torch.zeros(40, 4)).empty


def test_more_looked_for_than_chosen_is_refused():
    with pytest.raises(ValueError, match="n_by_effect=3 exceeds n_latents=5"):
        config(n_latents=5, n_per_planted_kind=1, n_by_effect=3)
