"""Selection by cuts against sorting: exact, whatever the values."""

import pytest
import torch
from torch import Tensor

from superposition.saes import selection
from superposition.saes.selection import largest, largest_of_rows

FORMATS = [torch.float32, torch.bfloat16]


def normal(n_rows: int, width: int, dtype: torch.dtype, *, seed: int = 0) -> Tensor:
    return torch.randn(n_rows, width, generator=torch.Generator().manual_seed(seed)).to(dtype)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("n", [1, 700, 9_000, 60_000, 120_000])
def test_largest_finds_what_sorting_finds(n: int, dtype: torch.dtype) -> None:
    """About 50,000 of 100,000 values are positive; in bfloat16 a hundred share each value."""
    values = normal(250, 400, dtype, seed=n)
    order = values.flatten().float().argsort(descending=True, stable=True)[:n]
    expected = order[values.flatten()[order] > 0].sort().values
    torch.testing.assert_close(largest(values, n), expected)


def test_of_equal_values_the_first_are_kept() -> None:
    values = torch.tensor([[1.0, 2.0, 1.0], [1.0, 0.0, -1.0]])
    assert largest(values, 3).tolist() == [0, 1, 2]
    assert largest(values, 6).tolist() == [0, 1, 2, 3]


def test_largest_is_exact_when_the_sample_misleads() -> None:
    """Every sampled value is huge, so that the estimated cut is far too high."""
    values = torch.rand(400, 610, generator=torch.Generator().manual_seed(0))
    values.view(-1)[:: selection.STRIDE] += 10
    top = values.flatten().topk(20_000).indices.sort().values
    torch.testing.assert_close(largest(values, 20_000), top)


def assert_largest_of_rows(values: Tensor, k: int) -> None:
    """As many as there are up to k, ascending, with the values that sorting finds."""
    found = largest_of_rows(values, k)
    assert bool((found.diff() > 0).all())
    assert found.dtype == torch.int64
    width = values.shape[1]
    for i, row in enumerate(values):
        top = row.float().sort(descending=True).values[:k]
        own = found[(found >= i * width) & (found < (i + 1) * width)]
        chosen = values.flatten()[own].float().sort(descending=True).values
        torch.testing.assert_close(chosen, top[top > 0], rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [*FORMATS, torch.float64])
@pytest.mark.parametrize(
    ("n_rows", "width", "k"),
    [(50, 1024, 8), (50, 1000, 7), (3, 33, 1), (20, 300, 200), (20, 64, 64), (0, 512, 4)],
    ids=["groups", "a rest", "one", "half", "all", "no rows"],
)
def test_the_largest_of_rows_are_those_that_sorting_finds(
    n_rows: int, width: int, k: int, dtype: torch.dtype
) -> None:
    assert_largest_of_rows(normal(n_rows, width, dtype), k)


@pytest.mark.parametrize("dtype", FORMATS)
def test_rows_of_every_kind_stand_beside_each_other(dtype: torch.dtype) -> None:
    """Equal values, few or no positive ones, infinite ones, all large ones in a single group."""
    values = normal(9, 512, dtype)
    values[0] = 1.0
    values[1] = -1.0
    values[2] = 0.0
    values[3].clamp_(max=0.0)[5] = 2.0
    values[4, ::2] = torch.inf
    values[5, :: selection.GROUPS * 8] += 100
    values[6].mul_(1e-40)
    values[7, 500:] += 100
    values[8].round_()
    assert_largest_of_rows(values, 8)


def test_few_values_beyond_the_selected_ones_reach_the_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What makes it fast: the search in what is left is short."""
    left, search = [], selection._largest_of_few
    monkeypatch.setattr(
        selection,
        "_largest_of_few",
        lambda values, candidates, k: left.append(len(candidates)) or search(values, candidates, k),
    )
    largest_of_rows(normal(200, 4096, torch.float32), 32)
    assert 200 * 32 <= left[0] < 1.3 * 200 * 32
