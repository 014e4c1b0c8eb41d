"""Sums and dot products over bags against loops, on every device there is."""

import pytest
import torch
from torch import Tensor

from superposition.saes import products
from superposition.saes.products import Bags


def bags(n_rows: int, device: torch.device) -> tuple[Bags, Tensor]:
    """Twenty bags of up to 40 of so many rows, one of them empty; and which bag each is in."""
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(0, 40, (20,), generator=generator)
    sizes[3] = 0
    owners = torch.arange(20).repeat_interleave(sizes)
    rows = torch.randint(n_rows, (len(owners),), generator=generator).to(device)
    owners = owners.to(device)
    return Bags(rows, products.ends(owners, 20)), owners


def table(n_rows: int, d: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    values = torch.randn(n_rows, d, generator=torch.Generator().manual_seed(d), dtype=dtype)
    return values.to(device)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("d", [1, 7, 128, 200])
def test_a_bag_is_the_weighted_sum_of_its_rows(
    d: int, dtype: torch.dtype, device: torch.device
) -> None:
    found, owners = bags(50, device)
    values = table(50, d, dtype, device)
    weights = table(len(owners), 1, torch.float64 if d == 7 else torch.float32, device).squeeze(1)
    expected = torch.zeros(20, d, dtype=torch.float64, device=device)
    expected.index_add_(0, owners, values[found.rows].double() * weights.double().unsqueeze(1))
    sums = products.weighted_sums(values, found, weights)
    torch.testing.assert_close(sums, expected.to(weights.dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("d", [1, 7, 128, 200])
def test_a_row_is_multiplied_with_its_bag(d: int, dtype: torch.dtype, device: torch.device) -> None:
    found, owners = bags(50, device)
    values, each = (table(n, d, dtype, device) for n in (50, 20))
    expected = (values[found.rows] * each[owners]).sum(-1)
    torch.testing.assert_close(products.dot_products(each, values, found, owners), expected)


def test_values_of_a_bag_are_added_up(device: torch.device) -> None:
    found, owners = bags(50, device)
    values = table(len(owners), 1, torch.float64, device).squeeze(1)
    expected = values.new_zeros(20).index_add_(0, owners, values)
    torch.testing.assert_close(products.sums(values, found), expected)


def test_no_bag_has_a_row(device: torch.device) -> None:
    nothing = torch.zeros(0, dtype=torch.int64, device=device)
    empty = Bags(nothing, products.ends(nothing, 3))
    values, weights = torch.ones(4, 5, device=device), torch.ones(0, device=device)
    assert not products.weighted_sums(values, empty, weights).any()
    assert not products.sums(weights, empty).any()
    assert len(products.dot_products(torch.ones(3, 5, device=device), values, empty, nothing)) == 0
