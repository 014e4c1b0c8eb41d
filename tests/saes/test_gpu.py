"""What a GPU makes of the same work: the processor's results, up to rounding."""

from itertools import islice

import pytest
import torch
from tests.conftest import NO_GPU
from tests.saes import oracles, rows
from tests.saes.test_architectures import ARCHITECTURES, CASES, case, inputs
from tests.saes.test_kernels import problem, sort_batch_top_k
from tests.saes.test_training import Memory, source

from superposition.core.store import Store
from superposition.saes import base, kernels, selection, training
from superposition.saes.codes import SparseCodes
from superposition.saes.replayed import Replayed
from superposition.saes.training import fit, fit_many, start

pytestmark = NO_GPU
CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("sparse_below", [0.0, 1.1], ids=["dense", "sparse"])
@pytest.mark.parametrize(("arch", "shift", "n_dead", "fields"), CASES)
def test_loss_and_gradients_are_those_of_the_formula_written_out(
    arch, shift, n_dead, fields, sparse_below, monkeypatch
):
    monkeypatch.setitem(kernels.SPARSE_BELOW, "cuda", sparse_below)
    monkeypatch.setitem(kernels.DENSE_UP_TO, "cuda", 0)
    sae, x, dead = case(arch, shift=shift, **fields), 3 * inputs(40, 7), torch.arange(13) < n_dead
    expected, parameters = oracles.loss(sae, x, dead)
    theirs = torch.autograd.grad(expected, list(parameters.values()), materialize_grads=True)
    sae = sae.to(GPU)
    total = sae.loss(x.to(GPU), dead.to(GPU), progress=0.99).total
    ours = torch.autograd.grad(total, list(sae.parameters()), materialize_grads=True)
    torch.testing.assert_close(total.cpu(), expected)
    torch.testing.assert_close([each.cpu() for each in ours], list(theirs))


@pytest.mark.parametrize("select", [kernels.top_k, kernels.batch_top_k])
@pytest.mark.parametrize("k", [1, 3, 18])
@pytest.mark.parametrize("shift", [0.0, -6.0, -100.0], ids=["usual", "empty rows", "all dead"])
def test_selection_has_the_values_and_gradients_of_dense_autograd(select, k, shift):
    x, W_enc, bias, W_dec = problem(shift=shift)
    pre_acts = x @ W_enc + bias
    alone = select is kernels.top_k
    parts = pre_acts.detach().split(1 if alone else len(x))
    acts = pre_acts * torch.cat([sort_batch_top_k(each, k) for each in parts])
    loss = (acts @ W_dec - x).pow(4).sum() + acts.sum()
    expected = torch.autograd.grad(loss, [W_enc, bias, W_dec])
    x, *weights = (each.detach().to(GPU) for each in (x, W_enc, bias, W_dec))
    W_enc, bias, W_dec = (each.requires_grad_() for each in weights)
    codes = select(kernels.linear(x, W_enc, bias), k)
    assert isinstance(codes, SparseCodes)
    loss = (codes.decode(W_dec) - x).pow(4).sum() + codes.sums().sum()
    torch.testing.assert_close(codes.dense().cpu(), acts)
    for name in ("sums", "l0", "fired"):
        assert getattr(codes, name)().device.type == "cuda"
    found = torch.autograd.grad(loss, [W_enc, bias, W_dec])
    torch.testing.assert_close([each.cpu() for each in found], list(expected))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("n", [1, 700, 9_000, 60_000, 120_000])
def test_largest_finds_what_the_processor_finds(n, dtype):
    values = torch.randn(250, 400, generator=torch.Generator().manual_seed(n)).to(dtype)
    assert torch.equal(selection.largest(values.to(GPU), n).cpu(), selection.largest(values, n))


@pytest.mark.parametrize("k", [1, 7, 32, 400])
def test_top_k_keeps_what_sorting_keeps(k):
    """In bfloat16 many values are equal: as many of them are kept as are wanted."""
    values = torch.randn(200, 400, generator=torch.Generator().manual_seed(k)).to(GPU)
    pre_acts = kernels.linear(values, torch.eye(400, device=GPU), torch.zeros(400, device=GPU))
    kept = kernels.top_k(pre_acts, k).dense()
    expected = values.sort(descending=True).values[:, :k].relu()
    torch.testing.assert_close(kept.sort(descending=True).values[:, :k], expected)
    assert int((kept > 0).sum()) == int((expected > 0).sum())


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("lead", [(), (2,)], ids=["language", "toy"])
def test_a_training_takes_the_course_it_takes_on_the_processor(arch, lead):
    config = rows.row(arch, resampling=rows.resampling(), training=rows.training(dead_window=1))
    ours, theirs = (fit(config, source(*lead), device=device) for device in (GPU, CPU))
    for name in ("loss", "mse", "l0", "resampled"):
        found, expected = (torch.tensor(each.history[name].to_numpy()) for each in (ours, theirs))
        torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("arch", ["l1", "topk", "batch_topk", "matryoshka"])
