"""Counts against the plain metrics, densities against hand-made ones."""

import pytest
import torch

from superposition.features.statistics import LatentCounts, density_metrics
from superposition.features.streaming import active
from superposition.saes import metrics
from superposition.saes.kernels import DenseCodes, linear, select


def random_acts(*, n: int = 50, d_sae: int = 20, density: float = 0.1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    acts = torch.rand(n, d_sae, generator=generator)
    return acts * (torch.rand(acts.shape, generator=generator) < density)


@pytest.mark.parametrize("batch_size", [1, 13, 50])
def test_counts_are_those_of_the_plain_metrics(batch_size: int):
    acts = random_acts()
    counts, plain = LatentCounts.empty(20, device=acts.device), metrics.Latents()
    for rows in acts.split(batch_size):
        counts.add_(active(DenseCodes(rows)), n=len(rows))
        plain.add_(rows)
    torch.testing.assert_close(counts.density(), plain.density())
    torch.testing.assert_close(counts.mean_activation(), plain.mean_activation())
    torch.testing.assert_close(counts.maximum, plain.max_activation())
    assert counts.l0() == pytest.approx(metrics.l0(acts).item())


def test_sparse_and_dense_codes_have_the_same_nonzero_activations():
    acts = random_acts()
    pre_acts = linear(acts, torch.eye(20), torch.zeros(20))
    sparse = select(pre_acts, acts, acts.flatten().nonzero().squeeze(1))
    for one, other in zip(active(sparse), active(DenseCodes(acts)), strict=True):
        assert torch.equal(one, other)


def test_dead_rare_and_dense_latents_are_counted():
    density = torch.tensor([0.0, 0.0, 5e-4, 9e-4, 1e-3, 5e-3, 0.02, 0.9]).double()
    found = density_metrics(density, n_tokens=10_000)
    assert (found.dead, found.ultra_low_density, found.over_one_percent) == (2, 2, 2)
    assert (found.dead_fraction, found.ultra_low_density_fraction) == (0.25, 0.25)
    assert found.ultra_low_density_threshold == 1e-3
    assert found.density_50 == pytest.approx(3e-3)
    assert found.dead_fraction_low < 0.25 < found.dead_fraction_high


def test_with_much_text_the_threshold_is_that_of_the_paper():
    density = torch.tensor([2e-6, 5e-7]).double()
    found = density_metrics(density, n_tokens=10**8)
    assert found.ultra_low_density_threshold == 1e-6
    assert found.ultra_low_density == 1


def test_a_dictionary_without_a_live_latent_has_no_densities():
    found = density_metrics(torch.zeros(5).double(), n_tokens=100)
    assert (found.dead, found.dead_fraction, found.density_50) == (5, 1.0, None)
