"""What holds for every module of superposition.saes that is an architecture."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tests.saes import oracles
from tests.saes.rows import OWN_FIELDS, row

from superposition.saes import base, kernels

ARCHITECTURES = base.architectures()
ROOT = Path(__file__).parents[2]


def inputs(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def sae_for(arch: str, x: torch.Tensor) -> base.SAE:
    n_instances = x.shape[0] if x.ndim == 3 else None
    sae = base.build(row(arch), d_in=x.shape[-1], n_instances=n_instances).double()
    sae.initialise_(x)
    return sae


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(40, 6), (3, 40, 6)])
def test_shapes_follow_the_input(arch: str, shape: tuple[int, ...]) -> None:
    x = inputs(*shape)
    sae = sae_for(arch, x)
    assert sae.encode(x).shape == (*shape[:-1], 12)
    assert sae(x).shape == x.shape
    assert (sae.encode(x) >= 0).all()


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(40, 6), (3, 40, 6)])
def test_every_parameter_gets_a_gradient(arch: str, shape: tuple[int, ...]) -> None:
    x = inputs(*shape)
    sae = sae_for(arch, x)
    sae.loss(x, torch.ones(sae.b_enc.shape, dtype=torch.bool), progress=0.5).total.sum().backward()
    for name, parameter in sae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def case(arch: str, *, n: int = 40, d_in: int = 7, shift: float = 0.0, **fields: Any) -> base.SAE:
    """13 latents with weights that differ from the first ones in every number."""
    sae = base.build(row(arch, d_sae=13, **fields), d_in=d_in).double()
    sae.initialise_(3 * inputs(n, d_in))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for each in sae.parameters():
            each += 0.1 * torch.randn(each.shape, generator=generator, dtype=each.dtype)
        sae.b_enc -= shift
        sae.after_step_(kernels.above(sae.pre_acts(inputs(n, d_in))))
    return sae


WITH_K = [arch for arch in ARCHITECTURES if "k" in OWN_FIELDS[arch]]
CASES = [(arch, shift, 5, {}) for arch in ARCHITECTURES for shift in (0.0, 0.4, 100.0)]
CASES += [(arch, 0.0, n_dead, {}) for arch in WITH_K for n_dead in (0, 2, 13)]
CASES += [(arch, 0.0, 5, {"k": 13, "k_aux": 13}) for arch in WITH_K]


@pytest.mark.parametrize("sparse_below", [0.0, 1.1], ids=["dense", "sparse"])
@pytest.mark.parametrize(("arch", "shift", "n_dead", "fields"), CASES)
def test_loss_and_gradients_are_those_of_the_formula_written_out(
    arch: str,
    shift: float,
    n_dead: int,
    fields: dict[str, Any],
    sparse_below: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A shift of 0.4 leaves inputs without active latents, one of 100 leaves none active at all."""
    monkeypatch.setitem(kernels.SPARSE_BELOW, "cpu", sparse_below)
    sae, x, dead = case(arch, shift=shift, **fields), 3 * inputs(40, 7), torch.arange(13) < n_dead
    total = sae.loss(x, dead, progress=0.99).total
    expected, parameters = oracles.loss(sae, x, dead)
    torch.testing.assert_close(total, expected)
    ours = torch.autograd.grad(total, list(sae.parameters()), materialize_grads=True)
    theirs = torch.autograd.grad(expected, list(parameters.values()), materialize_grads=True)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_instances_are_so_many_single_autoencoders(arch: str) -> None:
    x, singles = 3 * inputs(3, 40, 7), [case(arch, shift=0.1 * i) for i in range(3)]
    together = base.build(row(arch, d_sae=13), d_in=7, n_instances=3).double()
    states = [single.state_dict() for single in singles]
    together.load_state_dict(
        {name: torch.stack([state[name] for state in states]) for name in states[0]}
    )
    dead = torch.arange(39).view(3, 13) % 4 == 0
    losses = together.loss(x, dead, progress=0.1)
    losses.total.sum().backward()
    for i, single in enumerate(singles):
        alone = single.loss(x[i], dead[i], progress=0.1)
        for name in ("total", "mse", "penalty", "x_hat"):
            torch.testing.assert_close(getattr(losses, name)[i], getattr(alone, name))
        torch.testing.assert_close(losses.codes.dense()[i], alone.codes.dense())
        torch.testing.assert_close(together.encode(x)[i], single.encode(x[i]))
        alone.total.backward()
        for left, right in zip(together.parameters(), single.parameters(), strict=True):
            torch.testing.assert_close(left.grad[i], right.grad)  # type: ignore[index]


@pytest.mark.parametrize("arch", WITH_K)
def test_the_auxiliary_loss_reaches_the_encoder_of_dead_latents_only(arch: str) -> None:
    """Latents that are not active get no other gradient."""
    sae, x, dead = case(arch), 3 * inputs(40, 7), torch.arange(13) < 4
    with torch.no_grad():
        sae.W_enc[:, dead] *= 0.01
        sae.b_enc.copy_(torch.where(dead, 0.001, 9.0))
    loss = sae.loss(x, dead, progress=0.0)
    assert not loss.codes.fired()[dead].any()
    loss.total.backward()
    for each in (sae.W_enc.grad.mT, sae.b_enc.grad, sae.W_dec.grad):  # type: ignore[union-attr]
        assert each is not None
        assert (each[dead].reshape(4, -1).abs().sum(-1) > 0).all()
    without = torch.zeros(13, dtype=torch.bool)
    gradient = torch.autograd.grad(sae.loss(x, without, progress=0.0).total, sae.W_enc)[0]
    assert gradient[:, dead].abs().sum() == 0


