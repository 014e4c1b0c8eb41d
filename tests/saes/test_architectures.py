"""What holds for every module of superposition.saes that is an architecture."""

import pytest
import torch
from tests.saes.rows import row

from superposition.saes import base

ARCHITECTURES = base.architectures()


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


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("n_dead", [0, 2, 7, 12])
def test_the_fast_path_has_the_loss_and_gradients_of_the_dense_one(arch: str, n_dead: int) -> None:
    """One instance takes the dense path, no instance axis the sparse one."""
    x, dead = inputs(40, 6), torch.arange(12) < n_dead
    alone, one = sae_for(arch, x), sae_for(arch, x[None])
    one.load_state_dict({name: value[None] for name, value in alone.state_dict().items()})
    with torch.no_grad():
        for sae in (alone, one):
            sae.b_enc -= 1.5
            sae.b_dec += 0.1
    fast, dense = alone.loss(x, dead, progress=0.5), one.loss(x[None], dead[None], progress=0.5)
    for name in ("total", "mse", "penalty", "x_hat"):
        torch.testing.assert_close(getattr(fast, name), getattr(dense, name)[0])
    fast.total.backward()
    dense.total.sum().backward()
    for left, right in zip(alone.parameters(), one.parameters(), strict=True):
        assert left.grad is not None
        assert right.grad is not None
        torch.testing.assert_close(left.grad, right.grad[0])


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