def test_a_resumed_training_ends_with_the_same_bits(arch):
    config = rows.row(arch)
    whole, memory = fit(config, source(), device=GPU), Memory(killed_after=7)
    with pytest.raises(KeyboardInterrupt):
        fit(config, source(), device=GPU, checkpoint=memory)
    resumed = fit(config, source(), device=GPU, checkpoint=memory)
    for name, value in whole.sae.state_dict().items():
        assert torch.equal(value, resumed.sae.state_dict()[name]), name


@pytest.mark.parametrize(("first", "then"), [(CPU, GPU), (GPU, CPU)], ids=["to GPU", "from GPU"])
def test_a_training_goes_on_where_another_device_left_it(first, then, tmp_path):
    """As with a checkpoint that was copied to another machine."""
    config, memory = rows.row("batch_topk"), Memory(killed_after=7)
    with pytest.raises(KeyboardInterrupt):
        fit(config, source(), device=first, checkpoint=memory)
    kept = Store(scale="full", root=tmp_path).checkpoint("sae", "row", of=config)
    assert memory.kept is not None
    kept.save(memory.kept)
    resumed, whole = (
        fit(config, source(), device=then, checkpoint=kept),
        fit(config, source(), device=then),
    )
    found, expected = (torch.tensor(each.history["loss"].to_numpy()) for each in (resumed, whole))
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_training_in_bfloat16_lowers_the_error_as_on_the_processor(arch):
    config = rows.row(arch, training=rows.training(n_steps=60, lr=3e-2, log_every=1))
    ours, theirs = (
        fit(config, source(dtype=torch.bfloat16), device=device).history for device in (GPU, CPU)
    )
    assert ours.mse[-10:].mean() < 1.2 * theirs.mse[-10:].mean()
    assert ours.mse[-10:].mean() < 0.5 * ours.mse[:5].mean()


@pytest.mark.parametrize("arch", ["l1", "gated", "jumprelu", "topk", "batch_topk"])
def test_replayed_steps_are_those_that_are_made_one_by_one(arch, monkeypatch):
    """A window longer than the run: no latent is dead, so that every step may be replayed."""
    config = rows.row(arch, training=rows.training(n_steps=40, dead_window=99, log_every=1))
    ours = fit(config, source(), device=GPU)
    monkeypatch.setattr(Replayed, "can_make", lambda *_: False)
    theirs = fit(config, source(), device=GPU)
    assert ours.history.step.tolist() == [*range(1, 41)]
    for name in ("loss", "l0", "explained_variance", "lr"):
        found, expected = (torch.tensor(each.history[name].to_numpy()) for each in (ours, theirs))
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    for found, expected in zip(ours.sae.parameters(), theirs.sae.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-4)


def test_steps_are_replayed_until_a_latent_may_be_dead():
    config = rows.row("batch_topk", training=rows.training(n_steps=60, dead_window=20))
    run = start(config, next(source()(0)), GPU)
    run.idle[0] = 12
    looks = [run.replayed.can_make(step) for step in range(9)]
    assert looks == [True] * 8 + [True]  # nothing moves `idle` here, so that 12 is seen again
    assert run.replayed.all_alive_until == 16
    run.idle[0] = 20
    assert not run.replayed.can_make(16)


def test_a_replayed_loss_that_is_not_a_number_stops_the_run(monkeypatch):
    config = rows.row("l1", training=rows.training(n_steps=40, dead_window=99))
    monkeypatch.setattr(training, "learning_rate", lambda *_: float("nan"))
    with pytest.raises(ValueError, match="the loss is nan at step"):
        fit(config, source(), device=GPU)


def test_several_share_a_stream():
    configs = [rows.row("batch_topk", d_sae=width) for width in (12, 24)]
    for fitted in fit_many(configs, source(), device=GPU):
        assert fitted.sae.W_enc.device.type == "cuda"
        assert fitted.n_steps == 20


def test_wide_dictionaries_are_indexed_beyond_32_bits_of_bytes():
    """8,192 x 131,072 pre-activations, of which the last input's are the largest."""
    x = torch.ones(8192, 1, device=GPU, dtype=torch.bfloat16)
    x[-1] = 2.0
    W_enc = torch.ones(1, 131_072, device=GPU)
    codes = kernels.batch_top_k(kernels.linear(x, W_enc, torch.zeros(131_072, device=GPU)), 4)
    assert isinstance(codes, SparseCodes)
    assert codes.pattern.inputs.unique().tolist() == [8191]
    assert len(codes.values) == 8192 * 4


def test_no_memory_is_said_with_what_to_lower():
    config = rows.row("batch_topk", d_sae=2**34)
    with pytest.raises(ValueError, match=r"out of memory: .*lower d_sae=17179869184"):
        fit(config, lambda first: islice(source()(first), 100), device=GPU)


def test_moved_autoencoders_say_the_same():
    x = inputs(30, 6)
    for arch in ARCHITECTURES:
        sae = base.build(rows.row(arch), d_in=6).double()
        sae.initialise_(x)
        expected = sae(x)
        torch.testing.assert_close(sae.to(GPU)(x.to(GPU)).cpu(), expected)