@pytest.mark.parametrize("arch", ["l1_april", "gated", "jumprelu"])
def test_inputs_in_another_unit_change_nothing_but_the_unit(arch: str) -> None:
    small, large = (sae_for(arch, size * inputs(40, 6)) for size in (1, 50))
    dead = torch.zeros(12, dtype=torch.bool)
    x, same = inputs(30, 6), {name: each for name, each in small.named_parameters()}
    for name, each in large.named_parameters():
        torch.testing.assert_close(each, same[name])
    ours, theirs = (sae.loss(x_, dead, progress=0.5) for sae, x_ in ((small, x), (large, 50 * x)))
    torch.testing.assert_close(50 * ours.x_hat, theirs.x_hat)
    torch.testing.assert_close(2500 * ours.mse, theirs.mse)
    torch.testing.assert_close(ours.total, theirs.total)
    torch.testing.assert_close(50 * small.encode(x), large.encode(50 * x))


@pytest.mark.parametrize("arch", ["l1_april", "gated", "jumprelu"])
def test_a_penalty_rises_from_nothing(arch: str) -> None:
    x, dead = inputs(40, 6), torch.zeros(12, dtype=torch.bool)
    sae = sae_for(arch, x)
    at = [sae.loss(x, dead, progress=share) for share in (0.0, 0.1, 0.2, 0.9)]
    rest = at[0].penalty.item()  # The gated one's second error counts from the beginning.
    assert rest == 0 or arch == "gated"
    penalties = [loss.penalty.item() - rest for loss in at]
    assert penalties[1] > 0
    assert penalties[2] == pytest.approx(2 * penalties[1])
    assert penalties[3] == pytest.approx(penalties[2])


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_activations_are_those_of_training_or_of_the_threshold(arch: str) -> None:
    """Only selection by the batch is replaced: by a threshold that does not depend on it."""
    sae, x = case(arch), 3 * inputs(40, 7)
    trained = sae.loss(x, torch.zeros(13, dtype=torch.bool), progress=0.5).codes
    if "threshold_decay" in OWN_FIELDS[arch]:
        sae.get_buffer("threshold").copy_(trained.smallest() * (1 - 1e-9))
    torch.testing.assert_close(sae.encode(x), trained.dense())
    torch.testing.assert_close(sae.decode_codes(sae.codes(x)), sae(x))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_training_halves_the_error_from_three_starts(arch: str) -> None:
    """Eight orthogonal directions, one or two at a time; the three instances differ in weights."""
    generator = torch.Generator().manual_seed(0)
    active = torch.rand(3, 256, 8, generator=generator) < 0.2
    x = torch.rand(3, 256, 8, generator=generator).add(0.5) * active
    sae, dead = base.build(row(arch), d_in=8, n_instances=3), torch.zeros(3, 12, dtype=torch.bool)
    sae.initialise_(x)
    optimizer = torch.optim.Adam(sae.parameters(), lr=3e-2)
    losses = []
    for step in range(50):
        optimizer.zero_grad()
        losses.append(sae.loss(x, dead, progress=step / 50))
        losses[-1].total.sum().backward()
        sae.project_gradients_()
        optimizer.step()
        sae.after_step_(losses[-1].codes)
    assert (losses[-1].mse < losses[0].mse / 2).all()
    assert (losses[-1].codes.l0() > 0.5).all()


def test_every_architecture_has_an_oracle_and_a_row_of_the_tests() -> None:
    assert set(ARCHITECTURES) == set(OWN_FIELDS) == set(oracles.ORACLES)


def test_every_architecture_is_in_a_row_of_the_parameters() -> None:
    sections = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    rows = [
        each for name in ("sae", "toy_sae", "sweep") for each in sections.get(name, {}).values()
    ]
    assert set(ARCHITECTURES) <= {each.get("arch") for each in rows}


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_instances_do_not_influence_each_other(arch: str) -> None:
    x = inputs(3, 40, 6)
    sae, dead = sae_for(arch, x), torch.zeros(3, 12, dtype=torch.bool)
    before = sae.loss(x, dead, progress=0.5).total
    x[1] *= 5
    after = sae.loss(x, dead, progress=0.5).total
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    assert before[1] != after[1]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_losses_of_single_inputs_do_not_depend_on_their_batch(arch: str) -> None:
    x = inputs(40, 6)
    sae = sae_for(arch, x)
    torch.testing.assert_close(sae.input_losses(x)[:7], sae.input_losses(x[:7]))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_the_seed_decides_the_first_weights(arch: str) -> None:
    x = inputs(40, 6)
    again = base.build(row(arch, seed=1), d_in=6).double()
    again.initialise_(x)
    assert torch.equal(sae_for(arch, x).W_dec, sae_for(arch, x).W_dec)
    assert not torch.equal(sae_for(arch, x).W_dec, again.W_dec)
