"""The geometric median, the size of inputs, and the first weights."""

import torch
from scipy.optimize import minimize

from superposition.saes.initialisation import geometric_median


def test_geometric_median_is_what_a_minimiser_finds() -> None:
    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[:20] += 30
    distance = lambda y: (x - torch.from_numpy(y)).norm(dim=-1).sum().item()  # noqa: E731
    found = minimize(distance, x.median(0).values.numpy(), method="BFGS", options={"gtol": 1e-9})
    assert (geometric_median(x) - torch.from_numpy(found.x)).abs().max() < 1e-5


def test_geometric_median_is_the_point_that_holds_most_inputs() -> None:
    x = torch.zeros(2, 100, 3)
    x[:, :20] = torch.rand(2, 20, 3, generator=torch.Generator().manual_seed(0))
    assert geometric_median(x).abs().max() < 1e-4


def test_geometric_median_moves_with_the_inputs() -> None:
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    moved = geometric_median(3 * x + 7)
    torch.testing.assert_close(moved, 3 * geometric_median(x) + 7, rtol=0, atol=1e-5)
