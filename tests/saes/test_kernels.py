"""The fast path against dense autograd in float64, and selection against sorting."""

import pytest
import torch
from torch import Tensor

from superposition.core.compute import has_fast_bf16
from superposition.saes import kernels, scratch
from superposition.saes.kernels import DenseCodes, SparseCodes

CPU = torch.device("cpu")


def problem(batch: int = 24, d_in: int = 7, d_sae: int = 18, *, shift: float = 0.0) -> list[Tensor]:
    """x, W_enc, bias, W_dec in float64; the last three want gradients."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(batch, d_in), (d_in, d_sae), (d_sae,), (d_sae, d_in)]
    x, W_enc, bias, W_dec = (
        torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes
    )
    return [x, *(each.requires_grad_() for each in (W_enc, bias + shift, W_dec))]


def sort_batch_top_k(values: Tensor, k: int) -> Tensor:
    """The mask of the k x batch largest positive values, the first of equal ones, by sorting."""
    flat = values.flatten()
    order = flat.argsort(descending=True, stable=True)[: k * len(values)]
    mask = torch.zeros(len(flat), dtype=torch.bool)
    mask[order[flat[order] > 0]] = True
    return mask.view(values.shape)


@pytest.mark.parametrize("k", [1, 3, 18])
@pytest.mark.parametrize("shift", [0.0, -6.0, -100.0], ids=["usual", "empty rows", "all dead"])
def test_sparse_batch_top_k_has_the_values_and_gradients_of_dense_autograd(
    k: int, shift: float
) -> None:
    x, W_enc, bias, W_dec = problem(shift=shift)
    codes = kernels.batch_top_k(kernels.linear(x, W_enc, bias), k)
    assert isinstance(codes, SparseCodes)
    x_hat = codes.decode(W_dec)
    fast = torch.autograd.grad((x_hat - x).pow(4).sum() + codes.sums().sum(), [W_enc, bias, W_dec])

    pre_acts = x @ W_enc + bias
    acts = pre_acts * sort_batch_top_k(pre_acts.detach(), k)
    loss = (acts @ W_dec - x).pow(4).sum() + acts.sum()
    torch.testing.assert_close(codes.dense(), acts)
    torch.testing.assert_close(fast, torch.autograd.grad(loss, [W_enc, bias, W_dec]))


@pytest.mark.parametrize("sparse_below", [0.0, 1.1], ids=["dense", "sparse"])
def test_the_relu_has_the_gradients_of_autograd_on_both_paths(
    sparse_below: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kernels.SPARSE_BELOW, "cpu", sparse_below)
    x, W_enc, bias, W_dec = problem()
    codes = kernels.above(kernels.linear(x, W_enc, bias))
    assert isinstance(codes, SparseCodes if sparse_below else DenseCodes)
    loss = (codes.decode(W_dec) - x).square().sum() + codes.sums().square().sum()
    fast = torch.autograd.grad(loss, [W_enc, bias, W_dec])

    acts = (x @ W_enc + bias).relu()
    loss = (acts @ W_dec - x).square().sum() + acts.sum(-1).square().sum()
    torch.testing.assert_close(fast, torch.autograd.grad(loss, [W_enc, bias, W_dec]))


@pytest.mark.parametrize("k", [2, 18])
def test_dense_and_sparse_codes_say_the_same(k: int) -> None:
    x, W_enc, bias, _ = problem(shift=-2.0)
    sparse = kernels.batch_top_k(kernels.linear(x, W_enc, bias), k)
    dense = kernels.batch_top_k(kernels.linear(x[None], W_enc[None], bias[None]), k)
    assert isinstance(dense, DenseCodes)
    torch.testing.assert_close(dense.dense()[0], sparse.dense())
    for name in ("sums", "l0", "fired", "smallest"):
        torch.testing.assert_close(getattr(dense, name)()[0], getattr(sparse, name)())


def test_gradients_of_the_sparse_products_pass_gradcheck() -> None:
    x, W_enc, bias, W_dec = problem(batch=5, d_in=3, d_sae=6)
    active = torch.tensor([0, 3, 4, 13, 25, 29])

    def reconstruct(W_enc: Tensor, bias: Tensor, W_dec: Tensor) -> Tensor:
        pre_acts = kernels.linear(x, W_enc, bias)
        return kernels.select(pre_acts, pre_acts.values.detach(), active).decode(W_dec)

    assert torch.autograd.gradcheck(reconstruct, (W_enc, bias, W_dec))


def test_every_instance_keeps_its_own_k_times_batch() -> None:
    x = torch.randn(3, 10, 4, generator=torch.Generator().manual_seed(0))
    x[1] *= 100
    codes = kernels.batch_top_k(
        kernels.linear(x, torch.eye(4).repeat(3, 1, 1), torch.zeros(3, 4)), 1
    )
    torch.testing.assert_close(codes.l0(), torch.ones(3))


def test_bfloat16_inputs_give_the_float32_product_within_rounding() -> None:
    x, W_enc, bias, _ = (each.detach().float() for each in problem(64, 128, 256))
    exact = kernels.linear(x.bfloat16().float(), W_enc, bias).values
    rounded = kernels.linear(x.bfloat16(), W_enc, bias).values
    assert rounded.dtype == (torch.bfloat16 if has_fast_bf16(CPU) else torch.float32)
    torch.testing.assert_close(rounded.float(), exact, rtol=2e-2, atol=0.2)


def test_inputs_that_want_gradients_get_them_from_dense_codes() -> None:
    x, W_enc, bias, _ = problem()
    codes = kernels.batch_top_k(kernels.linear(x.requires_grad_(), W_enc, bias), 2)
    assert isinstance(codes, DenseCodes)
    codes.dense().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


@pytest.mark.parametrize("k", [1, 3, 18])
@pytest.mark.parametrize("shift", [0.0, -6.0, -100.0], ids=["usual", "empty rows", "all dead"])
def test_sparse_top_k_has_the_values_and_gradients_of_dense_autograd(k: int, shift: float) -> None:
    x, W_enc, bias, W_dec = problem(shift=shift)
    codes = kernels.top_k(kernels.linear(x, W_enc, bias), k)
    assert isinstance(codes, SparseCodes)
    loss = (codes.decode(W_dec) - x).pow(4).sum() + codes.sums().sum()
    fast = torch.autograd.grad(loss, [W_enc, bias, W_dec])

    pre_acts = x @ W_enc + bias
    kept = torch.stack([sort_batch_top_k(each[None], k)[0] for each in pre_acts.detach()])
    acts = pre_acts * kept
    loss = (acts @ W_dec - x).pow(4).sum() + acts.sum()
    torch.testing.assert_close(codes.dense(), acts)
    torch.testing.assert_close(fast, torch.autograd.grad(loss, [W_enc, bias, W_dec]))


def test_of_equal_values_as_many_are_kept_as_wanted() -> None:
    pre_acts = kernels.linear(torch.ones(4, 1), torch.ones(1, 6), torch.zeros(6))
    codes = kernels.top_k(pre_acts, 2)
    assert codes.sums().tolist() == [2.0] * 4
    assert float(codes.l0()) == 2.0


@pytest.mark.parametrize("sparse_below", [0.0, 1.1], ids=["dense", "sparse"])
def test_a_threshold_for_each_latent_has_the_gradients_of_autograd(
    sparse_below: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kernels.SPARSE_BELOW, "cpu", sparse_below)
    x, W_enc, bias, W_dec = problem()
    threshold = torch.rand(18, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    codes = kernels.above(kernels.linear(x, W_enc, bias), threshold)
    assert isinstance(codes, SparseCodes if sparse_below else DenseCodes)
    fast = torch.autograd.grad((codes.decode(W_dec) - x).pow(4).sum(), [W_enc, bias, W_dec])

    pre_acts = x @ W_enc + bias
    acts = pre_acts * (pre_acts > threshold)
    loss = (acts @ W_dec - x).pow(4).sum()
    torch.testing.assert_close(codes.dense(), acts)
    torch.testing.assert_close(fast, torch.autograd.grad(loss, [W_enc, bias, W_dec]))


def test_stored_values_of_zero_or_below_can_be_taken_out() -> None:
    x, W_enc, bias, _ = problem()
    pre_acts = kernels.linear(x, W_enc, bias)
    codes = kernels.select(pre_acts, pre_acts.values.detach(), torch.arange(0, 24 * 18, 5))
    assert bool((codes.values < 0).any())
    torch.testing.assert_close(codes.positive().dense(), codes.dense().relu())


@pytest.mark.parametrize("sparse_below", [0.0, 1.1], ids=["dense", "sparse"])
def test_a_group_of_latents_decodes_alone(
    sparse_below: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kernels.SPARSE_BELOW, "cpu", sparse_below)
    x, W_enc, bias, W_dec = problem()
    codes = kernels.above(kernels.linear(x, W_enc, bias))
    group = codes.within(5, 11)
    acts = (x @ W_enc + bias).relu()[:, 5:11]
    torch.testing.assert_close(group.dense(), acts)
    torch.testing.assert_close(group.decode(W_dec[5:11]), acts @ W_dec[5:11])
    assert torch.equal(group.fired(), (acts > 0).any(0))
    ours, theirs = (
        torch.autograd.grad(each.pow(2).sum(), [W_enc, bias], retain_graph=True)
        for each in (group.dense(), acts)
    )
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("sparse_below", [0.0, 1.1], ids=["dense", "sparse"])
def test_numbers_of_latents_meet_their_values(
    sparse_below: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kernels.SPARSE_BELOW, "cpu", sparse_below)
    x, W_enc, bias, _ = problem()
    weights = torch.arange(18.0, dtype=torch.float64)
    codes = kernels.above(kernels.linear(x, W_enc, bias))
    weighted = codes.with_values(codes.values * codes.spread(weights))
    torch.testing.assert_close(weighted.dense(), (x @ W_enc + bias).relu() * weights)


def test_a_frozen_decoder_passes_gradients_on_and_gets_none() -> None:
    x, W_enc, bias, W_dec = problem()
    codes = kernels.top_k(kernels.linear(x, W_enc, bias), 3)
    codes.decode(W_dec.detach()).pow(2).sum().backward()
    assert W_dec.grad is None
    assert W_enc.grad is not None
    assert W_enc.grad.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    "activate", [kernels.above, lambda pre_acts: kernels.top_k(pre_acts, 3)], ids=["above", "top_k"]
)
def test_memory_that_is_kept_changes_no_number(activate, dtype: torch.dtype) -> None:
    """Two batches in turn: the second one's values lie where the first one's were."""
    _, W_enc, bias, _ = (each.detach().float() for each in problem(d_in=7, d_sae=400, shift=-5.0))
    batches = torch.randn(2, 2000, 7, generator=torch.Generator().manual_seed(0)).to(dtype)
    memory = scratch.shared()
    kept = [activate(kernels.linear(x, W_enc, bias, memory)) for x in batches]
    fresh = [activate(kernels.linear(x, W_enc, bias)) for x in batches]
    for a, b in zip(kept, fresh, strict=True):
        assert isinstance(a, SparseCodes)
        assert torch.equal(a.dense(), b.dense())


def test_inputs_that_are_probed_say_truly_whether_codes_are_sparse() -> None:
    """The first inputs have no active latent, or every one; what the others have decides then."""
    _, W_enc, _, _ = (each.detach().float() for each in problem(d_in=7, d_sae=18))
    x = torch.zeros(2000, 7)
    for first, rest, kind in (
        (0.0, 0.0, SparseCodes),
        (0.0, 1.0, DenseCodes),
        (1.0, 1.0, DenseCodes),
    ):
        x[: kernels.PROBED], x[kernels.PROBED :] = first, rest
        codes = kernels.above(kernels.linear(x, W_enc.abs(), torch.zeros(18)))
        assert isinstance(codes, kind)
        assert float(codes.l0()) == pytest.approx(18 * (first > 0 or rest > 0), rel=0.1)
