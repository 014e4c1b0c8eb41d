"""The expected loss agrees with closed forms and with plain sampling."""

import pytest
import torch
from tests.claims.world import polygon

from superposition.toy import expected_loss
from superposition.toy.data import sample_features
from superposition.toy.models import ToyModel

DIGON = torch.tensor([[[1.0], [-1.0]]], dtype=torch.float64)
NO_BIAS = torch.zeros(1, 2, dtype=torch.float64)


def test_two_features_in_opposite_directions_lose_the_smaller_value_when_both_are_active() -> None:
    """Closed form: (1 + r) p q / 6 with densities p and q, over two features."""
    densities, importance = torch.tensor([[0.3, 0.1], [1.0, 0.5]], dtype=torch.float64)
    found = expected_loss.estimate(
        DIGON,
        NO_BIAS,
        densities=densities,
        importance=importance,
        n_points=512,
        n_repeats=8,
        seed=0,
    )
    exact = 1.5 * 0.3 * 0.1 / 6 / 2
    assert found.loss.item() == pytest.approx(exact, abs=5 * found.standard_error.item())
    assert found.standard_error.item() < 1e-3 * exact


def test_it_agrees_with_plain_samples_at_unequal_densities() -> None:
    W, b = polygon(5)[None] * 1.1, torch.full((1, 5), -0.2)
    densities, importance = torch.tensor([0.1, 0.3, 0.3, 0.3, 0.3]), torch.ones(5)
    found = expected_loss.estimate(
        W.double(),
        b.double(),
        densities=densities.double(),
        importance=importance.double(),
        n_points=256,
        n_repeats=4,
        seed=0,
    )
    generator = torch.Generator().manual_seed(0)
    x = sample_features(400_000, densities, n_features=1, generator=generator)[..., 0][:, None]
    sampled = ToyModel(W, b, output="relu").loss(x, importance)
    assert found.loss.item() == pytest.approx(sampled.item(), rel=0.01)


def test_the_probabilities_of_all_sets_sum_to_one() -> None:
    active = expected_loss.points(5, 2, seed=0).active
    densities = torch.rand(5, generator=torch.Generator().manual_seed(0))
    probabilities = expected_loss.set_probabilities(active, densities)
    assert probabilities.sum().item() == pytest.approx(1)
    assert len(probabilities) == 32


def test_turning_a_model_leaves_its_loss_unchanged() -> None:
    at = expected_loss.points(5, 64, seed=0)
    options = {"densities": torch.full((5,), 0.2).double(), "importance": torch.ones(5).double()}
    W, b = polygon(5).double(), torch.zeros(5, dtype=torch.float64)
    turned = polygon(5, turn=0.37).double()
    first = expected_loss.expected_loss(W, b, at, **options)
    assert expected_loss.expected_loss(turned, b, at, **options).item() == pytest.approx(
        first.item(), rel=1e-5
    )


def test_too_many_features_and_too_few_repeats_are_refused() -> None:
    with pytest.raises(ValueError, match="n_features=13"):
        expected_loss.points(13, 2, seed=0)
    with pytest.raises(ValueError, match="n_repeats=1"):
        expected_loss.estimate(
            DIGON,
            NO_BIAS,
            densities=torch.ones(2),
            importance=torch.ones(2),
            n_points=2,
            n_repeats=1,
            seed=0,
        )
