"""The geometric median, the size of inputs, and the first weights."""

import torch
from scipy.optimize import minimize
from tests.saes.rows import row

from superposition.saes import base
from superposition.saes.initialisation import (
    geometric_median,
    mean_norm,
    mean_square,
    transposed_,
)


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


def test_units_are_the_mean_norm_and_its_square_s_of_each_instance() -> None:
    x = torch.tensor([[[3.0, 4.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(mean_norm(x), torch.tensor([[3 / 2**0.5], [1.0]]))
    torch.testing.assert_close(mean_square(x), torch.tensor([[13**0.5], [1.0]]))


def test_the_encoder_starts_as_the_transpose_of_unit_rows_in_any_direction() -> None:
    x = 5 + torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("topk", d_sae=4000), d_in=3)
    transposed_(sae, x)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(4000))
    assert sae.W_dec.mean(0).abs().max() < 0.05
    assert torch.equal(sae.W_enc, sae.W_dec.mT)
    torch.testing.assert_close(sae.b_dec.data, geometric_median(x))
