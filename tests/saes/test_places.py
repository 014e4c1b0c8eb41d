"""Places against torch's own comparison, in every format and on every device there is."""

import pytest
import torch
from torch import Tensor

from superposition.saes import places
from superposition.saes.places import places_above, places_from

FORMATS = [torch.bfloat16, torch.float32, torch.float64]


def where(mask: Tensor) -> list[int]:
    return [i for i, one in enumerate(mask.flatten().tolist()) if one]


def values(n_rows: int, width: int, dtype: torch.dtype) -> Tensor:
    """Numbers around 0, some of them 0 with either sign, some huge or tiny or infinite."""
    found = torch.randn(n_rows, width, generator=torch.Generator().manual_seed(width))
    special = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, 1e-40, -1e-40, 3e38, 0.5])
    found.view(-1)[::3] = special[torch.arange(len(found.view(-1)[::3])) % len(special)]
    return found.to(dtype)


@pytest.mark.parametrize("size", [(0,), (1,), (7, 13), (64, 1000)])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.6, 1.0])
def test_places_are_where_a_mask_is_true(
    size: tuple[int, ...], share: float, device: torch.device
) -> None:
    mask = torch.rand(size, generator=torch.Generator().manual_seed(0)) < share
    strided = mask.repeat(*(1,) * (len(size) - 1), 2)[..., ::2]
    for each in (mask, strided):
        found = places.places(each.to(device))
        assert found.tolist() == where(each)
        assert found.dtype == torch.int64


@pytest.fixture(params=[2**20, 100, 1], ids=["one block", "blocks", "rows"])
def _block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "BLOCK", request.param)


@pytest.mark.usefixtures("_block")
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("size", [(0, 5), (1, 1), (9, 40), (40, 33)])
def test_a_cut_is_exceeded_where_torch_says_so(
    size: tuple[int, int], dtype: torch.dtype, device: torch.device
) -> None:
    """Cuts for all values, and for each column, in a finer format than bfloat16."""
    each = values(*size, dtype).to(device)
    for_columns = torch.rand(size[1], generator=torch.Generator().manual_seed(1)).to(device)
    for cut in (0.0, 0.3, 1e-40, for_columns, each.new_tensor(0.5), torch.tensor(torch.inf)):
        limit = cut.to(device) if isinstance(cut, Tensor) else torch.tensor(cut, device=device)
        assert places_above(each, limit).tolist() == where(each.double() > limit.double())


@pytest.mark.usefixtures("_block")
@pytest.mark.parametrize("dtype", FORMATS)
def test_a_row_reaches_its_own_cut_where_torch_says_so(
    dtype: torch.dtype, device: torch.device
) -> None:
    each = values(40, 33, dtype).to(device)
    cut = each.abs()[:, 5:6]
    assert places_from(each, cut).tolist() == where(each >= cut)
    assert places_from(each[:1], cut[:1]).tolist() == where(each[:1] >= cut[:1])


@pytest.mark.parametrize("n_threads", [1, 3])
def test_threads_find_the_same(n_threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "BLOCK", 70)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    each = values(40, 33, torch.bfloat16)
    assert places_above(each, 0.25).tolist() == where(each > 0.25)
