"""Linear probes: they find what is linear, no more, and their thresholds are the best ones."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array

from superposition.core.store import schema
from superposition.features import probes
from superposition.features.probes import ProbesConfig

CONFIG = ProbesConfig(
    activations="one",
    n_tokens=1_000,
    batch_size=8,
    n_epochs=5,
    rows_at_once=256,
    lr=0.05,
    seed=0,
)
CONCEPTS = pd.DataFrame({"concept": [3, 5, 9], "kind": "context"})


@pytest.fixture(scope="module")
def world() -> tuple[torch.Tensor, csr_array]:
    """Correlated inputs; labels: linear, the size of one of them (not linear), chance."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(8_000, 12, generator=generator) @ torch.randn(12, 12, generator=generator)
    linear = x @ torch.randn(12, generator=generator)
    known = torch.stack(
        [
            linear > linear.quantile(0.95),
            x[:, 0].abs() > x[:, 0].abs().quantile(0.9),
            torch.rand(8_000, generator=generator) < 0.1,
        ],
        dim=1,
    )
    return x.bfloat16(), csr_array(known.numpy().astype(np.float32))


def judged(world: tuple[torch.Tensor, csr_array]) -> pd.DataFrame:
    x, known = world
    first = torch.arange(len(x)) % 2 == 0
    W, b = probes.fit(x[first], csr_array(known[first.numpy()]), config=CONFIG)
    return probes.evaluate(x, W, b, known=known, first=first, concepts=CONCEPTS)


def test_a_linear_concept_is_found_and_others_are_not(world):
    table = judged(world)
    assert list(table.columns) == list(schema()["probes/probes.parquet"])
    assert table["concept"].tolist() == [3, 5, 9]
    linear, size, chance = table["mcc"].to_numpy()
    assert linear > 0.9
    assert abs(size) < 0.2
    assert abs(chance) < 0.1


def test_rescaling_and_moving_the_inputs_changes_little(world):
    x, known = world
    table, moved = judged(world), judged(((3 * x.float() + 5).bfloat16(), known))
    np.testing.assert_allclose(moved["mcc"], table["mcc"], atol=0.1)


def test_the_threshold_has_the_best_correlation_of_all_that_are_tried():
    output = torch.tensor([0.1, 0.4, 0.35, 0.8, 0.7, 0.2])
    has = torch.tensor([False, True, False, True, True, False])
    cuts = output[has].sort().values
    naive = [np.corrcoef((output >= cut).numpy(), has.numpy())[0, 1] for cut in cuts]
    np.testing.assert_allclose(probes._at_cuts(output, has, cuts), naive)
    assert int(np.argmax(naive)) == 0  # the lowest of the concept's outputs: all of it, no more


def test_a_concept_without_a_token_in_the_first_half_scores_zero():
    nothing = probes._judge(torch.rand(4), torch.zeros(4).bool(), torch.ones(4).bool())
    assert set(nothing.values()) == {0.0}


def test_whitened_inputs_have_the_identity_as_covariance():
    x = torch.randn(4_000, 12, generator=torch.Generator().manual_seed(0)).cumsum(dim=1) + 3
    mean, whiten = probes._whitening(x)
    covariance = torch.cov(((x.float() - mean) @ whiten).mT)
    torch.testing.assert_close(covariance, torch.eye(12), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("changes", "message"), [({"n_epochs": 0}, "n_epochs=0"), ({"lr": 0.0}, "lr=0.0")]
)
def test_a_mistaken_row_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **changes)
